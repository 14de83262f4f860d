"""Notes that nobody needs any more: those about messages which the journal has forgotten.

A message that failed keeps the note of its files, so that it may run again; nobody may ever want
that.
"""

from attrs import define

from actors.chats.asking import ask_through_restarts
from actors.chats.notes import NOTES, row_noted
from protocols.changes import DeleteKey
from protocols.ids import RowId
from protocols.mail import Address
from protocols.store import Commit, FindKeys, FindRow, StoreMessage

TIDY_EVERY = 86_400.0
"""Seconds; the journal forgets by the day."""


@define
class Tidying:
    """Deletes such notes."""

    store: Address[StoreMessage]

    async def tidy(self) -> int:
        """Delete all there are; how many."""
        noted = await ask_through_restarts(self.store, FindKeys(NOTES))
        keys = [key for key, _ in noted if await self._is_forgotten(row_noted(key))]
        if keys:
            changes = tuple(map(DeleteKey, keys))
            await ask_through_restarts(self.store, Commit(changes))
        return len(keys)

    async def _is_forgotten(self, row: RowId | None) -> bool:
        if row is None:
            return False
        return await ask_through_restarts(self.store, FindRow(row)) is None
