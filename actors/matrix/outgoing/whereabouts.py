"""What an answer may hang on: in a room that was upgraded, only what is in the new one."""

from functools import partial

import trio
from attrs import define, evolve, field

from actors.kernel.asking import ask_until_answered
from actors.matrix.api.homeserver import Homeserver
from actors.matrix.api.patience import insist
from actors.matrix.api.replies import Done, path_to
from actors.matrix.api.status import Status
from actors.matrix.outgoing.ties import Tie, tie_of
from actors.matrix.places import Places
from protocols.ids import RoomId, RowId, native_id
from protocols.journal import Row
from protocols.mail import Address
from protocols.store import FindRow, StoreMessage

_FIRST_LOOK, _LATER_LOOKS = 3.0, 60.0
_SEEN_WITHIN = 600.0
"""Seconds: the sync shows by then that a room is closed, and where it goes on."""

_MOST_KNOWN = 1000


@define
class Whereabouts:
    """Where rooms are by now, and what is there."""

    server: Homeserver
    status: Status
    store: Address[StoreMessage]
    places: Places
    _there: dict[tuple[str, str], bool] = field(factory=dict)

    async def tie_to(self, room: RoomId, row: RowId | None) -> Tie:
        """What an answer to *row* hangs on."""
        found = None if row is None else await ask_until_answered(self.store, FindRow(row))
        return await self.tie(room, found)

    async def tie(self, room: RoomId, row: Row | None) -> Tie:
        """The same where *row* is known."""
        tie = tie_of(self.places.find(room), row)
        if tie.thread and not await self.has(room, tie.thread):
            tie = evolve(tie, thread="")
        if tie.asked and not await self.has(room, tie.asked):
            tie = evolve(tie, asked="")
        return tie

    async def has(self, room: RoomId, event_id: str) -> bool:
        """Whether *event_id* is in *room* as that is by now."""
        native = self.places.find(room).room
        if native == native_id(room).partition("/")[0]:
            return True  # it was never upgraded
        key = (native, event_id)
        if key not in self._there:
            path = path_to("rooms", native, "event", event_id)
            reply = await insist(self.status, partial(self.server.request, "GET", path))
            if len(self._there) >= _MOST_KNOWN:
                self._there.clear()
            self._there[key] = isinstance(reply, Done)
        return self._there[key]

    async def moves(self, room: RoomId, native: str, *, within: float) -> bool:
        """Wait until *room*, which refused something at *native*, goes on elsewhere.

        A room that is upgraded is closed before the sync shows it, and we are in its replacement
        only when somebody lets us in. False, at once or after *within* seconds, if it stays.
        """
        began_at, delay = trio.current_time(), _FIRST_LOOK
        while self.places.find(room).room == native:
            waited = trio.current_time() - began_at
            if waited >= within or not await self._is_left(native, waited):
                return False
            await trio.sleep(delay)
            delay = min(2 * delay, _LATER_LOOKS)
        return True

    async def _is_left(self, native: str, waited: float) -> bool:
        """Whether we are on the way from *native* to another room, or will soon know of one."""
        if native in self.places.leaving:
            return True
        if waited >= _SEEN_WITHIN:
            return False
        path = path_to("rooms", native, "state", "m.room.tombstone", "")
        reply = await insist(self.status, partial(self.server.request, "GET", path))
        return isinstance(reply, Done) and bool(reply.body.get("replacement_room"))
