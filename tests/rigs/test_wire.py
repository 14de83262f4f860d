from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from urllib.parse import urlsplit

import pytest
import trio

from tests.rigs.wire import Wire, wire_to


@asynccontextmanager
async def line() -> AsyncIterator[Wire]:
    """A line to a server that says everything back."""

    async def say_back(stream: trio.SocketStream) -> None:
        async for chunk in stream:
            await stream.send_all(chunk)

    with trio.fail_after(20):
        async with trio.open_nursery() as nursery:
            serve = partial(trio.serve_tcp, say_back, 0, host="127.0.0.1")
            (listener,) = await nursery.start(serve)
            async with wire_to(listener.socket.getsockname()[1]) as wire:
                yield wire
            nursery.cancel_scope.cancel()


async def call(wire: Wire) -> trio.SocketStream:
    address = urlsplit(wire.url)
    return await trio.open_tcp_stream(address.hostname or "", address.port or 0)


async def test_a_new_wire_refuses() -> None:
    async with line() as wire:
        with pytest.raises(OSError, match="all attempts"):
            await call(wire)


async def test_a_cut_wire_ends_its_calls_and_refuses_until_it_is_mended() -> None:
    async with line() as wire:
        wire.mend()
        async with await call(wire) as stream:
            await stream.send_all(b"hello")
            assert await stream.receive_some() == b"hello"

            wire.cut()

            with pytest.raises(OSError, match="all attempts"):
                await call(wire)
            assert await stream.receive_some() == b""
        wire.mend()
        async with await call(wire) as again:
            await again.send_all(b"hello again")
            assert await again.receive_some() == b"hello again"


async def test_what_is_held_comes_when_it_is_mended() -> None:
    async with line() as wire:
        wire.mend()
        async with await call(wire) as stream:
            wire.hold()

            await stream.send_all(b"hello")
            with trio.move_on_after(0.05) as waited:
                await stream.receive_some()
            wire.mend()

            assert waited.cancelled_caught
            assert await stream.receive_some() == b"hello"
