"""A server's wish for silence, as it is remembered for the next life. Pure."""

import json


def penalty_text(now: float, wait: float) -> str:
    """The JSON that remembers a penalty of *wait* seconds from *now*, since the epoch."""
    return json.dumps({"until": now + wait, "wait": wait})


def penalty_left(text: str | None, now: float) -> float:
    """Seconds that are left of a remembered penalty; a clock that was put back adds none."""
    match None if text is None else json.loads(text):
        case {"until": int() | float() as until, "wait": int() | float() as wait}:
            return max(0.0, min(until - now, wait))
        case _:
            return 0.0
