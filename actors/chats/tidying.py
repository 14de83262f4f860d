"""Notes that nobody needs any more: those about messages which the journal has forgotten.

A message that failed keeps the note of its files, so that it may run again; nobody may ever want
that. How a task ended is known as long as its row is, so that it is not said twice.
"""

from attrs import define

from actors.chats.asking import ask_through_restarts
from actors.chats.notes import NOTES, row_noted
from actors.chats.tasks import OVER, read_over
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
        notes = await ask_through_restarts(self.store, FindKeys(NOTES))
        ends = await ask_through_restarts(self.store, FindKeys(OVER))
        about: dict[str, RowId | None] = {key: row_noted(key) for key, _ in notes}
        about |= {key: read_over(text).row for key, text in ends}
        keys = [key for key, row in about.items() if await self._is_forgotten(row)]
        if keys:
            changes = tuple(map(DeleteKey, keys))
            await ask_through_restarts(self.store, Commit(changes))
        return len(keys)

    async def _is_forgotten(self, row: RowId | None) -> bool:
        if row is None:
            return False
        return await ask_through_restarts(self.store, FindRow(row)) is None
