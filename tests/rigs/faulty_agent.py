"""An agent on 127.0.0.1 that goes wrong in every way, by a word of the message: ``fault:stall``.

It speaks just enough of each mode that reaches an agent over HTTP: ``production``, ``openai`` and
``agui``. One server can go wrong in many chats at once, in each by its own word, and a word can
be cured; what is without a word is answered. A refused connection is the line's to make: see
``tests/rigs/wire.py``.
"""

import json
import re
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from random import Random

import trio
from attrs import define, field, frozen

from tests.actors.platform.raw_server import END, EVENTS, answer, chunk, raw_server
from tests.rigs.faulty_agent_words import RAW, SPOKEN, Json, Said, framed, text_of

HTML = f"<!doctype html><html><body><h1>502</h1>{RAW}<hr>nginx</body></html>".encode()
MiB = 1 << 20
GiB = 1 << 30

_WORD = re.compile(r"fault:([a-z0-9-]+)")
_NOISE = Random(5).randbytes(2048)
_GARBAGE = _NOISE + b"\r\n\r\n" + _NOISE
_NOT_CHUNKED = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"


@frozen
class Asked:
    """A request for an answer.

    Args:
        word: What goes wrong; empty for nothing.
        text: What the person wrote.
        at: On trio's clock.
    """

    word: str
    text: str = field(repr=False)
    at: float


@frozen
class _Turn:
    """One request that goes wrong or not.

    Args:
        attempt: Of the same text, counted from 1.
    """

    stream: trio.abc.Stream
    said: Said
    attempt: int

    async def send(self, *parts: bytes) -> None:
        await self.stream.send_all(b"".join(parts))


Fault = Callable[[_Turn], Awaitable[None]]


def _status(status: str, *more: str) -> Fault:
    async def fault(turn: _Turn) -> None:
        body = {"error": {"message": RAW}, "type": "about:blank", "title": RAW, "status": 500}
        await turn.send(answer(json.dumps(body).encode(), status=status, more=more))

    return fault


def _page(body: bytes, kind: str) -> Fault:
    async def fault(turn: _Turn) -> None:
        await turn.send(answer(body, kind=kind))

    return fault


def _ending(*parts: bytes, begins: bool = True) -> Fault:
    """Some words of the answer, then *parts*, then the end of the line."""

    async def fault(turn: _Turn) -> None:
        begun = [EVENTS, *map(chunk, turn.said.opening)] if begins else []
        await turn.send(*begun, *parts)
        await turn.stream.aclose()

    return fault


async def _well(turn: _Turn) -> None:
    said = turn.said
    await turn.send(EVENTS, *map(chunk, [*said.opening, *said.closing]), END)


async def _once(turn: _Turn) -> None:
    await (_status("500 Internal Server Error") if turn.attempt == 1 else _well)(turn)


async def _hang(_: _Turn) -> None:
    await trio.sleep_forever()


async def _stall(turn: _Turn) -> None:
    await turn.send(EVENTS, *map(chunk, turn.said.opening))
    await trio.sleep_forever()


async def _truncated(turn: _Turn) -> None:
    """The last event is half of its JSON, and the stream ends as it should."""
    half = turn.said.closing[0].rstrip()
    await turn.send(EVENTS, *map(chunk, turn.said.opening), chunk(half[: -len(half) // 3]))
    await turn.send(chunk(b"\n\n"), END)


async def _type(turn: _Turn) -> None:
    body = b"".join([*turn.said.opening, *turn.said.closing])
    await turn.send(answer(body, kind="application/octet-stream"))


async def _gigabyte(turn: _Turn) -> None:
    await turn.send(_NOT_CHUNKED, b"data: ")
    for _ in range(GiB >> 16):
        await turn.send(b"x" * (1 << 16))


async def _huge(turn: _Turn) -> None:
    await turn.send(EVENTS, *map(chunk, turn.said.opening), chunk(turn.said.huge(10 * MiB)))
    await turn.send(*map(chunk, turn.said.closing), END)


async def _strange(turn: _Turn) -> None:
    await turn.send(EVENTS, *map(chunk, turn.said.strange), END)


FAULTS: Mapping[str, Fault] = {
    "500": _status("500 Internal Server Error"),
    "500-once": _once,
    "429": _status("429 Too Many Requests", "Retry-After: 1"),
    "401": _status("401 Unauthorized"),
    "hang": _hang,
    "stall": _stall,
    "cut": _ending(),
    "truncated": _truncated,
    "empty": _page(b"", "text/event-stream"),
    "garbage": _ending(_GARBAGE, begins=False),
    "html": _page(HTML, "text/html"),
    "redirect": _status("302 Found", "Location: http://127.0.0.1:1/"),
    "type": _type,
    "gigabyte": _gigabyte,
    "huge": _huge,
    "strange": _strange,
    "noise": _ending(chunk(_GARBAGE)),
    "silence": _ending(begins=False),
}
"""What goes wrong, by its word."""

HARMLESS = frozenset({"500-once", "strange"})
"""Words that are answered all the same."""


@define(eq=False)
class FaultyAgent:
    """A running agent.

    Args:
        mode: What ``PLATFORM_MODE`` says.
        asked: All requests for answers, in order.
    """

    mode: str
    port: int = 0
    asked: list[Asked] = field(factory=list)
    _cured: set[str] = field(factory=set)
    _changed: trio.Event = field(factory=trio.Event)
    _texts: dict[str, str] = field(factory=dict)
    """What runs of the platform are about, by their ids."""

    def cure(self, *words: str) -> None:
        """Answer from now on in spite of *words*."""
        self._cured.update(words)

    async def is_asked(self, word: str) -> None:
        """Wait until somebody asks with *word*."""
        while not any(one.word == word for one in self.asked):
            await self._changed.wait()

    async def serve(self, stream: trio.abc.Stream, request: bytes) -> None:
        """Answer one request."""
        head, _, content = request.partition(b"\r\n\r\n")
        method, path, _ = head.decode().split("\r\n")[0].split(" ")
        body: Json = json.loads(content) if content.startswith(b"{") else {}
        text = self._text(method, path, body)
        if text is None:
            await stream.send_all(SPOKEN[self.mode].small_talk(method, path, body))
            return
        await self._answer(stream, text, after=_last_event_id(head))

    def _text(self, method: str, path: str, body: Json) -> str | None:
        """What the person wrote whose answer is asked for; None for other requests."""
        found = re.fullmatch(r"/v1/runs/([^/]+)/events", path)
        if method == "GET" and found:
            return self._texts.get(found[1])
        if method != "POST" or "messages" not in body:
            return None
        text = text_of(body)
        if "runId" in body:
            self._texts[body["runId"]] = text
        return text

    async def _answer(self, stream: trio.abc.Stream, text: str, *, after: int) -> None:
        word = next(iter(_WORD.findall(text)), "")
        self.asked.append(Asked(word, text, trio.current_time()))
        self._changed.set()
        self._changed = trio.Event()
        attempts = Counter(one.text for one in self.asked)
        said = framed(SPOKEN[self.mode], text, after=after)
        fault = _well if word in self._cured else FAULTS.get(word, _well)
        await fault(_Turn(stream, said, attempts[text]))


def _last_event_id(head: bytes) -> int:
    found = re.search(rb"(?i)\r\nlast-event-id: (\d+)", head)
    return int(found[1]) if found else 0


@asynccontextmanager
async def faulty_agent(mode: str) -> AsyncIterator[FaultyAgent]:
    """An agent as ``PLATFORM_MODE`` *mode* expects it, at its port."""
    agent = FaultyAgent(mode)
    async with raw_server(agent.serve) as url:
        agent.port = int(url.rpartition(":")[2])
        yield agent


def settings_for(mode: str, url: str) -> dict[str, str]:
    """The settings of a program whose agent stands at *url*."""
    return {
        "production": {"LAMBDA_PLATFORM_URL": url, "LAMBDA_SERVICE_TOKEN": "token-of-a-test"},
        "openai": {"OPENAI_BASE_URL": f"{url}/v1", "OPENAI_MODEL": "parrot"},
        "agui": {"AGUI_URL": f"{url}/agent"},
    }[mode] | {"PLATFORM_MODE": mode}
