"""What the directory looks up before it decides a page of rows, all at once."""

from collections.abc import Iterable

import trio
from attrs import define, field

from actors.chats.asking import ask_through_restarts
from actors.chats.replies import MOST_WAITING
from actors.chats.slots import Chat, chats_prefix, keys_of, read_chats
from protocols.ids import PersonId, RoomId, SlotId
from protocols.mail import Address
from protocols.store import FindKeys, GetKey, LastFinished, Row, StoreMessage, WaitingRows


@define
class Knowledge:
    """What the store has about the rooms and people of some rows."""

    store: Address[StoreMessage]
    keys: dict[str, str] = field(factory=dict)
    chats: dict[PersonId, dict[SlotId, Chat]] = field(factory=dict)
    unfinished: dict[RoomId, int] = field(factory=dict)
    failed: dict[tuple[RoomId, PersonId], Row | None] = field(factory=dict)

    async def look_up(self, rows: Iterable[Row], retries: Iterable[Row]) -> None:
        """Ask for all that concerns *rows*, and for what *retries* would run again."""
        pairs = {(row.room, row.sender) for row in rows}
        async with trio.open_nursery() as nursery:
            for key in {key for room, person in pairs for key in keys_of(room, person)}:
                nursery.start_soon(self._find_key, key)
            for person in {person for _, person in pairs}:
                nursery.start_soon(self._find_chats, person)
            for room in {room for room, _ in pairs}:
                nursery.start_soon(self._count_unfinished, room)
            for room, person in {(row.room, row.sender) for row in retries}:
                nursery.start_soon(self._find_failed, room, person)

    async def _find_key(self, key: str) -> None:
        text = await ask_through_restarts(self.store, GetKey(key))
        if text is not None:
            self.keys[key] = text

    async def _find_chats(self, person: PersonId) -> None:
        rows = await ask_through_restarts(self.store, FindKeys(chats_prefix(person)))
        self.chats[person] = read_chats(person, rows)

    async def _count_unfinished(self, room: RoomId) -> None:
        rows = await ask_through_restarts(self.store, WaitingRows(room, limit=MOST_WAITING + 1))
        self.unfinished[room] = len(rows)

    async def _find_failed(self, room: RoomId, person: PersonId) -> None:
        found = await ask_through_restarts(self.store, LastFinished(room, person))
        self.failed[room, person] = found
