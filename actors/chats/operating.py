"""What the operator asks of the directory: who may write, letting in, running a row again."""

from collections.abc import Callable, Mapping

import structlog
from attrs import define, evolve

from actors.chats.access import Knock
from actors.chats.asking import ask_through_restarts
from actors.chats.files import FORGOTTEN
from actors.chats.hints import DeliveryHints
from actors.chats.intake import Intake
from actors.chats.notes import notes_prefix, read_notes
from actors.chats.retries import MOST_RETRIES, RETRY, retry_arrival, why_not
from actors.words import Word, say
from protocols.changes import AddOutgoing, Change, DecideRow
from protocols.chats import AccessList, Paired, PairingRefused, Requeued, RetryRefused
from protocols.ids import PersonId, RowId, SurfaceName, surface_of
from protocols.journal import Row, Voice
from protocols.mail import Address
from protocols.store import Commit, FindKeys, FindRow, Journal, StoreMessage
from protocols.surfaces import Surface

log = structlog.get_logger("chats.directory")


@define
class Operating:
    """Does what the operator wants, and what a surface asks for the sake of access."""

    store: Address[StoreMessage]
    surfaces: Mapping[SurfaceName, Surface]
    hints: DeliveryHints
    intake: Intake
    clock: Callable[[], float]

    def listing(self) -> AccessList:
        """Who may write, and who knocked."""
        return self.intake.book.listing(self.clock())

    async def may_join(self, person: PersonId) -> bool:
        """Whether *person* may bring us into a room; the operator sees who asked in vain."""
        if self.intake.book.may_write(person):
            return True
        changes = self.intake.book.asked_into_room(person, self.clock())
        if changes:
            await self._commit(changes)
        return False

    async def pair(self, code: str) -> Paired | PairingRefused:
        """Let in whoever was given *code*, and tell them."""
        outcome = self.intake.book.pair(code, self.clock())
        knock = outcome.knock
        words = () if knock is None else self._welcome(knock)
        await self._commit((*outcome.changes, *words))
        if knock is not None:
            self.hints.deliver(knock.room)
            log.info("person.paired", person=knock.person)
        return outcome.answer

    def _welcome(self, knock: Knock) -> tuple[AddOutgoing, ...]:
        """What whoever knocked is told; nothing where they have written nowhere that is on."""
        surface = self.surfaces.get(surface_of(knock.room))
        if surface is None:
            return ()
        text = say(Word.LET_IN, knock.language, prefix=surface.command_prefixes[-1])
        return (AddOutgoing(knock.room, Voice.GATEWAY, text, is_final=False),)

    async def retry(self, id_: RowId) -> Requeued | RetryRefused:
        """Run the row *id_* again, as a new row."""
        row = await ask_through_restarts(self.store, FindRow(id_))
        reason = "does not exist" if row is None else why_not(row)
        if row is None or reason is not None:
            return RetryRefused(f"row {id_} {reason}")
        return await self._journal_again(await self._with_files(row))

    async def _with_files(self, row: Row) -> Row:
        """*row* with the files of the message that it ran again, if it did."""
        prefix = notes_prefix(row.room)
        stored = await ask_through_restarts(self.store, FindKeys(prefix))
        context = read_notes(row.room, stored).contexts.get(row.id)
        if context is None or context.files_of is None:
            return row
        source = await ask_through_restarts(self.store, FindRow(context.files_of))
        files = () if source is None else source.files
        return evolve(row, files=files or (FORGOTTEN,))

    async def _journal_again(self, row: Row) -> Requeued | RetryRefused:
        # Its person's retry button must not run it a second time.
        decided = (DecideRow(row.id, RETRY),)
        for number in range(1, MOST_RETRIES + 1):
            arrival = retry_arrival(row, number, self.clock())
            journal = Journal(surface_of(row.room), (arrival,), extra=decided)
            journaled = await ask_through_restarts(self.store, journal)
            if journaled.rows:
                await self.intake.take_new()
                return Requeued(journaled.rows[0].id)
        return RetryRefused(f"row {row.id} was retried {MOST_RETRIES} times already")

    async def _commit(self, changes: tuple[Change, ...]) -> None:
        await ask_through_restarts(self.store, Commit(changes))
