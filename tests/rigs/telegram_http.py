"""HTTP/1.1 on one connection, as much of it as a Bot API server needs, with h11 on trio."""

import socket
import struct
from collections.abc import Awaitable, Callable
from urllib.parse import parse_qsl, unquote, urlsplit

import h11
import trio
from attrs import define, field, frozen

from tests.rigs.telegram_content import CHUNK_BYTES
from tests.rigs.telegram_faults import Ending, Json, Reply
from tests.rigs.telegram_forms import params_in

# Telegram takes files of 50 MB; around them the form has some more.
MAX_REQUEST_BYTES = (50 << 20) + 65_536
_RESET = struct.pack("ii", 1, 0)


@frozen
class Asked:
    """One request: its path, and the parameters of query and body together.

    Args:
        is_too_large: The body was too long; nothing of it is in the parameters.
    """

    path: str
    params: Json = field(repr=False)
    is_too_large: bool = False


@frozen
class Answer:
    """What goes back; None as *reply* ends the connection without a word."""

    reply: Reply | None
    ending: Ending = "sent"


Answerer = Callable[["Line", Asked], Awaitable[Answer]]


@define(eq=False)
class Line:
    """One connection of a client, which may be gone at any moment."""

    stream: trio.SocketStream
    _http: h11.Connection = field(factory=lambda: h11.Connection(h11.SERVER))

    async def serve(self, answer: Answerer) -> None:
        """Answer requests until either side has enough; a lost client is no fault."""
        try:
            while (asked := await self._next_request()) is not None:
                if not await self._send(await answer(self, asked)):
                    return
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            return
        except h11.RemoteProtocolError:
            return
        finally:
            await trio.aclose_forcefully(self.stream)

    def reset(self) -> None:
        """Let the connection end with a reset as soon as it is closed."""
        if self.stream.socket.fileno() >= 0:
            self.stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)

    async def while_there(self, wait: Callable[[], Awaitable[None]]) -> bool:
        """Wait, but no longer than the client; says whether the client is still there."""
        is_there = True
        async with trio.open_nursery() as nursery:

            async def watch() -> None:
                nonlocal is_there
                is_there = await self._until_gone()
                nursery.cancel_scope.cancel()

            nursery.start_soon(watch)
            await wait()
            nursery.cancel_scope.cancel()
        return is_there

    async def _until_gone(self) -> bool:
        try:
            while data := await self.stream.receive_some(CHUNK_BYTES):
                self._http.receive_data(data)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            return False
        return False

    async def _next_request(self) -> Asked | None:
        if self._http.our_state is h11.DONE:
            self._http.start_next_cycle()
        request: h11.Request | None = None
        body, size_bytes = bytearray(), 0
        while True:
            match self._http.next_event():
                case h11.Request() as request:
                    await self._say_continue()
                case h11.Data(data=data):
                    size_bytes += len(data)
                    if size_bytes <= MAX_REQUEST_BYTES:
                        body += data
                case h11.EndOfMessage() if request is not None:
                    return _as_asked(request, bytes(body), size_bytes)
                case h11.ConnectionClosed():
                    return None
                case _:
                    self._http.receive_data(await self.stream.receive_some(CHUNK_BYTES))

    async def _say_continue(self) -> None:
        if self._http.they_are_waiting_for_100_continue:
            said = h11.InformationalResponse(status_code=100, headers=[])
            await self.stream.send_all(self._http.send(said) or b"")

    async def _send(self, answer: Answer) -> bool:
        """Send it; says whether the connection goes on."""
        if answer.ending == "reset" or answer.reply is None:
            self.reset()
            return False
        if answer.ending == "sent":
            await self._send_parts(answer.reply, answer.reply.body.size_bytes)
            self._http.send(h11.EndOfMessage())
            return self._http.our_state is h11.DONE
        await self._send_parts(answer.reply, (answer.reply.body.size_bytes - 1) // 2)
        if answer.ending == "stalled":
            await self._until_gone()
        return False

    async def _send_parts(self, reply: Reply, size_bytes: int) -> None:
        """Send the head and, in one write with it, the first of *size_bytes* of the body."""
        sent = self._http.send(self._head(reply)) or b""
        for chunk in reply.body.chunks(size_bytes):
            await self.stream.send_all(sent + (self._http.send(h11.Data(data=chunk)) or b""))
            sent = b""
        if sent:
            await self.stream.send_all(sent)

    @staticmethod
    def _head(reply: Reply) -> h11.Response:
        headers = [
            ("Server", "nginx/1.18.0"),
            ("Content-Type", reply.content_type),
            ("Content-Length", str(reply.body.size_bytes)),
            *reply.headers,
        ]
        return h11.Response(status_code=reply.status, headers=headers)


def _as_asked(request: h11.Request, body: bytes, size_bytes: int) -> Asked:
    address = urlsplit(request.target.decode(errors="replace"))
    headers = {name.decode(): value.decode(errors="replace") for name, value in request.headers}
    params: Json = dict(parse_qsl(address.query, keep_blank_values=True))
    if size_bytes > MAX_REQUEST_BYTES:
        return Asked(unquote(address.path), params, is_too_large=True)
    return Asked(unquote(address.path), params | params_in(headers.get("content-type", ""), body))
