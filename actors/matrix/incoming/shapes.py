"""What stands where in events of which nothing is known. Pure; never raises."""

import json
from typing import Any, TypeGuard

from actors.surfaces.shapes import Json, clean, is_number, table, text_in

_LATEST_MS = 2**53


def events_in(found: Any) -> tuple[Json, ...]:
    """The events of the list *found*."""
    if not isinstance(found, list):
        return ()
    return tuple(event for event in found if isinstance(event, dict))


def is_name(found: Any, sigil: str) -> TypeGuard[str]:
    """Whether *found* may be an id: of an event with ``$``, a person ``@``, a room ``!``."""
    return isinstance(found, str) and found.startswith(sigil) and clean(found) == found


def name_in(found: Any, sigil: str) -> str:
    """*found* where it may be an id, else none."""
    return found if is_name(found, sigil) else ""


def is_time_ms(found: Any) -> TypeGuard[int]:
    """Whether *found* may be when something was sent."""
    return is_number(found) and 0 <= found < _LATEST_MS


def is_redacted(event: Json) -> bool:
    """Whether *event* was taken back, so that nothing is left in it."""
    return "redacted_because" in table(event.get("unsigned"))


def written(event: Json) -> str:
    """*event* as text; empty where it is too deep for that."""
    try:
        return json.dumps(event)
    except RecursionError:
        return ""


def on_one_line(found: Any, *, longest: int) -> str:
    """A person's words on one line, at most *longest* characters."""
    return " ".join(text_in(found)[:longest].split())
