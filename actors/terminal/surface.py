"""The terminal as a surface: one room, one person, in and out."""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import takewhile
from typing import TypeVar, assert_never
from uuid import uuid4

import structlog
import trio
from attrs import Factory, define, evolve

from actors.kernel.child import note, ready
from actors.kernel.mailbox import Mailbox
from actors.metrics import count_send
from actors.terminal.interrupts import Wish
from actors.terminal.lines import Line
from actors.terminal.open_rows import OpenRows
from actors.terminal.opening import Terminal
from protocols.changes import SentOutgoing
from protocols.chats import DirectoryMessage, RowsArrived
from protocols.files import FileMissing, Missing
from protocols.ids import TERMINAL, PersonId, RemoteId, RoomId, RowId
from protocols.journal import UNFINISHED, Arrival, OutboxRow, Row
from protocols.mail import Address, NoAnswerError, Question
from protocols.store import (
    Commit,
    FindRow,
    Journal,
    Outgoing,
    StoreMessage,
    UnsortedRows,
    WaitingRows,
)
from protocols.surfaces import (
    AnswerPress,
    Deliver,
    FetchFile,
    OpenRoom,
    ShowDraft,
    ShowTyping,
    SurfaceMessage,
)

log = structlog.get_logger("terminal.surface")

A = TypeVar("A")

HERE = RoomId("terminal/here")
OWNER = PersonId("terminal:owner")

STORE_RETRY_DELAYS = (0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0, 5.0)
"""A store that restarts is back within the first; one that is gone for good crashes us."""
_BATCH = 100
_PAGE = 200
_HOW_TO_END = "Ctrl-D ends, or press Ctrl-C again."


class OutputLostError(Exception):
    """Answers cannot be shown any more: nobody reads them, or the disk is full."""


@define
class TerminalSurface:
    """Journals what is typed or piped in, and shows what the outbox holds for the terminal.

    Returns once the input has ended and every row is answered, and when answers cannot be shown
    any more: then they stay in the outbox. What an earlier run left is shown first.
    """

    inbox: Mailbox[SurfaceMessage]
    store: Address[StoreMessage]
    chats: Address[DirectoryMessage]
    terminal: Terminal
    _open: OpenRows = Factory(OpenRows)
    _turnstile: trio.Lock = Factory(trio.Lock)
    """Journaling and showing take turns: no answer is shown before its row is known here."""

    async def run(self) -> None:
        """Talk until the input or the inbox ends."""
        try:
            async with trio.open_nursery() as nursery:
                await self._begin()
                nursery.start_soon(self._listen, nursery.cancel_scope)
                nursery.start_soon(self._obey_interrupts)
                async for message in self.inbox:
                    async with self._turnstile:
                        await self._handle(message)
                nursery.cancel_scope.cancel("the inbox is closed")
        except* OutputLostError:
            log.info("answers.kept", unanswered=len(self._open))
        finally:
            self.terminal.screen.close()
        self.terminal.leave()

    # What goes in.

    async def _listen(self, talk: trio.CancelScope) -> None:
        reader, ahead = self.terminal.reader, self.terminal.lines_ahead
        await self._fewer_open_than(ahead)
        while lines := await reader.oldest(_BATCH):
            batch = _up_to_a_command(lines)
            if _is_command(batch[0]):  # it is about what came before, and overtakes what waits
                await self._fewer_open_than(1)
            await self._journal(batch, is_backlog=ahead > 1)
            reader.forget(batch)
            await self._fewer_open_than(ahead)
        await self._fewer_open_than(1)
        async with self._turnstile:
            talk.cancel("the input has ended")

    async def _obey_interrupts(self) -> None:
        while True:
            match await self.terminal.interrupts.next_wish():
                case Wish.STOP_ANSWER:
                    await self._journal((Line("/stop"),), is_backlog=False)
                case Wish.HOW_TO_END:
                    await self._on_screen(partial(self.terminal.screen.hint, _HOW_TO_END))
                case wish:
                    assert_never(wish)

    async def _journal(self, lines: Sequence[Line], *, is_backlog: bool) -> None:
        arrivals = tuple(_arrival(line, is_backlog=is_backlog) for line in lines)
        async with self._turnstile:
            journaled = await self._ask(Journal(TERMINAL, arrivals))
            self._open.add(row.id for row in journaled.rows)
            if len(journaled.rows) < len(arrivals):  # a former life, or a lost answer
                self._open.add(row.id for row in await self._unfinished())
                await self._show_what_is_pending()
            self.chats.try_send(RowsArrived())
            await self._show_state()

    async def _fewer_open_than(self, limit: int) -> None:
        while True:
            async with self._turnstile:
                if len(self._open) < limit:
                    return
                change = self._open.change
            await change.wait()

    # What comes out.

    async def _begin(self) -> None:
        ready()  # whoever reads our answers slowly must not hold up the start of the others
        await self._on_screen(self.terminal.screen.greet)
        async with self._turnstile:
            left = await self._unfinished()
            self._open.add(row.id for row in left)
            for row in left:
                if row.received_at < self.terminal.opened_at:
                    await self._on_screen(partial(self.terminal.screen.recall, row.text))
            await self._show_what_is_pending()
            await self._show_state()

    async def _handle(self, message: SurfaceMessage) -> None:
        match message:
            case Deliver(row_done=row):
                self._open.close(row)
                await self._show_what_is_pending()
                await self._show_state()
            case ShowDraft(is_task=True):
                pass  # no line can be come back to; the task's end is shown
            case ShowDraft(row=row, text=text, status=status):
                if await self._is_open(row):
                    await self._on_screen(partial(self.terminal.screen.draft, text, status))
            case ShowTyping(row=row):
                if await self._is_open(row):
                    await self._show_state()
            case AnswerPress():
                pass  # there are no buttons in a terminal
            case FetchFile():
                message.reply_to.send(FileMissing(Missing.GONE))
            case OpenRoom():
                message.reply_to.send(None)
            case _:
                assert_never(message)

    async def _show_what_is_pending(self) -> None:
        """Empty the outbox; nothing is open only if the journal says so too.

        The answer to one row can open another again (``/retry``), in the same commit.
        """
        while await self._show_pending() and not self._open:
            self._open.add(row.id for row in await self._unfinished())

    async def _show_pending(self) -> bool:
        has_shown = False
        while pending := await self._ask(Outgoing(HERE)):
            for answer in pending:
                await self._show(answer)
            has_shown = True
        return has_shown

    async def _show(self, answer: OutboxRow) -> None:
        is_old = answer.created_at < self.terminal.opened_at
        await self._on_screen(
            partial(
                self.terminal.screen.answer,
                answer.text,
                answer.voice,
                is_old=is_old,
                folded=answer.folded,
                footer=answer.footer,
            )
        )
        await self._ask(Commit((SentOutgoing(answer.id, RemoteId(uuid4().hex)),)))
        count_send(TERMINAL, is_sent=True)
        if answer.is_final:
            self._open.close(answer.row)

    async def _show_state(self) -> None:
        self.terminal.interrupts.answering(bool(self._open))
        note(f"{len(self._open)} unanswered")
        screen = self.terminal.screen
        await self._on_screen(partial(screen.draft, "", "") if self._open else screen.rest)

    async def _is_open(self, row: RowId) -> bool:
        """Whether *row* still wants its answer; one that the operator retried is new here."""
        if row not in self._open:
            found = await self._ask(FindRow(row))
            if found is not None and found.state in UNFINISHED:
                self._open.add((row,))
                self.terminal.interrupts.answering(is_answering=True)
        return row in self._open

    # Whom it asks.

    async def _unfinished(self) -> list[Row]:
        """The rows of the terminal that are not finished, oldest first.

        A row goes from unsorted to waiting, so in this order none is missed.
        """
        rows: dict[RowId, Row] = {}
        after = RowId(0)
        while page := await self._ask(UnsortedRows(after=after, limit=_PAGE)):
            rows.update((row.id, row) for row in page if row.room == HERE)
            after = page[-1].id
        after = RowId(0)
        while page := await self._ask(WaitingRows(HERE, after=after, limit=_PAGE)):
            rows.update((row.id, row) for row in page)
            after = page[-1].id
        return [rows[row] for row in sorted(rows)]

    async def _ask(self, question: Question[A]) -> A:
        """Ask the store, again if it died: every question of ours may be asked twice."""
        for delay in STORE_RETRY_DELAYS:
            try:
                return await self.store.ask(question)
            except NoAnswerError:
                await trio.sleep(delay)
                question = evolve(question)
        return await self.store.ask(question)

    async def _on_screen(self, show: Callable[[], None]) -> None:
        # A terminal that was paused blocks whoever writes, so nobody waits for its thread.
        try:
            await trio.to_thread.run_sync(show, abandon_on_cancel=True)
        except OSError as error:
            tell = log.info if isinstance(error, BrokenPipeError) else log.error
            tell("output.lost", reason=error.strerror)
            raise OutputLostError from error


def _is_command(line: Line) -> bool:
    return line.text.lstrip().startswith("/")


def _up_to_a_command(lines: Sequence[Line]) -> Sequence[Line]:
    return tuple(takewhile(lambda line: not _is_command(line), lines)) or lines[:1]


def _arrival(line: Line, *, is_backlog: bool) -> Arrival:
    return Arrival(
        event_id=line.event_id,
        room=HERE,
        sender=OWNER,
        sender_name="owner",
        text=line.text,
        sent_at=line.read_at,
        trace=line.trace,
        is_backlog=is_backlog,
    )
