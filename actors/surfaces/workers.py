"""A worker for each room that has something to do, so that no room waits for another."""

from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

import trio
from attrs import define, field

from protocols.ids import RoomId

D = TypeVar("D")


def _endless() -> tuple[trio.MemorySendChannel[RoomId], trio.MemoryReceiveChannel[RoomId]]:
    # Holds each room at most once.
    return trio.open_memory_channel[RoomId](float("inf"))


@define
class Workers(Generic[D]):
    """All rooms' desks, and the workers at them.

    Args:
        new_desk: A desk at which nothing is to be done yet.
        serve: Does what is to be done at a desk, until that is nothing.
    """

    new_desk: Callable[[], D]
    serve: Callable[[RoomId, D], Awaitable[None]]
    is_closed: bool = False
    desks: dict[RoomId, D] = field(factory=dict)
    _working: set[RoomId] = field(factory=set)
    _wakes: dict[RoomId, trio.Event] = field(factory=dict)
    _rooms: tuple[trio.MemorySendChannel[RoomId], trio.MemoryReceiveChannel[RoomId]] = field(
        factory=_endless
    )

    def desk(self, room: RoomId) -> D:
        """The desk of *room*; whoever puts something there calls a worker."""
        if room not in self.desks:
            self.desks[room] = self.new_desk()
        return self.desks[room]

    def call(self, room: RoomId) -> None:
        """There is something new at the desk of *room*; not once all is closed."""
        if room in self._wakes:
            self._wakes[room].set()
        if room not in self._working:
            self._working.add(room)
            self._rooms[0].send_nowait(room)

    async def run(self) -> None:
        """Work until ``close``, then on what is still there."""
        async with trio.open_nursery() as nursery:
            async for room in self._rooms[1]:
                nursery.start_soon(self._work, room)

    async def wait(self, room: RoomId, at: float) -> None:
        """The worker of *room* rests until *at*, or until it is called."""
        self._wakes[room] = trio.Event()
        with trio.move_on_at(at):
            await self._wakes[room].wait()
        del self._wakes[room]

    def close(self) -> None:
        """Finish what is there and end; nobody may be called any more."""
        self.is_closed = True
        for wake in self._wakes.values():
            wake.set()
        self._rooms[0].close()

    async def _work(self, room: RoomId) -> None:
        await self.serve(room, self.desks[room])
        # What was shown is in the journal; a turn that goes on begins anew from there.
        self._working.discard(room)
        del self.desks[room]
