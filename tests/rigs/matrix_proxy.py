"""A proxy in front of a homeserver that passes everything on, and does harm where it is told to."""

import json
import re
import socket
import struct
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from urllib.parse import unquote, urlsplit

import h11
import httpx2
import trio
from attrs import define, field, frozen

from tests.rigs.matrix_faults import ANY, SEND, Fault, FaultPlan, Reply, Rule

_CHUNK_BYTES = 65_536
_KEPT_BYTES = 1 << 20
_RESET = struct.pack("ii", 1, 0)
_OF_THE_CONNECTION = frozenset({"connection", "content-length", "host", "transfer-encoding"})


@frozen
class Call:
    """One request that came.

    Args:
        name: As ``GET /path``, without the query, percent signs resolved.
        at: On trio's clock.
        fault: What was done to it; empty for nothing.
        is_in_penalty: It came before the end of the silence that a 429 wanted.
        status: Of the answer that went back; 0 for none.
        body: Of the request, where it is no large file.
    """

    name: str
    at: float
    fault: str
    is_in_penalty: bool
    status: int = 0
    body: bytes = field(repr=False, default=b"")


@frozen
class _Asked:
    method: str
    target: str
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    body: bytes = field(repr=False)

    @property
    def name(self) -> str:
        return f"{self.method} {unquote(urlsplit(self.target).path)}"


@define(eq=False)
class MatrixProxy:
    """Where the program finds its homeserver.

    Args:
        url: Where to call.
        upstream: The homeserver.
        calls: Every request, in the order of the answers.
    """

    url: str
    upstream: str
    calls: list[Call] = field(factory=list)
    _plan: FaultPlan = field(factory=FaultPlan)
    _penalties: dict[str, float] = field(factory=dict)
    _changed: trio.Condition = field(factory=trio.Condition)

    def fail(self, fault: Fault, pattern: str = ANY, *, times: int = 1, after: int = 0) -> None:
        """Let *fault* happen to the next *times* calls that *pattern* fits; 0: to all of them.

        Args:
            after: So many of them pass first.
        """
        self._plan.rules.append(Rule(fault, pattern, times, after))

    def by_chance(
        self, chances: Mapping[Fault, float], *, seed: int, patterns: Sequence[str] = (ANY,)
    ) -> None:
        """Let each fault happen with its probability to calls that one of *patterns* fits."""
        self._plan.by_chance(chances, seed=seed, patterns=patterns)

    def mend(self) -> None:
        """Do no more harm."""
        self._plan = FaultPlan()

    @property
    def in_penalty(self) -> list[Call]:
        """What was sent though the server had asked for silence."""
        return [call for call in self.calls if call.is_in_penalty]

    @property
    def faults(self) -> Counter[str]:
        """How often each fault happened."""
        return Counter(call.fault for call in self.calls if call.fault)

    def calls_of(self, pattern: str) -> list[Call]:
        """The requests that *pattern* fits."""
        return [call for call in self.calls if re.search(pattern, call.name)]

    async def until(self, pattern: str, number: int = 1, *, fault: str | None = None) -> list[Call]:
        """Wait for so many requests that *pattern* fits; callers set a limit."""

        def found() -> list[Call]:
            return [one for one in self.calls_of(pattern) if fault is None or one.fault == fault]

        async with self._changed:
            while len(found()) < number:
                await self._changed.wait()
        return found()

    async def answer(self, asked: _Asked, http: httpx2.AsyncClient) -> tuple[Reply | None, Fault]:
        """What goes back, and the harm that is done."""
        at = trio.current_time()
        is_in_penalty = any(
            at < until and re.search(pattern, asked.name)
            for pattern, until in self._penalties.items()
        )
        fault, pattern = self._plan.next(asked.name) or (Fault("", has_effect=True), ANY)
        if fault.penalty:
            self._penalties[pattern] = max(self._penalties.get(pattern, 0), at + fault.penalty)
        true = await self._pass_on(asked, http) if fault.has_effect else None
        self._heed(asked.name, true)
        await trio.sleep(fault.delay)
        reply = fault.reply or true
        status = 0 if reply is None or fault.ending == "reset" else reply.status
        body = asked.body if len(asked.body) < _KEPT_BYTES else b""
        self.calls.append(Call(asked.name, at, fault.name, is_in_penalty, status, body))
        async with self._changed:
            self._changed.notify_all()
        return reply, fault

    def _heed(self, name: str, true: Reply | None) -> None:
        """Hold the program to a 429 that the homeserver itself gave: one for all that it sends."""
        if true is None or true.status != 429:
            return
        pattern = SEND if re.search(SEND, name) else f"^{re.escape(name)}$"
        until = trio.current_time() + json.loads(true.body).get("retry_after_ms", 0) / 1000
        self._penalties[pattern] = max(self._penalties.get(pattern, 0), until)

    async def _pass_on(self, asked: _Asked, http: httpx2.AsyncClient) -> Reply | None:
        """The homeserver's answer; None where it gives none."""
        request = http.build_request(
            asked.method, self.upstream + asked.target, headers=asked.headers, content=asked.body
        )
        try:
            answer = await http.send(request, stream=True)
            try:
                body = b"".join([chunk async for chunk in answer.aiter_raw()])
            finally:
                await answer.aclose()
        except httpx2.TransportError:
            return None
        return Reply(answer.status_code, _passed(answer.headers.multi_items()), body)


@asynccontextmanager
async def matrix_proxy(upstream: str) -> AsyncIterator[MatrixProxy]:
    """A proxy on 127.0.0.1 in front of *upstream*, gone at the end."""
    limits = httpx2.Limits(max_connections=None)
    async with (
        httpx2.AsyncClient(timeout=None, limits=limits, trust_env=False) as http,
        trio.open_nursery() as nursery,
    ):
        (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
        proxy = MatrixProxy(f"http://127.0.0.1:{listener.socket.getsockname()[1]}", upstream)
        serve = partial(_serve, proxy, http)
        nursery.start_soon(partial(trio.serve_listeners, serve, [listener]))
        yield proxy
        nursery.cancel_scope.cancel()


async def _serve(proxy: MatrixProxy, http: httpx2.AsyncClient, stream: trio.SocketStream) -> None:
    await _Line(stream, proxy, http).serve()


@define(eq=False)
class _Line:
    """One connection of the program, which may be gone at any moment."""

    stream: trio.SocketStream
    proxy: MatrixProxy
    http: httpx2.AsyncClient
    _h11: h11.Connection = field(factory=lambda: h11.Connection(h11.SERVER))

    async def serve(self) -> None:
        """Answer until either side has enough; a lost client is no fault."""
        try:
            while (asked := await self._next_request()) is not None:
                if not await self._answer(asked):
                    return
        except (trio.BrokenResourceError, trio.ClosedResourceError, h11.RemoteProtocolError):
            return
        finally:
            await trio.aclose_forcefully(self.stream)

    async def _answer(self, asked: _Asked) -> bool:
        """Answer as long as the client waits; says whether the connection goes on."""
        found: list[tuple[Reply | None, Fault]] = []
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._until_gone, nursery.cancel_scope)
            found.append(await self.proxy.answer(asked, self.http))
            nursery.cancel_scope.cancel()
        return bool(found) and await self._send(*found[0])

    async def _until_gone(self, waiting: trio.CancelScope) -> None:
        try:
            while data := await self.stream.receive_some(_CHUNK_BYTES):
                self._h11.receive_data(data)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass
        waiting.cancel()

    async def _next_request(self) -> _Asked | None:
        if self._h11.our_state is h11.DONE:
            self._h11.start_next_cycle()
        request: h11.Request | None = None
        body = bytearray()
        while True:
            match self._h11.next_event():
                case h11.Request() as request:
                    pass
                case h11.Data(data=data):
                    body += data
                case h11.EndOfMessage() if request is not None:
                    return _as_asked(request, bytes(body))
                case h11.ConnectionClosed():
                    return None
                case _:
                    self._h11.receive_data(await self.stream.receive_some(_CHUNK_BYTES))

    async def _send(self, reply: Reply | None, fault: Fault) -> bool:
        if reply is None or fault.ending == "reset":
            self.stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            return False
        headers = [*reply.headers, ("Content-Length", str(len(reply.body)))]
        head = self._h11.send(h11.Response(status_code=reply.status, headers=headers)) or b""
        is_whole = fault.ending == "sent"
        shown = reply.body if is_whole else reply.body[: len(reply.body) // 2]
        await self.stream.send_all(head + (self._h11.send(h11.Data(data=shown)) or b""))
        if not is_whole:
            return False
        self._h11.send(h11.EndOfMessage())
        return self._h11.our_state is h11.DONE


def _as_asked(request: h11.Request, body: bytes) -> _Asked:
    headers = [(name.decode(), value.decode("latin-1")) for name, value in request.headers]
    return _Asked(request.method.decode(), request.target.decode(), _passed(headers), body)


def _passed(headers: Sequence[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """*headers* but for those that each connection has of its own."""
    return tuple(one for one in headers if one[0].lower() not in _OF_THE_CONNECTION)
