"""HTTP/1.1 on one connection, as much of it as stands in for a homeserver, with h11 on trio."""

import json
import socket
import struct
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Literal
from urllib.parse import parse_qs, unquote, urlsplit

import h11
import trio
from attrs import define, field, frozen

_CHUNK_BYTES = 65_536
_RESET = struct.pack("ii", 1, 0)
_OF_THE_CONNECTION = frozenset({"connection", "content-length", "host", "transfer-encoding"})

Ending = Literal["sent", "reset", "half"]


@frozen
class Asked:
    """One request, without what its connection has of its own."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    body: bytes = field(repr=False)

    @property
    def path(self) -> str:
        """Without the query, percent signs resolved."""
        return unquote(urlsplit(self.target).path)

    @property
    def name(self) -> str:
        """As ``GET /path``."""
        return f"{self.method} {self.path}"

    @property
    def query(self) -> dict[str, str]:
        """The parameters of the query; of several the last."""
        return {name: them[-1] for name, them in parse_qs(urlsplit(self.target).query).items()}


@frozen
class Reply:
    """One HTTP answer."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes = field(repr=False)


def _nothing() -> None:
    pass


@frozen
class Answer:
    """What goes back; None as *reply* ends the connection with a reset.

    Args:
        then: Called once it has gone out whole.
    """

    reply: Reply | None
    ending: Ending = "sent"
    then: Callable[[], None] = _nothing


Answerer = Callable[[Asked], Awaitable[Answer]]


def as_json(status: int, body: Any, *headers: tuple[str, str]) -> Reply:
    """An answer as a homeserver gives it."""
    said = (("Content-Type", "application/json"), *headers)
    return Reply(status, said, json.dumps(body).encode())


def passed(headers: Sequence[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """*headers* but for those that each connection has of its own."""
    return tuple(one for one in headers if one[0].lower() not in _OF_THE_CONNECTION)


@define(eq=False)
class Line:
    """One connection of a client, which may be gone at any moment."""

    stream: trio.SocketStream
    answer: Answerer
    _http: h11.Connection = field(factory=lambda: h11.Connection(h11.SERVER))

    async def serve(self) -> None:
        """Answer until either side has enough; a lost client is no fault."""
        try:
            while (asked := await self._next_request()) is not None:
                if not await self._serve_one(asked):
                    return
        except (trio.BrokenResourceError, trio.ClosedResourceError, h11.RemoteProtocolError):
            return
        finally:
            await trio.aclose_forcefully(self.stream)

    async def _serve_one(self, asked: Asked) -> bool:
        """Answer as long as the client waits; says whether the connection goes on."""
        found: list[Answer] = []
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._until_gone, nursery.cancel_scope)
            found.append(await self.answer(asked))
            nursery.cancel_scope.cancel()
        return bool(found) and await self._send(found[0])

    async def _until_gone(self, waiting: trio.CancelScope) -> None:
        try:
            while data := await self.stream.receive_some(_CHUNK_BYTES):
                self._http.receive_data(data)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass
        waiting.cancel()

    async def _next_request(self) -> Asked | None:
        if self._http.our_state is h11.DONE:
            self._http.start_next_cycle()
        request: h11.Request | None = None
        body = bytearray()
        while True:
            match self._http.next_event():
                case h11.Request() as request:
                    pass
                case h11.Data(data=data):
                    body += data
                case h11.EndOfMessage() if request is not None:
                    return _as_asked(request, bytes(body))
                case h11.ConnectionClosed():
                    return None
                case _:
                    self._http.receive_data(await self.stream.receive_some(_CHUNK_BYTES))

    async def _send(self, answer: Answer) -> bool:
        reply = answer.reply
        if reply is None or answer.ending == "reset":
            self.stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            return False
        headers = [*reply.headers, ("Content-Length", str(len(reply.body)))]
        head = self._http.send(h11.Response(status_code=reply.status, headers=headers)) or b""
        is_whole = answer.ending == "sent"
        shown = reply.body if is_whole else reply.body[: len(reply.body) // 2]
        await self.stream.send_all(head + (self._http.send(h11.Data(data=shown)) or b""))
        if not is_whole:
            return False
        answer.then()
        self._http.send(h11.EndOfMessage())
        return self._http.our_state is h11.DONE


def _as_asked(request: h11.Request, body: bytes) -> Asked:
    headers = [(name.decode(), value.decode("latin-1")) for name, value in request.headers]
    return Asked(request.method.decode(), request.target.decode(), passed(headers), body)
