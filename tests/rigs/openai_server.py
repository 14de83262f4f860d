"""A small OpenAI-compatible server on 127.0.0.1 whose model repeats what it is told."""

import json
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any

import trio
from attrs import define, field, frozen

from tests.actors.platform.raw_server import END, EVENTS, answer, chunk, raw_server

Json = dict[str, Any]
Fault = Callable[[trio.abc.Stream], Awaitable[None]]
"""What is done to the connection of a request for an answer, in the place of the answer."""


@frozen
class Asked:
    """A request as it came."""

    method: str
    path: str
    key: str
    body: Json


@define(eq=False)
class OpenAIServer:
    """Knows ``/models`` and ``/chat/completions`` below its address.

    Args:
        models: What it lists; None where it has no such list.
        key: The only bearer token that it lets in; empty for anybody.
        knows_usage: Whether ``stream_options`` is a word to it.
    """

    models: tuple[str, ...] | None = ("parrot",)
    key: str = ""
    knows_usage: bool = True
    address: str = ""
    asked: list[Asked] = field(init=False, factory=list)
    faults: deque[Fault] = field(init=False, factory=deque)

    @asynccontextmanager
    async def running(self) -> AsyncIterator["OpenAIServer"]:
        """The server at its address while the block lasts."""
        async with raw_server(self._serve) as address:
            self.address = f"{address}/v1"
            yield self

    @property
    def chats(self) -> list[Json]:
        """The bodies of the requests for answers."""
        return [one.body for one in self.asked if one.path == "/v1/chat/completions"]

    async def _serve(self, stream: trio.abc.Stream, request: bytes) -> None:
        asked = _asked(request)
        self.asked.append(asked)
        if self.key and asked.key != self.key:
            await stream.send_all(refusal("401 Unauthorized", "no such key"))
            return
        match asked.method, asked.path:
            case "GET", "/v1/models" if self.models is not None:
                await stream.send_all(model_list(*self.models))
            case "POST", "/v1/chat/completions":
                await self._complete(stream, asked.body)
            case _:
                await stream.send_all(refusal("404 Not Found", "no such path"))

    async def _complete(self, stream: trio.abc.Stream, body: Json) -> None:
        if "stream_options" in body and not self.knows_usage:
            await stream.send_all(refusal("400 Bad Request", "stream_options: unknown"))
        elif self.faults:
            await self.faults.popleft()(stream)
        else:
            await stream.send_all(b"".join(streamed(*answer_to(body))))


def _asked(request: bytes) -> Asked:
    head, _, body = request.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    method, path, _ = first.split(" ")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    key = headers.get("authorization", "").removeprefix("Bearer ")
    return Asked(method, path, key, json.loads(body) if body else {})


def model_list(*ids: str) -> bytes:
    """A list of models as an answer."""
    models = {"object": "list", "data": [{"id": id_, "object": "model"} for id_ in ids]}
    return answer(json.dumps(models).encode())


def refusal(status: str, words: str, *more: str) -> bytes:
    """A status with the body that such servers give it; *more* are further headers."""
    body = {"error": {"message": words, "type": "invalid_request_error", "code": None}}
    return answer(json.dumps(body).encode(), status=status, more=more)


def delta(content: str | None = None, finish_reason: str | None = None, **more: Any) -> Json:
    """A chunk of an answer."""
    choice = {"index": 0, "delta": {"content": content, **more}, "finish_reason": finish_reason}
    return {"object": "chat.completion.chunk", "model": "parrot", "choices": [choice]}


def answer_to(body: Json) -> Iterable[Json | str]:
    """What the model says to *body*: all the words of the last message again."""
    words = "You said: " + _words(body["messages"][-1]["content"])
    yield delta(role="assistant")
    for start in range(0, len(words), 4):
        yield delta(words[start : start + 4])
    yield delta(finish_reason="stop")
    if "stream_options" in body:
        usage = {"prompt_tokens": len(body["messages"]), "completion_tokens": len(words) // 4 + 1}
        yield {"object": "chat.completion.chunk", "model": "parrot", "choices": [], "usage": usage}
    yield "[DONE]"


def _words(content: str | list[Json]) -> str:
    if isinstance(content, str):
        return content
    return " ".join(part.get("text", f"<{part['type']}>") for part in content)


def event(said: Json | str) -> bytes:
    """One server-sent event, as one chunk of the connection."""
    return chunk(f"data: {said if isinstance(said, str) else json.dumps(said)}\n\n".encode())


def streamed(*said: Json | str) -> Iterable[bytes]:
    """A whole stream."""
    yield EVENTS
    yield from map(event, said)
    yield END


def says(*parts: bytes) -> Fault:
    """Sends *parts*, and lets the connection be."""

    async def fault(stream: trio.abc.Stream) -> None:
        await stream.send_all(b"".join(parts))

    return fault


def says_and_closes(*parts: bytes) -> Fault:
    """Sends *parts*, and closes the connection."""

    async def fault(stream: trio.abc.Stream) -> None:
        await stream.send_all(b"".join(parts))
        await stream.aclose()

    return fault


def says_and_hangs(*parts: bytes) -> Fault:
    """Sends *parts*, then nothing more until the client has gone."""

    async def fault(stream: trio.abc.Stream) -> None:
        await stream.send_all(b"".join(parts))
        while await stream.receive_some():
            pass

    return fault
