"""HTTP/1.1 on one connection, as much of it as a Bot API server needs, with h11 on trio."""

import json
import socket
import struct
from collections.abc import Awaitable, Callable
from email.parser import BytesParser
from email.policy import HTTP
from urllib.parse import parse_qsl, urlsplit

import h11
import trio
from attrs import define, field, frozen

from tests.rigs.telegram_faults import Ending, Json, Reply

_CHUNK_BYTES = 65_536
_RESET = struct.pack("ii", 1, 0)


@frozen
class Asked:
    """One request: the path as it came, and the parameters of query and body together."""

    path: str
    params: Json = field(repr=False)


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
            while data := await self.stream.receive_some(_CHUNK_BYTES):
                self._http.receive_data(data)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            return False
        return False

    async def _next_request(self) -> Asked | None:
        if self._http.our_state is h11.DONE:
            self._http.start_next_cycle()
        request: h11.Request | None = None
        body = bytearray()
        while True:
            match self._http.next_event():
                case h11.Request() as request:
                    await self._say_continue()
                case h11.Data(data=data):
                    body += data
                case h11.EndOfMessage() if request is not None:
                    return _as_asked(request, bytes(body))
                case h11.ConnectionClosed():
                    return None
                case _:
                    self._http.receive_data(await self.stream.receive_some(_CHUNK_BYTES))

    async def _say_continue(self) -> None:
        if self._http.they_are_waiting_for_100_continue:
            said = h11.InformationalResponse(status_code=100, headers=[])
            await self.stream.send_all(self._http.send(said) or b"")

    async def _send(self, answer: Answer) -> bool:
        """Send it; says whether the connection goes on."""
        if answer.ending == "reset" or answer.reply is None:
            self.reset()
            return False
        sent = self._as_bytes(answer.reply)
        if answer.ending == "truncated":
            await self.stream.send_all(sent[: -(len(answer.reply.body) // 2 + 1)])
            return False
        await self.stream.send_all(sent)
        return self._http.our_state is h11.DONE

    def _as_bytes(self, reply: Reply) -> bytes:
        head = h11.Response(
            status_code=reply.status,
            headers=[
                ("Server", "nginx/1.18.0"),
                ("Content-Type", reply.content_type),
                ("Content-Length", str(len(reply.body))),
            ],
        )
        parts = (head, h11.Data(data=reply.body), h11.EndOfMessage())
        return b"".join(self._http.send(part) or b"" for part in parts)


def _as_asked(request: h11.Request, body: bytes) -> Asked:
    address = urlsplit(request.target.decode(errors="replace"))
    headers = {name.decode(): value.decode(errors="replace") for name, value in request.headers}
    params = dict(parse_qsl(address.query, keep_blank_values=True))
    return Asked(address.path, params | _as_params(headers.get("content-type", ""), body))


def _as_params(content_type: str, body: bytes) -> Json:
    """The parameters in a body of any kind that Telegram takes; of a file only its size."""
    if not body:
        return {}
    if content_type.startswith("application/json"):
        return _as_object(body)
    if content_type.startswith("multipart/form-data"):
        return _as_parts(content_type, body)
    return dict(parse_qsl(body.decode(errors="replace"), keep_blank_values=True))


def _as_object(body: bytes) -> Json:
    try:
        read = json.loads(body)
    except ValueError:
        return {}
    return read if isinstance(read, dict) else {}


def _as_parts(content_type: str, body: bytes) -> Json:
    head = f"Content-Type: {content_type}\r\n\r\n".encode()
    found: Json = {}
    for part in BytesParser(policy=HTTP).parsebytes(head + body).iter_parts():
        name = str(part.get_param("name", header="content-disposition"))
        payload = part.get_payload(decode=True)
        content = payload if isinstance(payload, bytes) else b""
        is_text = part.get_filename() is None
        found[name] = content.decode(errors="replace") if is_text else {"size_bytes": len(content)}
    return found
