"""What an answer may hang on: in a room that was upgraded, only what is in the new one."""

from functools import partial

from attrs import define, evolve, field

from actors.kernel.asking import ask_until_answered
from actors.matrix.api.client import Done, Homeserver, path_to
from actors.matrix.api.patience import insist
from actors.matrix.api.status import Status
from actors.matrix.outgoing.ties import Tie, tie_of
from actors.matrix.places import Places
from protocols.ids import RoomId, RowId, native_id
from protocols.mail import Address
from protocols.store import FindRow, Row, StoreMessage


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
            self._there[key] = isinstance(reply, Done)
        return self._there[key]

    async def is_moving(self, room: RoomId, native: str) -> bool:
        """Whether *room*, which refused something at *native*, may take it elsewhere, or soon.

        A room that is upgraded is closed before the sync shows it, and before we are in its
        replacement.
        """
        if native != native_id(room).partition("/")[0] or self.places.find(room).room != native:
            return True
        path = path_to("rooms", native, "state", "m.room.tombstone", "")
        reply = await insist(self.status, partial(self.server.request, "GET", path))
        return isinstance(reply, Done) and bool(reply.body.get("replacement_room"))
