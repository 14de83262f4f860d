"""ChatDirectory: people, rooms, slots; gives every new message its way."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar, assert_never

import structlog
import trio
from attrs import define, field

from actors.chats.access import PREFIXES, AccessBook, AccessPolicy, new_code
from actors.chats.asking import ask_through_restarts
from actors.chats.commands import Command, CommandName, Typed, typed
from actors.chats.endings import set_aside
from actors.chats.errands import Errands
from actors.chats.flood import FloodGate
from actors.chats.hints import DeliveryHints
from actors.chats.knowledge import Knowledge
from actors.chats.manner import manner_for
from actors.chats.retries import MOST_RETRIES, retry_arrival, why_not
from actors.chats.slots import SlotBook
from actors.chats.sorting import Decision, Sorter
from actors.chats.suspects import MOST_TRIES, SUSPECT_KEY, remember_suspect, tries_before
from actors.kernel.mailbox import Mailbox
from actors.kernel.pool import Pool
from actors.words import Word, say
from protocols.chats import (
    DirectoryMessage,
    ListAccess,
    MayJoin,
    Pair,
    Paired,
    PairingRefused,
    Requeued,
    RetryRefused,
    RetryRow,
    RoomGone,
    RowsArrived,
    SessionMessage,
    WorkArrived,
)
from protocols.ids import PersonId, RoomId, RowId, SurfaceName, surface_of
from protocols.mail import Address, Question
from protocols.platform import CancelTurn, PlatformMessage
from protocols.store import (
    AddOutgoing,
    Change,
    Commit,
    Committed,
    DeleteKey,
    FindKeys,
    FindRow,
    FinishRow,
    GetKey,
    Journal,
    OutgoingRooms,
    Row,
    RowState,
    StoreMessage,
    UnsortedRows,
    Voice,
    WaitingRooms,
    WaitingRows,
)
from protocols.surfaces import Surface

A = TypeVar("A")

log = structlog.get_logger("chats.directory")

ROOM_GONE = "room is gone"
"""How the reason of a row starts that ends unanswered because nobody could read the answer."""

HINTS_EVERY = 60.0
"""Seconds after which hints are given again for all that still waits."""


@define
class ChatDirectory:
    """Reads the journal's new rows in order and decides each one; never waits for a session."""

    inbox: Mailbox[DirectoryMessage]
    store: Address[StoreMessage]
    platform: Address[PlatformMessage]
    sessions: Pool[SessionMessage]
    surfaces: Mapping[SurfaceName, Surface]
    access: AccessPolicy
    tree: Callable[[], str]
    clock: Callable[[], float] = time.time
    make_code: Callable[[], str] = new_code
    _book: AccessBook = field(init=False)
    _gate: FloodGate = field(factory=FloodGate)
    _read_to: RowId = RowId(0)
    _hints: DeliveryHints = field(init=False)
    _errands: Errands = field(init=False)

    async def run(self) -> None:
        """Take up what is unfinished, then read the inbox until it is closed."""
        async with trio.open_nursery() as nursery:
            self._hints = DeliveryHints(self.surfaces, nursery)
            self._errands = Errands(
                self.store, self.platform, self.sessions, self.surfaces, self._hints, nursery
            )
            await self._load_access()
            await self._renew_hints()
            await self._sort(is_careful=True)
            async with trio.open_nursery() as timer:
                timer.start_soon(self._renew_hints_often)
                async for message in self.inbox:
                    await self._handle(message)
                timer.cancel_scope.cancel("the directory stops")

    async def _renew_hints_often(self) -> None:
        # A parked session loses its hints, and nobody else would wake it once it has cooled.
        while True:
            await trio.sleep(HINTS_EVERY)
            await self._renew_hints()

    async def _renew_hints(self) -> None:
        """Hint all that waits: hints may be lost, what they are about is not."""
        for room in await self._ask(WaitingRooms()):
            self._hint_session(room)
        for name in self.surfaces:
            for room in await self._ask(OutgoingRooms(name)):
                self._hints.deliver(room)

    async def _handle(self, message: DirectoryMessage) -> None:
        match message:
            case RowsArrived():
                await self._sort()
            case RoomGone(room, reason):
                await self._close_room(room, reason)
            case MayJoin(person):
                message.reply_to.send(await self._may_join(person))
            case ListAccess():
                message.reply_to.send(self._book.listing(self.clock()))
            case Pair(code):
                message.reply_to.send(await self._pair(code))
            case RetryRow(row):
                message.reply_to.send(await self._retry(row))
            case _:
                assert_never(message)

    # New rows.

    async def _sort(self, *, is_careful: bool = False) -> None:
        # Rows become durable in the order of their ids, so what is before this was read.
        while rows := await self._ask(UnsortedRows(self._read_to)):
            # Without its surface a row could not be answered: it waits until that is back.
            known = [row for row in rows if surface_of(row.room) in self.surfaces]
            if is_careful:
                await self._sort_with_care(known)
            elif known:
                await self._sort_page(known)
            is_careful = False
            self._read_to = rows[-1].id

    async def _sort_with_care(self, rows: Sequence[Row]) -> None:
        """Sort what the life before left, which one of *rows* may have crashed."""
        for row in rows:
            tries = tries_before(row.id, await self._ask(GetKey(SUSPECT_KEY)))
            if tries >= MOST_TRIES:
                manner = manner_for(row, self.surfaces[surface_of(row.room)])
                ending = set_aside(manner, attempts=tries)
                await self._ask(Commit(ending.changes(row)))
                self._hints.deliver(row.room)
            else:
                await self._ask(Commit((remember_suspect(row.id, tries),)))
                await self._sort_one(row)
        await self._ask(Commit((DeleteKey(SUSPECT_KEY),)))

    async def _sort_page(self, rows: Sequence[Row]) -> None:
        sorter = await self._sorter(rows)
        decisions = [sorter.decide(row) for row in rows]
        if await self._commit(decisions):
            self._pass_on(decisions)
            return
        for row in rows:
            await self._sort_one(row)

    async def _sort_one(self, row: Row) -> None:
        """Decide *row* alone, from what the store has: the page held one that was decided."""
        await self._load_access()
        sorter = await self._sorter((row,))
        decision = sorter.decide(row)
        if await self._commit([decision]):
            self._pass_on([decision])
        else:
            # It was decided before we lost the answer; its hints may be lost too.
            await self._load_access()
            self._hint_session(row.room)
            self._hints.deliver(row.room)

    async def _commit(self, decisions: Sequence[Decision]) -> bool:
        changes = tuple(change for decision in decisions for change in decision.changes)
        if not changes:
            return True
        done = await self._ask(Commit(changes))
        return isinstance(done, Committed)

    async def _sorter(self, rows: Sequence[Row]) -> Sorter:
        welcome = [row for row in rows if self._book.may_write(row.sender)]
        commands = [(row, self._typed(row)) for row in welcome]
        retries = [row for row, words in commands if _is(words, CommandName.RETRY)]
        knowledge = Knowledge(self.store)
        await knowledge.look_up(welcome, retries)
        return Sorter(
            self._book,
            SlotBook(knowledge.keys, knowledge.chats),
            self._gate,
            self.surfaces,
            unfinished=knowledge.unfinished,
            failed=knowledge.failed,
            tree=self.tree() if any(_is(words, CommandName.DEBUG) for _, words in commands) else "",
            now=self.clock(),
        )

    def _typed(self, row: Row) -> Typed:
        return typed(row.text, self.surfaces[surface_of(row.room)].command_prefixes)

    def _pass_on(self, decisions: Sequence[Decision]) -> None:
        for room in dict.fromkeys(item.row.room for item in decisions if item.is_work):
            self._hint_session(room)
        for room in dict.fromkeys(item.row.room for item in decisions if item.is_spoken):
            self._hints.deliver(room)
        for item in decisions:
            if item.errand is not None:
                self._errands.begin(item.errand, item.row)

    async def _ask(self, question: Question[A]) -> A:
        return await ask_through_restarts(self.store, question)

    def _hint_session(self, room: RoomId) -> None:
        if surface_of(room) in self.surfaces:
            self.sessions.try_send(room, WorkArrived())

    async def _load_access(self) -> None:
        rows: tuple[tuple[str, str], ...] = ()
        for prefix in PREFIXES:
            rows += await self._ask(FindKeys(prefix))
        self._book = AccessBook(self.access, self.make_code)
        self._book.load(rows)

    # Rooms that are gone.

    async def _close_room(self, room: RoomId, reason: str) -> None:
        """End the rows of *room* without a word: nobody could read it. The slot stays."""
        await self._sort()
        after = RowId(0)
        while rows := await self._ask(WaitingRows(room, after)):
            for row in rows:
                gone = FinishRow(row.id, RowState.FAILED, f"{ROOM_GONE}: {reason}")
                await self._ask(Commit((gone,)))
                if row.state is RowState.RUNNING and row.run_id is not None:
                    self.platform.try_send(CancelTurn(row.run_id))
            after = rows[-1].id
        log.info("room.closed", room=room)

    # The operator.

    async def _may_join(self, person: PersonId) -> bool:
        if self._book.may_write(person):
            return True
        changes = self._book.asked_into_room(person, self.clock())
        if changes:
            await self._ask(Commit(changes))
        return False

    async def _pair(self, code: str) -> Paired | PairingRefused:
        outcome = self._book.pair(code, self.clock())
        changes: tuple[Change, ...] = outcome.changes
        knock = outcome.knock
        surface = None if knock is None else self.surfaces.get(surface_of(knock.room))
        if knock is None or surface is None:
            await self._ask(Commit(changes))
            return outcome.answer
        text = say(Word.LET_IN, knock.language, prefix=surface.command_prefixes[-1])
        word = AddOutgoing(knock.room, Voice.GATEWAY, text, is_final=False)
        await self._ask(Commit((*changes, word)))
        self._hints.deliver(knock.room)
        log.info("person.paired", person=knock.person)
        return outcome.answer

    async def _retry(self, id_: RowId) -> Requeued | RetryRefused:
        row = await self._ask(FindRow(id_))
        reason = "does not exist" if row is None else why_not(row)
        if row is None or reason is not None:
            return RetryRefused(f"row {id_} {reason}")
        return await self._journal_again(row)

    async def _journal_again(self, row: Row) -> Requeued | RetryRefused:
        for number in range(1, MOST_RETRIES + 1):
            arrival = retry_arrival(row, number, self.clock())
            journal = Journal(surface_of(row.room), (arrival,))
            journaled = await self._ask(journal)
            if journaled.rows:
                await self._sort()
                return Requeued(journaled.rows[0].id)
        return RetryRefused(f"row {row.id} was retried {MOST_RETRIES} times already")


def _is(words: Typed, name: CommandName) -> bool:
    return isinstance(words, Command) and words.name is name
