"""Opens a room of its own for a new chat, the same one however often a row asks for it."""

from collections.abc import Awaitable, Callable

import structlog
import trio
from attrs import define, field

from actors.kernel.asking import ask_until_answered
from actors.matrix.errands.creation import room_body
from actors.matrix.errands.making import Maker
from actors.matrix.errands.spaces import Filing, Spaces
from actors.matrix.places import Places
from protocols.ids import MATRIX, RoomId, RowId
from protocols.journal import Row
from protocols.mail import Address, Reply
from protocols.store import Commit, FindRow, StoreMessage
from protocols.surfaces import OpenRoom

log = structlog.get_logger("matrix.rooms")

IsEncrypted = Callable[[str], Awaitable[bool | None]]
"""Whether a room is; None where nobody says so."""

_PERSON = f"{MATRIX}:"
_WITHIN = 45.0
"""Seconds: whoever asks waits for a minute."""


@define
class Opening:
    """The way of a new room to a person; all of it runs in *nursery*."""

    store: Address[StoreMessage]
    places: Places
    is_encrypted: IsEncrypted
    maker: Maker
    spaces: Spaces
    nursery: trio.Nursery
    _askers: dict[RowId, list[Reply[RoomId | None]]] = field(factory=dict)

    def take(self, question: OpenRoom) -> None:
        """Open what *question* asks for; never waits."""
        if (askers := self._askers.get(question.row)) is not None:
            askers.append(question.reply_to)
            return
        self._askers[question.row] = [question.reply_to]
        self.nursery.start_soon(self._serve, question)

    async def _serve(self, question: OpenRoom) -> None:
        room: RoomId | None = None
        with trio.move_on_after(_WITHIN):
            room = await self._room(question)
        for asker in self._askers.pop(question.row):
            asker.send(room)

    async def _room(self, question: OpenRoom) -> RoomId | None:
        row = await ask_until_answered(self.store, FindRow(question.row))
        if row is None or not row.sender.startswith(_PERSON):
            return None
        person = row.sender.removeprefix(_PERSON)
        await self.maker.line.account.opened.wait()
        asking = self.places.find(question.room).room
        is_encrypted = await self.is_encrypted(asking)
        if is_encrypted is None:
            return None  # a room in the open beside one that may be encrypted is none
        alias = await self.maker.alias("room", row.event_id, str(row.id))
        body = room_body(person, question.name, alias=alias, is_encrypted=is_encrypted)
        made = await self.maker.make(body)
        if not isinstance(made, str):
            return None
        await self._see_to(row, Filing(made, person, is_new=True), asking)
        log.info("room.opened", row=row.id, room=made, is_encrypted=is_encrypted)
        return self.places.room_id(made)

    async def _see_to(self, row: Row, new: Filing, asking: str) -> None:
        """Have both rooms filed, whatever happens; the person need not wait for that."""
        old = Filing(asking, new.person, is_own=not row.is_shared)
        filings = (old, new)
        await ask_until_answered(self.store, Commit(tuple(one.kept() for one in filings)))
        # At once: until the room is known for a direct chat, it counts as a group.
        await self.spaces.direct.add(new.person, new.room)
        for filing in filings:
            self.nursery.start_soon(self.spaces.file, filing)
