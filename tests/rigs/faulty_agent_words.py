"""What the faulty agent says, in the words of each mode; pure."""

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from attrs import frozen

from tests.actors.platform.raw_server import answer

Json = dict[str, Any]

RAW = "the provider's own words"
"""Stands in whatever no chat should ever show."""

BEGINS = "I begin, "
ENDS = "and I end."


class Spoken(Protocol):
    """How one mode speaks."""

    is_numbered: bool

    def opening(self) -> list[Json]:
        """Events that say ``BEGINS``."""

    def closing(self, text: str) -> list[Json | str]:
        """Events that quote *text*, say ``ENDS``, and end the answer."""

    def more(self, text: str) -> Json:
        """An event that says *text*."""

    def strange(self) -> list[Json]:
        """Events that nobody knows."""

    def small_talk(self, method: str, path: str, body: Json) -> bytes:
        """The answer to any other request."""


@frozen
class Said:
    """An answer, in server-sent events.

    Args:
        opening: Say ``BEGINS``; ``closing`` is the rest.
        strange: The whole answer, with events in the middle that nobody knows.
        huge: The first of ``closing``, but of that size.
    """

    opening: list[bytes]
    closing: list[bytes]
    strange: list[bytes]
    huge: Callable[[int], bytes]


def framed(spoken: Spoken, text: str, *, after: int) -> Said:
    """The answer to *text*, without its first *after* events."""
    opening, closing = spoken.opening(), spoken.closing(text)
    begun, events = len(opening), _events(spoken, [*opening, *closing])
    return Said(
        opening=events[after:begun],
        closing=events[max(after, begun) :],
        strange=_events(spoken, [*opening, *spoken.strange(), *closing]),
        huge=lambda size_bytes: _event(spoken, begun + 1, spoken.more("x" * size_bytes)),
    )


def _events(spoken: Spoken, said: Iterable[Json | str]) -> list[bytes]:
    return [_event(spoken, number, one) for number, one in enumerate(said, 1)]


def _event(spoken: Spoken, number: int, said: Json | str) -> bytes:
    data = said if isinstance(said, str) else json.dumps(said)
    head = f"id: {number}\n" if spoken.is_numbered else ""
    return f"{head}data: {data}\n\n".encode()


def text_of(body: Json) -> str:
    """What the person wrote last, by a request in any mode."""
    content = body["messages"][-1]["content"]
    if isinstance(content, str):
        return content
    return " ".join(part.get("text", "") for part in content)


def _ok(body: object) -> bytes:
    return answer(json.dumps(body).encode())


class _Agui:
    is_numbered = False

    def opening(self) -> list[Json]:
        start = {"type": "TEXT_MESSAGE_START", "messageId": "m1", "role": "assistant"}
        return [{"type": "RUN_STARTED", "threadId": "t", "runId": "r"}, start, self.more(BEGINS)]

    def closing(self, text: str) -> list[Json | str]:
        return [
            self.more(f"having read “{text}”, {ENDS}"),
            {"type": "TEXT_MESSAGE_END", "messageId": "m1"},
            {"type": "RUN_FINISHED", "threadId": "t", "runId": "r"},
        ]

    def more(self, text: str) -> Json:
        return {"type": "TEXT_MESSAGE_CONTENT", "messageId": "m1", "delta": text}

    def strange(self) -> list[Json]:
        return [
            {"type": "MOOD_CHANGED", "mood": RAW},
            {"type": "CUSTOM", "name": "confetti", "value": [RAW]},
            {"type": "RAW", "event": {"said": RAW}, "extra": {"a": [1]}},
        ]

    def small_talk(self, method: str, path: str, body: Json) -> bytes:  # noqa: ARG002
        return answer(b"{}", status="405 Method Not Allowed")


class _Production(_Agui):
    is_numbered = True

    def small_talk(self, method: str, path: str, body: Json) -> bytes:
        match method, path.split("/")[2:]:
            case "GET", ["capabilities"]:
                return _ok({"protocol_version": "2026-11-01"})
            case "PUT", ["users", platform, external_id]:
                user_id = f"user-{external_id}"
                return _ok({"user_id": user_id, "external_id": external_id, "platform": platform})
            case "GET", ["users", _, "settings"]:
                return _ok({"skills": {}, "model": "parrot"})
            case "POST", ["runs", _, "cancel"]:
                return answer(b"", status="202 Accepted")
            case _:
                return super().small_talk(method, path, body)


class _OpenAI:
    is_numbered = False

    def opening(self) -> list[Json]:
        return [self._chunk(role="assistant", content=None), self.more(BEGINS)]

    def closing(self, text: str) -> list[Json | str]:
        return [
            self.more(f"having read “{text}”, {ENDS}"),
            self._chunk("stop"),
            "[DONE]",
        ]

    def more(self, text: str) -> Json:
        return self._chunk(content=text)

    def strange(self) -> list[Json]:
        return [
            {"object": "mood.changed", "mood": RAW, "choices": []},
            {"object": "chat.completion.chunk", "choices": [], "extra": {"said": RAW}},
            self._chunk(confetti=[RAW]),
        ]

    def small_talk(self, method: str, path: str, body: Json) -> bytes:  # noqa: ARG002
        if (method, path) == ("GET", "/v1/models"):
            return _ok({"object": "list", "data": [{"id": "parrot", "object": "model"}]})
        return answer(b"{}", status="404 Not Found")

    def _chunk(self, finish_reason: str | None = None, **delta: object) -> Json:
        choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
        return {"object": "chat.completion.chunk", "model": "parrot", "choices": [choice]}


SPOKEN: Mapping[str, Spoken] = {
    "production": _Production(),
    "openai": _OpenAI(),
    "agui": _Agui(),
}
