"""Turns that wait for others to end: in order, and each shows how many are before it."""

from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import islice
from math import inf

import trio
from attrs import define, field

from actors.platform.open_turn import OpenTurn

NEAR = 50
"""How many see at once that they have come nearer; so many people look at their screen for it."""

NEAR_EVERY = 0.5
FAR_EVERY = 5.0
"""Seconds between two updates of all others: one that leaves a long line costs few messages."""

_CHUNK = 100


@define
class Line:
    """So many turns at once; those past the limit wait in order of asking."""

    _nursery: trio.Nursery
    _free: int
    _waiting: OrderedDict[OpenTurn, trio.Event] = field(init=False, factory=OrderedDict)
    _moved: trio.Event = field(init=False, factory=trio.Event)
    _is_told: bool = field(init=False, default=False)

    def join(self, open_turn: OpenTurn) -> None:
        """Give *open_turn* a place, or the last one in line."""
        if self._free:  # then nobody waits: a place that gets free goes to the first who does
            self._free -= 1
            return
        open_turn.wait_behind(len(self._waiting))
        self._waiting[open_turn] = trio.Event()
        self._keep_told()

    @asynccontextmanager
    async def place_of(self, open_turn: OpenTurn) -> AsyncIterator[None]:
        """Wait for the place of *open_turn*, which has joined, and have it inside the block."""
        try:
            await trio.lowlevel.checkpoint()
            admitted = self._waiting.get(open_turn)
            if admitted is not None:
                await admitted.wait()
            yield
        finally:
            self._leave(open_turn)

    def _leave(self, open_turn: OpenTurn) -> None:
        if self._waiting.pop(open_turn, None) is None:
            self._pass_on()
        self._moved.set()

    def _pass_on(self) -> None:
        if self._waiting:
            _, admitted = self._waiting.popitem(last=False)
            admitted.set()
        else:
            self._free += 1

    def _keep_told(self) -> None:
        if not self._is_told:
            self._is_told, self._moved = True, trio.Event()
            self._nursery.start_soon(self._tell_places)

    async def _tell_places(self) -> None:
        """Tell those who wait where they are, as long as somebody waits."""
        far_at, stale_at = trio.current_time() + FAR_EVERY, inf
        while self._waiting:
            with trio.move_on_at(stale_at):
                await self._moved.wait()
            self._moved = trio.Event()
            if trio.current_time() >= far_at:
                await self._tell(tuple(self._waiting))
                far_at, stale_at = trio.current_time() + FAR_EVERY, inf
            else:
                await self._tell(tuple(islice(self._waiting, NEAR)))
                stale_at = far_at
            await trio.sleep(NEAR_EVERY)
        self._is_told = False

    async def _tell(self, some: tuple[OpenTurn, ...]) -> None:
        for ahead, open_turn in enumerate(some):
            if open_turn in self._waiting:
                open_turn.wait_behind(ahead)
            if ahead % _CHUNK == _CHUNK - 1:
                await trio.lowlevel.checkpoint()
