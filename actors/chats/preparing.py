"""What a session looks up before the turn of a row."""

import trio
from attrs import define, field, frozen

from actors.chats.asking import ask_through_restarts
from actors.chats.files import FORGOTTEN
from actors.chats.identities import first_identity
from actors.chats.links import in_its_chat
from actors.chats.notes import (
    NO_CONTEXT,
    RoomNotes,
    TurnContext,
    notes_prefix,
    question_taken,
    read_notes,
)
from protocols.files import RemoteFile
from protocols.ids import PersonId, RoomId, RowId
from protocols.journal import Row, RowState
from protocols.mail import Address
from protocols.store import Commit, FindKeys, FindRow, StoreMessage


@frozen
class Prepared:
    """All that the turn of *row* needs.

    Args:
        person: Who sent it, as the platform knows them.
        files: Those that come along, of the row itself or of the one that it runs again.
    """

    row: Row
    person: PersonId
    notes: RoomNotes
    files: tuple[RemoteFile, ...] = ()

    @property
    def context(self) -> TurnContext:
        """What the turn is about beside the row's words."""
        return self.notes.contexts.get(self.row.id, NO_CONTEXT)


@define
class _Found:
    """What is looked up at once, as it comes in."""

    person: PersonId
    row: Row | None = None
    notes: RoomNotes = field(factory=RoomNotes)


@define
class Preparing:
    """Looks up what is known about the rows of one room."""

    store: Address[StoreMessage]
    room: RoomId

    async def prepare(self, started: Row) -> Prepared | None:
        """What is known of a row that was started; None where somebody has ended it meanwhile."""
        found = _Found(started.sender)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._find_anew, started, found)
            nursery.start_soon(self._find_notes, found)
            nursery.start_soon(self._find_person, started, found)
        row = found.row
        if row is None or row.state is not RowState.RUNNING:
            return None
        notes = await self._notes_for(row, found.notes)
        files_of = notes.contexts.get(row.id, NO_CONTEXT).files_of
        files = row.files or await self._files_of(files_of)
        return Prepared(row, found.person, notes, files)

    async def _find_anew(self, started: Row, found: _Found) -> None:
        found.row = await self._find_row(started.id)  # until it was started an edit could change it

    async def _find_notes(self, found: _Found) -> None:
        found.notes = await self.notes()

    async def _find_person(self, started: Row, found: _Found) -> None:
        found.person = await first_identity(self.store, started.sender)

    async def notes(self) -> RoomNotes:
        """The notes of the room as they are now."""
        stored = await ask_through_restarts(self.store, FindKeys(notes_prefix(self.room)))
        return read_notes(self.room, stored)

    async def _notes_for(self, row: Row, notes: RoomNotes) -> RoomNotes:
        """The notes for the turn of *row*, of which *notes* are known.

        Where it was queued before the open question stood there, it is noted that *row* ends that;
        for what came later the directory has noted it.
        """
        while True:
            confirm = notes.questions.get(row.sender)
            context = notes.contexts.get(row.id, NO_CONTEXT)
            if confirm is None or context.answers is not None:
                return notes
            confirm = in_its_chat(confirm, await self._find_row(confirm.row))
            if not confirm.is_open(row.slot, row.received_at):
                return notes
            asker = await self._find_row(confirm.decided_on)
            changes = question_taken(row, notes, asker=asker)
            await ask_through_restarts(self.store, Commit(changes))
            notes = await self.notes()

    async def _files_of(self, id_: RowId | None) -> tuple[RemoteFile, ...]:
        """The files of an earlier row, which had some."""
        if id_ is None:
            return ()
        source = await self._find_row(id_)
        return (FORGOTTEN,) if source is None or not source.files else source.files

    async def _find_row(self, id_: RowId | None) -> Row | None:
        return None if id_ is None else await ask_through_restarts(self.store, FindRow(id_))
