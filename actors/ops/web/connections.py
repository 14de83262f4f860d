"""Connections that cannot be held for ever, nor be too many.

Hypercorn closes a client that is slow with its request, unless it speaks HTTP/2. It does not close
one that never reads the answer: it waits in a write that even a cancellation does not end. And it
takes as many connections as come, each of them a file descriptor that the chats may need.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from math import inf

import trio
from attrs import define, field

IDLE = 6.0
"""Seconds between two requests, and for the whole of a request's head; Hypercorn ends it sooner."""
_WRITE_WITHIN = 10.0
"""Seconds that a client has to take what is written at once, at most some 64 KiB."""


@define(eq=False)
class Connection:
    """A client's connection, as Hypercorn uses a stream of trio's."""

    stream: trio.SocketStream
    scope: trio.CancelScope = field(factory=trio.CancelScope)
    """Around all that works for this client; it ends on a client without a request in hand."""
    _in_hand: int = 0

    def __attrs_post_init__(self) -> None:
        """Wait for the first request."""
        self._wait()

    @contextmanager
    def request(self) -> Iterator[None]:
        """One is in hand, which has limits of its own."""
        self._in_hand += 1
        self.scope.deadline = inf
        try:
            yield
        finally:
            self._in_hand -= 1
            if not self._in_hand:
                self._wait()

    def _wait(self) -> None:
        self.scope.deadline = trio.current_time() + IDLE

    @property
    def socket(self) -> trio.socket.SocketType:
        """For the addresses of both ends."""
        return self.stream.socket

    async def send_all(self, data: bytes) -> None:
        """Write *data*, unless the client does not take it: then hang up."""
        with trio.move_on_after(_WRITE_WITHIN) as writing:
            await self.stream.send_all(data)
        if writing.cancelled_caught:
            self.hang_up()
            raise trio.BrokenResourceError("the client does not read")

    async def receive_some(self, max_bytes: int) -> bytes:
        """What has come; empty at the end."""
        return bytes(await self.stream.receive_some(max_bytes))

    async def send_eof(self) -> None:
        """Say that nothing more is written."""
        await self.stream.send_eof()

    async def aclose(self) -> None:
        """Close it, and end what still works for the client."""
        self.hang_up()
        await trio.lowlevel.checkpoint()

    def hang_up(self) -> None:
        """Close it at once: also a write that waits ends now."""
        self.stream.socket.close()
        self.scope.cancel(reason="the connection is closed")


@define(eq=False)
class Door(trio.abc.Listener[trio.SocketStream]):
    """A listener that lets nobody in while *free* has no place; further ones wait outside."""

    listener: trio.SocketListener
    free: trio.Semaphore

    async def accept(self) -> trio.SocketStream:
        """The next connection; whoever serves it gives its place back."""
        await self.free.acquire()
        try:
            return await self.listener.accept()
        except BaseException:
            self.free.release()
            raise

    async def aclose(self) -> None:
        """Listen no more."""
        await self.listener.aclose()
