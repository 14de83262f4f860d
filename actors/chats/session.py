"""ChatSession: the turns of one room, one after the other, in order of arrival."""

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import assert_never
from uuid import uuid4

import structlog
import trio
from attrs import define, field

from actors.chats.asking import ask_through_restarts
from actors.chats.attempts import Start, is_enough, next_start, remember_start, start_key
from actors.chats.confirms import asked
from actors.chats.display import around
from actors.chats.endings import Ending, ending_of, set_aside, stopped_before_start
from actors.chats.files import lines_for_person
from actors.chats.hints import DeliveryHints
from actors.chats.manner import Manner, manner_for
from actors.chats.notes import (
    RoomNotes,
    closing_notes,
    put_question,
    resume_for,
)
from actors.chats.preparing import Prepared, Preparing
from actors.chats.turn import Patience, RunningTurn
from actors.kernel.mailbox import Mailbox
from protocols.changes import Change, RequeueRow, StartRow
from protocols.chats import DescribeSession, SessionMessage, SessionStatus, StopTurn, WorkArrived
from protocols.ids import RoomId, RowId, RunId, SlotId, SurfaceName, run_id_for, surface_of
from protocols.journal import Row
from protocols.mail import Address, NoAnswerError
from protocols.platform import Resume
from protocols.store import Commit, Committed, GetKey, StoreMessage, WaitingRows
from protocols.surfaces import Surface
from protocols.turns import CancelTurn, PlatformMessage, Turn, TurnAsks, TurnOutcome, TurnStopped

log = structlog.get_logger("chats.session")

PROGRAM = uuid4().hex
"""This life of the program."""

PATIENCE = Patience()


@define
class ChatSession:
    """Runs the waiting rows of one room; keeps listening while a turn runs."""

    room: RoomId
    inbox: Mailbox[SessionMessage]
    store: Address[StoreMessage]
    platform: Address[PlatformMessage]
    surfaces: Mapping[SurfaceName, Surface]
    patience: Patience = PATIENCE
    clock: Callable[[], float] = time.time
    program: str = PROGRAM
    _running: RunningTurn | None = None
    _stops: tuple[StopTurn, ...] = ()
    _has_hint: bool = False
    _is_working: bool = False
    _is_closing: bool = False
    _nursery: trio.Nursery = field(init=False)
    _deliveries: DeliveryHints = field(init=False)
    _preparing: Preparing = field(init=False)

    async def run(self) -> None:
        """Work until the inbox is closed; then end the running turn and start nothing new."""
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            self._deliveries = DeliveryHints(self.surfaces, nursery)
            self._preparing = Preparing(self.store, self.room)
            # The life before may have been killed between its last commit and the hint.
            self._deliveries.deliver(self.room)
            self._wake()
            async for message in self.inbox:
                match message:
                    case WorkArrived():
                        self._wake()
                    case StopTurn():
                        self._stop(message)
                    case DescribeSession():
                        nursery.start_soon(self._describe, message)
                    case _:
                        assert_never(message)
            self._is_closing = True

    def _wake(self) -> None:
        """Let the worker look for rows; an idle session has none, so that it costs little."""
        self._has_hint = True
        if not self._is_working:
            self._is_working = True
            self._nursery.start_soon(self._work)

    def _stop(self, question: StopTurn) -> None:
        running = self._running
        if running is None:
            # The worker may be about to start the row that is meant: it looks before it does.
            self._stops += (question,)
            self._wake()
        elif _is_meant(running.row, question):
            self._stops += (question,)
            running.stop()
        else:
            question.reply_to.send(None)

    async def _describe(self, question: DescribeSession) -> None:
        rows = await ask_through_restarts(self.store, WaitingRows(self.room))
        running = self._running
        if running is None:
            slot = rows[0].slot if rows else None
            question.reply_to.send(SessionStatus(None, None, len(rows), slot))
            return
        waiting = sum(row.id > running.row.id for row in rows)
        seconds = trio.current_time() - running.began_at
        status = SessionStatus(running.row.id, seconds, waiting, running.turn.slot)
        question.reply_to.send(status)

    # The worker.

    async def _work(self) -> None:
        while self._has_hint:
            self._has_hint = False
            while not self._is_closing and (row := await self._next_row()) is not None:
                await self._handle(row)
            self._answer_stops(None)
        self._is_working = False

    async def _next_row(self) -> Row | None:
        rows = await ask_through_restarts(self.store, WaitingRows(self.room, limit=1))
        return rows[0] if rows else None

    async def _handle(self, row: Row) -> None:
        if self._is_told_to_stop(row):
            await self._give_up(row, stopped_before_start(row, self._manner(row)))
            self._answer_stops(row.id)
            return
        start = await self._next_start(row)
        if is_enough(row, start):
            await self._give_up(row, set_aside(row, self._manner(row), attempts=row.attempts))
            return
        changes = (StartRow(row.id), remember_start(self.room, start))
        started = await ask_through_restarts(self.store, Commit(changes))
        if isinstance(started, Committed):
            await self._run_turn(row)

    async def _give_up(self, row: Row, ending: Ending) -> None:
        """End *row* without a turn; one that an earlier life began ends at the platform too."""
        self.platform.try_send(CancelTurn(_run_id(row)))
        await self._end(row, ending, await self._preparing.notes())

    async def _next_start(self, row: Row) -> Start:
        kept = None
        if row.attempts:
            kept = await ask_through_restarts(self.store, GetKey(start_key(self.room)))
        return next_start(row, kept, self.program)

    async def _run_turn(self, row: Row) -> None:
        is_over = False
        try:
            prepared = await self._preparing.prepare(row)
            if prepared is not None:
                running = self._running = self._turn(prepared)
                if self._is_told_to_stop(row):
                    running.stop()
                outcome = await running.outcome()
                await self._finish(running, outcome, prepared.notes)
            is_over = True
        finally:
            self._running = None
            if self._is_closing and not is_over:
                # Stopped in good order with the turn in hand: the attempt does not count.
                with trio.move_on_after(1, shield=True), suppress(NoAnswerError):
                    await self.store.ask(Commit((RequeueRow(row.id),)), within=1)

    def _turn(self, prepared: Prepared) -> RunningTurn:
        row = prepared.row
        turn = Turn(
            run_id=_run_id(row),
            row=row.id,
            surface=surface_of(row.room),
            sender=prepared.person,
            sender_name=row.sender_name,
            slot=_slot(row),
            text=row.text,
            trace=row.trace,
            resume=self._resume(prepared),
            language=row.language,
        )
        return RunningTurn(row, turn, prepared.files, self.platform, self._surface, self.patience)

    def _resume(self, prepared: Prepared) -> Resume | None:
        """The answer to the agent's question; one that waited too long is a plain message."""
        asked_before = prepared.context.answers
        if asked_before is not None and asked_before.is_stale(self.clock()):
            log.info("question.expired", row=prepared.row.id)
            return None
        return resume_for(prepared.row, prepared.context)

    async def _finish(self, running: RunningTurn, outcome: TurnOutcome, notes: RoomNotes) -> None:
        row, manner = running.row, self._manner(running.row)
        lines = lines_for_person(running.fetched, manner)
        more: tuple[Change, ...] = ()
        if isinstance(outcome, TurnAsks):
            confirm = asked(row.id, _slot(row), outcome, now=self.clock())
            more = (put_question(row.room, row.sender, confirm),)
        shown = await around(self.store, running.turn.sender, outcome, manner)
        ending = ending_of(outcome, row, manner, missing=lines, around=shown)
        await self._end(row, ending, notes, more=more)
        self._answer_stops(row.id if isinstance(outcome, TurnStopped) else None)

    async def _end(
        self, row: Row, ending: Ending, notes: RoomNotes, *, more: tuple[Change, ...] = ()
    ) -> None:
        """End *row*; where someone else has ended it meanwhile, theirs is what the person sees."""
        changes = (*ending.changes(row), *closing_notes(row, notes, ending.state), *more)
        done = await ask_through_restarts(self.store, Commit(changes))
        if isinstance(done, Committed):
            log.info("row.finished", row=row.id, state=ending.state, attempts=row.attempts)
        self._deliveries.deliver(self.room, row.id)

    def _is_told_to_stop(self, row: Row) -> bool:
        """Whether somebody wants *row* stopped; who meant an earlier row hears that it is over."""
        for stop in self._stops:
            if not _is_meant(row, stop):
                stop.reply_to.send(None)
        self._stops = tuple(stop for stop in self._stops if _is_meant(row, stop))
        return bool(self._stops)

    def _answer_stops(self, stopped: RowId | None) -> None:
        for stop in self._stops:
            stop.reply_to.send(stopped)
        self._stops = ()

    @property
    def _surface(self) -> Surface:
        return self.surfaces[surface_of(self.room)]

    def _manner(self, row: Row) -> Manner:
        return manner_for(row, self._surface)


def _is_meant(row: Row, stop: StopTurn) -> bool:
    return stop.before is None or row.id < stop.before


def _slot(row: Row) -> SlotId:
    return row.slot or SlotId("C1")


def _run_id(row: Row) -> RunId:
    return row.run_id or run_id_for(row.room, row.event_id)
