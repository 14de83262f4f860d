"""A line to a server that a test can cut, hold and mend; its address stays the same."""

import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import trio
from attrs import define, field

_HERE = "127.0.0.1"


@define
class Wire:
    """A line to *port*, cut at first: who calls is refused, as where no server runs.

    Args:
        url: Where to call.
    """

    port: int
    url: str
    _nursery: trio.Nursery
    _socket: trio.socket.SocketType
    _calls: trio.CancelScope | None = None
    _flows: trio.Event = field(factory=trio.Event)

    def mend(self) -> None:
        """Take calls, and let flow what was held."""
        self._flows.set()
        if self._calls is None:
            self._calls = trio.CancelScope()
            self._socket.listen(16)
            self._nursery.start_soon(self._take_calls, self._calls)

    def hold(self) -> None:
        """Keep all calls and let nothing through."""
        self._flows = trio.Event()

    def cut(self) -> None:
        """End all calls and refuse new ones."""
        if self._calls is not None:
            self._calls.cancel()
            self._calls = None
            # The port stays ours, and nobody listens there.
            self._socket.shutdown(socket.SHUT_RDWR)

    async def _take_calls(self, calls: trio.CancelScope) -> None:
        with calls:
            async with trio.open_nursery() as nursery:
                while True:
                    caller, _ = await self._socket.accept()
                    nursery.start_soon(self._join, trio.SocketStream(caller))

    async def _join(self, caller: trio.SocketStream) -> None:
        async with caller:
            with suppress(OSError):
                await self._forward(caller, await trio.open_tcp_stream(_HERE, self.port))

    async def _forward(self, caller: trio.SocketStream, server: trio.SocketStream) -> None:
        async with server, trio.open_nursery() as nursery:
            end = nursery.cancel_scope.cancel
            nursery.start_soon(self._pass_on, caller, server, end)
            nursery.start_soon(self._pass_on, server, caller, end)

    async def _pass_on(
        self, one: trio.SocketStream, other: trio.SocketStream, end: Callable[[], None]
    ) -> None:
        with suppress(trio.BrokenResourceError):
            async for chunk in one:
                await self._flows.wait()
                await other.send_all(chunk)
        end()


@asynccontextmanager
async def wire_to(port: int) -> AsyncIterator[Wire]:
    """A line to *port* that is cut."""
    with trio.socket.socket() as found:
        await found.bind((_HERE, 0))
        address = found.getsockname()
    with trio.socket.socket() as line:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # A port that was asked for by its number stays ours also while nobody listens there.
        await line.bind(address)
        async with trio.open_nursery() as nursery:
            yield Wire(port, f"http://{_HERE}:{address[1]}", nursery, line)
            nursery.cancel_scope.cancel()
