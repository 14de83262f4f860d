"""A small AG-UI server on 127.0.0.1 whose agent says what a test wrote down."""

import json
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any

import trio
from attrs import define, field, frozen

from tests.actors.platform.raw_server import END, EVENTS, answer, chunk, raw_server

Json = dict[str, Any]
Serve = Callable[[trio.abc.Stream], Awaitable[None]]
"""What is done to the connection of a run, in the place of the usual answer."""


@frozen
class Asked:
    """A request for a run as it came."""

    path: str
    key: str
    body: Json

    @property
    def messages(self) -> list[tuple[str, Any]]:
        """The role and the content of each message."""
        return [(each["role"], each["content"]) for each in self.body["messages"]]


@define(eq=False)
class AguiServer:
    """Runs its agent for whoever posts to ``/agent/``, with the slash.

    Args:
        key: The only bearer token that it lets in; empty for anybody.
    """

    key: str = ""
    address: str = ""
    asked: list[Asked] = field(init=False, factory=list)
    scripts: deque[Serve] = field(init=False, factory=deque)

    @asynccontextmanager
    async def running(self) -> AsyncIterator["AguiServer"]:
        """The server at its address while the block lasts."""
        async with raw_server(self._serve) as address:
            self.address = f"{address}/agent/"
            yield self

    @property
    def last(self) -> Asked:
        """The newest request."""
        return self.asked[-1]

    async def _serve(self, stream: trio.abc.Stream, request: bytes) -> None:
        asked = _asked(request)
        if asked.path != "/agent/":
            await stream.send_all(answer(b"", status="307 Temporary Redirect"))
            return
        self.asked.append(asked)
        if self.key and asked.key != self.key:
            await stream.send_all(answer(b'{"detail": "raw words"}', status="401 Unauthorized"))
        elif self.scripts:
            await self.scripts.popleft()(stream)
        else:
            await stream.send_all(b"".join(streamed(*run(*spoken(_echo(asked))))))


def _asked(request: bytes) -> Asked:
    head, _, body = request.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    key = headers.get("authorization", "").removeprefix("Bearer ")
    return Asked(first.split(" ")[1], key, json.loads(body))


def _echo(asked: Asked) -> str:
    _, content = asked.messages[-1]
    if isinstance(content, str):
        return f"You said: {content}"
    return "You said: " + " ".join(part.get("text", f"<{part['type']}>") for part in content)


def spoken(text: str, message: str = "m1") -> Iterable[Json]:
    """A message of the agent, in pieces of four characters."""
    yield {"type": "TEXT_MESSAGE_START", "messageId": message, "role": "assistant"}
    for start in range(0, len(text), 4):
        piece = text[start : start + 4]
        yield {"type": "TEXT_MESSAGE_CONTENT", "messageId": message, "delta": piece}
    yield {"type": "TEXT_MESSAGE_END", "messageId": message}


def run(*events: Json, **outcome: Any) -> Iterable[Json]:
    """A whole run; *outcome* is what its end says."""
    yield {"type": "RUN_STARTED", "threadId": "t", "runId": "r"}
    yield from events
    yield {"type": "RUN_FINISHED", "threadId": "t", "runId": "r", **outcome}


def call(name: str, call_id: str, arguments: str = "{}", message: str = "m1") -> Iterable[Json]:
    """The call of a tool."""
    which = {"toolCallId": call_id}
    yield {"type": "TOOL_CALL_START", **which, "toolCallName": name, "parentMessageId": message}
    yield {"type": "TOOL_CALL_ARGS", **which, "delta": arguments}
    yield {"type": "TOOL_CALL_END", **which}


def interrupt(*ids: str) -> Json:
    """The outcome of a run that asks for approvals."""
    schema = {"properties": {"approved": {"type": "boolean"}, "reason": {"type": "string"}}}
    asked = [{"id": id_, "reason": "tool_call", "message": f"May I {id_}?"} for id_ in ids]
    return {
        "type": "interrupt",
        "interrupts": [each | {"responseSchema": schema} for each in asked],
    }


def event(said: Json | str) -> bytes:
    """One server-sent event, as one chunk of the connection."""
    return chunk(f"data: {said if isinstance(said, str) else json.dumps(said)}\n\n".encode())


def streamed(*said: Json | str) -> Iterable[bytes]:
    """A whole stream."""
    yield EVENTS
    yield from map(event, said)
    yield END


def says(*parts: bytes) -> Serve:
    """Sends *parts*, and lets the connection be."""

    async def serve(stream: trio.abc.Stream) -> None:
        await stream.send_all(b"".join(parts))

    return serve


def answers(*events: Json, **outcome: Any) -> Serve:
    """A whole run with *events*."""
    return says(*streamed(*run(*events, **outcome)))


def says_and_closes(*parts: bytes) -> Serve:
    """Sends *parts*, and closes the connection."""

    async def serve(stream: trio.abc.Stream) -> None:
        await stream.send_all(b"".join(parts))
        await stream.aclose()

    return serve


def says_and_hangs(*parts: bytes) -> Serve:
    """Sends *parts*, then nothing more until the client has gone."""

    async def serve(stream: trio.abc.Stream) -> None:
        await stream.send_all(b"".join(parts))
        while await stream.receive_some():
            pass

    return serve
