"""New rows: what is known is looked up, each row decided, the decisions committed and passed on."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from attrs import define, field

from actors.chats.access import PREFIXES, AccessBook, AccessPolicy
from actors.chats.asking import ask_through_restarts
from actors.chats.backlog import Backlog
from actors.chats.catching_up import CatchingUp
from actors.chats.commands import Blank, Command, CommandName, Typed, typed
from actors.chats.decisions import Decision, Errand, OpenChat, ignored
from actors.chats.endings import set_aside
from actors.chats.flood import FloodGate
from actors.chats.hints import DeliveryHints
from actors.chats.knowledge import Knowledge
from actors.chats.linking import look_up_links, parted
from actors.chats.manner import manner_for
from actors.chats.page import Page
from actors.chats.pushing import set_aside_push
from actors.chats.slots import SlotBook
from actors.chats.sorting import Sorter
from actors.chats.suspects import MOST_TRIES, SUSPECT_KEY, remember_suspect, tries_before
from actors.chats.task_lines import TaskLines
from actors.chats.tasks import is_push
from actors.kernel.pool import Pool
from actors.words import Word
from protocols.changes import Change, DeleteKey
from protocols.chats import SessionMessage, WorkArrived
from protocols.ids import RoomId, RowId, SurfaceName, surface_of
from protocols.journal import Row, RowState
from protocols.mail import Address, Question
from protocols.store import (
    Commit,
    Committed,
    FindKeys,
    FindRow,
    GetKey,
    RecentRows,
    StoreMessage,
    UnsortedRows,
)
from protocols.surfaces import Surface

A = TypeVar("A")

MOST_CONFLICTS = 5
"""Times that one row is decided anew because a session was quicker; once is rare."""


PAGE = 200
"""Rows that are sorted together, at most."""

PRESS_LIFE = 150.0
"""Seconds for which an app waits to hear what a press came to, at most."""

_RECENT = 100
"""Rows among which presses are looked for that nobody may have heard of."""


class UndecidedRowError(Exception):
    """A row stays received whatever is decided about it."""


@define
class Intake:
    """Takes rows in their order; only one of its methods may run at a time."""

    store: Address[StoreMessage]
    sessions: Pool[SessionMessage]
    surfaces: Mapping[SurfaceName, Surface]
    hints: DeliveryHints
    begin_errand: Callable[[Errand, Row], None]
    policy: AccessPolicy
    tree: Callable[[], str]
    clock: Callable[[], float]
    make_code: Callable[[], str]
    lines: TaskLines
    catching_up: CatchingUp
    book: AccessBook = field(init=False)
    _gate: FloodGate = field(factory=FloodGate)
    _read_to: RowId = RowId(0)
    _has_settled: bool = False
    _paused: dict[RoomId, list[Row]] = field(factory=dict)
    _opened: dict[RowId, RoomId | None] = field(factory=dict)

    async def load_access(self) -> None:
        """Take over who may write, as the store has it."""
        rows: tuple[tuple[str, str], ...] = ()
        for prefix in PREFIXES:
            rows += await self._ask(FindKeys(prefix))
        self.book = AccessBook(self.policy, self.make_code)
        self.book.load(rows)

    async def take_new(self, *, is_careful: bool = False) -> None:
        """Sort what the journal has got since; with care at first, for the sake of ``suspects``."""
        is_start = is_careful
        if is_start:
            await self.catching_up.begin()
        # Rows become durable in the order of their ids, so what is before this was read.
        while rows := await self._ask(UnsortedRows(self._read_to, PAGE)):
            # Without its surface a row could not be answered: it waits until that is back.
            known = [row for row in rows if is_push(row) or surface_of(row.room) in self.surfaces]
            known = self._backlog.sift([(row, self._heard(row)) for row in known], self.clock())
            if known:
                await (self._sort_with_care if is_careful else self._sort_page)(known)
                is_careful = False
            self._read_to = rows[-1].id
            # What came meanwhile has a hint of its own; only a life before may have taken it.
            if len(rows) < PAGE and not (is_start or self._backlog.repeats):
                return
            self._backlog.repeats = False
        if is_start:
            await self.catching_up.began()

    async def settle(self) -> None:
        """Ask people about what waited long, and decide the rest that waited with it."""
        rest = await self.catching_up.settle()
        for start in range(0, len(rest), PAGE):
            part = rest[start : start + PAGE]
            await (self._sort_page if self._has_settled else self._sort_with_care)(part)
            self._has_settled = True
        await self._take_repeated()

    async def _take_repeated(self) -> None:
        """Take rows that came once more: no surface tells of them."""
        if self._backlog.repeats:
            await self.take_new()

    async def go_on(self, row: Row, room: RoomId | None) -> None:
        """Decide the ``/new`` of *row*, for which *room* was opened, and what waited for it."""
        waiting = self._paused.pop(row.room, [])
        self._opened[row.id] = room
        await self._sort_one(row)
        del self._opened[row.id]
        if waiting:
            await self._sort_page(waiting)
        await self._take_repeated()

    def drop_paused(self, room: RoomId) -> tuple[Row, ...]:
        """The rows of *room* that wait for something; nobody will decide them any more."""
        rows = tuple(self._paused.get(room, ()))
        if rows:
            self._paused[room] = []
        return (*rows, *self._backlog.drop(room))

    async def answer_old_presses(self) -> None:
        """Let no app wait for a press that was decided when the life before ended."""
        for row in await self._ask(RecentRows(_RECENT)):
            is_decided = row.state is not RowState.RECEIVED
            if is_decided and self.clock() - row.received_at < PRESS_LIFE:
                self.hints.answer_press(row)

    async def _sort_with_care(self, rows: Sequence[Row]) -> None:
        """Sort what the life before left, which one of *rows* may have crashed."""
        for row in rows:
            tries = tries_before(row.id, await self._ask(GetKey(SUSPECT_KEY)))
            if tries >= MOST_TRIES:
                await self._set_aside(row, tries)
            else:
                await self._ask(Commit((remember_suspect(row.id, tries),)))
                await self._sort_one(row)
        await self._ask(Commit((DeleteKey(SUSPECT_KEY),)))

    async def _set_aside(self, row: Row, tries: int) -> None:
        if is_push(row):
            await self._ask(Commit(set_aside_push(row, attempts=tries)))
            return
        manner = manner_for(row, self.surfaces[surface_of(row.room)])
        if row.press is not None:
            changes: tuple[Change, ...] = ignored(row, f"button: set aside after {tries} attempts")
            self.hints.answer_press(row, manner.say(Word.PRESS_FAILED), is_refused=True)
        elif row.redacts is not None:
            changes = ignored(row, f"redaction: set aside after {tries} attempts")
        else:
            changes = set_aside(row, manner, attempts=tries).changes(row)
        await self._ask(Commit(changes))
        self.hints.deliver(row.room)

    async def _sort_page(self, rows: Sequence[Row]) -> None:
        for part in parted([(row, self._typed(row)) for row in rows]):
            await self._sort_together(part)

    async def _sort_together(self, rows: Sequence[Row]) -> None:
        gate, sorter = self._gate.copy(), await self._sorter(rows)
        decisions = [sorter.decide(row) for row in rows]
        if await self._commit(decisions):
            self._pass_on(decisions)
            return
        self._gate = gate  # nothing of it was said
        for row in rows:
            await self._sort_one(row)

    async def _sort_one(self, row: Row) -> None:
        """Decide *row* alone, from what the store has: something was decided meanwhile."""
        for number in range(MOST_CONFLICTS):
            now = await self._ask(FindRow(row.id))
            await self.load_access()
            if number or now is None or now.state is not RowState.RECEIVED:
                await self.catching_up.look_at(row.room)
            if now is None or now.state is not RowState.RECEIVED:
                await self._hint_again(row)
                return
            decision = (await self._sorter((now,))).decide(now)
            if await self._commit([decision]):
                self._pass_on([decision])
                return
        raise UndecidedRowError(f"row {row.id} conflicts again and again")

    async def _hint_again(self, row: Row) -> None:
        """*row* was decided before we lost the answer; its hints may be lost too."""
        if is_push(row):
            await self.lines.show_all()
            return
        self.sessions.try_send(row.room, WorkArrived())
        self.hints.deliver(row.room)
        self.hints.answer_press(row)

    async def _commit(self, decisions: Sequence[Decision]) -> bool:
        changes = tuple(change for decision in decisions for change in decision.changes)
        if not changes:
            return True
        done = await self._ask(Commit(changes))
        return isinstance(done, Committed)

    async def _sorter(self, rows: Sequence[Row]) -> Sorter:
        heard = [row for row in rows if self._is_heard(row)]
        commands = [(row, self._typed(row)) for row in heard]
        retries = [row for row, words in commands if _is(words, CommandName.RETRY)]
        known = Knowledge(self.store)
        await known.look_up(heard, retries, self._opened)
        known.held = self._backlog.held()
        await known.look_up_pushes([row for row in rows if is_push(row)])
        for row, words in commands if len(rows) == 1 else ():
            await look_up_links(known, row, words, self.clock())
        page = Page(
            known,
            self.book,
            SlotBook(known.keys, known.chats, known.people),
            self._gate,
            self.surfaces,
            tree=self.tree() if any(_is(words, CommandName.DEBUG) for _, words in commands) else "",
            now=self.clock(),
            opened=self._opened,
            paused=set(self._paused),
        )
        return Sorter(page)

    def _heard(self, row: Row) -> Typed | None:
        """What *row* says, where its sender is answered."""
        return self._typed(row) if self.book.may_write(row.sender) else None

    def _is_heard(self, row: Row) -> bool:
        is_known = row.redacts is not None or self.book.may_write(row.sender)
        return is_known and not is_push(row)

    def _typed(self, row: Row) -> Typed:
        # Nobody commands us by a push.
        surface = self.surfaces.get(surface_of(row.room))
        return Blank() if surface is None else typed(row.text, surface.command_prefixes)

    def _pass_on(self, decisions: Sequence[Decision]) -> None:
        for room in dict.fromkeys(item.row.room for item in decisions if item.is_work):
            self.sessions.try_send(room, WorkArrived())
        for room in dict.fromkeys(room for item in decisions for room in item.spoken_in):
            self.hints.deliver(room)
        for item in decisions:
            self._backlog.follow(item.changes)
            if item.is_press_over:
                self.hints.answer_press(
                    item.row, item.press_answer, is_refused=item.is_press_refused
                )
            if item.is_paused:
                self._paused[item.row.room].append(item.row)
            if item.task is not None:
                self.lines.show(item.task)
            if item.ended_task is not None:
                self.lines.end(item.ended_task)
            if item.errand is not None:
                self._begin(item.errand, item.row)

    def _begin(self, errand: Errand, row: Row) -> None:
        if isinstance(errand, OpenChat):
            self._paused.setdefault(row.room, [])
        self.begin_errand(errand, row)

    @property
    def _backlog(self) -> Backlog:
        return self.catching_up.backlog

    async def _ask(self, question: Question[A]) -> A:
        return await ask_through_restarts(self.store, question)


def _is(words: Typed, name: CommandName) -> bool:
    return isinstance(words, Command) and words.name is name
