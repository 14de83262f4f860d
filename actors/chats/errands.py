"""``/stop`` and ``/status``: what the directory asks sessions without waiting for them."""

from collections.abc import Mapping
from typing import assert_never

import structlog
import trio
from attrs import define, field

from actors.chats.asking import ask_through_restarts
from actors.chats.endings import stopped_by_force
from actors.chats.hints import DeliveryHints
from actors.chats.manner import Manner, manner_for
from actors.chats.sorting import Errand, ended
from actors.kernel.pool import Pool
from actors.words import Word
from protocols.chats import DescribeSession, SessionMessage, StopTurn
from protocols.ids import RoomId, RowId, SurfaceName, run_id_for, surface_of
from protocols.mail import Address, NoAnswerError
from protocols.platform import CancelTurn, PlatformMessage
from protocols.store import (
    Change,
    Commit,
    Committed,
    RecentRows,
    Row,
    RowState,
    StoreMessage,
    WaitingRows,
)
from protocols.surfaces import Surface

log = structlog.get_logger("chats.errands")

PATIENCE = 1.0
"""Seconds that a session has to answer."""

_RECENT = 100
"""Rows of a room among which a stop looks for what it stopped; fewer than these can be waiting."""


@define
class Errands:
    """Runs errands: per room and kind one question at a time, whose answer serves all that wait.

    The rows stay received until they are answered, so an errand that is lost in a crash is
    read and run again.
    """

    store: Address[StoreMessage]
    platform: Address[PlatformMessage]
    sessions: Pool[SessionMessage]
    surfaces: Mapping[SurfaceName, Surface]
    hints: DeliveryHints
    nursery: trio.Nursery
    _waiting: dict[tuple[RoomId, Errand], list[Row]] = field(factory=dict)

    def begin(self, errand: Errand, row: Row) -> None:
        """Run *errand* for *row*."""
        waiting = self._waiting.get((row.room, errand))
        if waiting is not None:
            waiting.append(row)
            return
        self._waiting[row.room, errand] = [row]
        self.nursery.start_soon(self._serve, row.room, errand)

    async def _serve(self, room: RoomId, errand: Errand) -> None:
        while rows := self._waiting[room, errand]:
            self._waiting[room, errand] = []
            match errand:
                case Errand.STOP:
                    await self._stop(room, rows)
                case Errand.STATUS:
                    await self._describe(room, rows)
                case _:
                    assert_never(errand)
            self.hints.deliver(room)
        del self._waiting[room, errand]

    async def _stop(self, room: RoomId, rows: list[Row]) -> None:
        if await self._is_obeyed(rows[-1]):
            await self._answer(rows, Word.STOPPED)
            return
        waiting = await ask_through_restarts(self.store, WaitingRows(room, limit=1))
        victim = next((row for row in waiting if row.id < rows[-1].id), None)
        if victim is None:
            await self._answer(rows, Word.NOTHING_RUNS)
            return
        # A hung session may read this late, in its next life: it must mean this row only.
        question = StopTurn(before=RowId(victim.id + 1))
        try:
            stopped = await self.sessions.ask(room, question, within=PATIENCE)
        except NoAnswerError:
            await self._stop_by_force(victim, rows)
            return
        await self._answer(rows, Word.NOTHING_RUNS if stopped is None else Word.STOPPED)

    async def _is_obeyed(self, stop: Row) -> bool:
        """Whether a message was stopped since *stop* came: by it, before we crashed, or by another.

        So one stop, or several in a hurry, end one message, and the next goes on.
        """
        recent = await ask_through_restarts(self.store, RecentRows(_RECENT, stop.room))
        return any(
            row.state is RowState.STOPPED and (row.finished_at or 0) >= stop.received_at
            for row in recent
        )

    async def _stop_by_force(self, victim: Row, rows: list[Row]) -> None:
        """End *victim* in its session's place, and the session with it."""
        log.warning("session.stopped_by_force", room=victim.room, row=victim.id)
        changes = stopped_by_force(self._manner(victim)).changes(victim)
        if not await self._end(rows, Word.STOPPED_BY_FORCE, {}, more=changes):
            await self._answer(rows, Word.NOTHING_RUNS)
        run_id = victim.run_id or run_id_for(victim.room, victim.event_id)
        self.platform.try_send(CancelTurn(run_id))
        self.hints.deliver(victim.room, victim.id)
        self.sessions.restart(victim.room)

    async def _describe(self, room: RoomId, rows: list[Row]) -> None:
        try:
            status = await self.sessions.ask(room, DescribeSession(), within=PATIENCE)
        except NoAnswerError:
            await self._answer(rows, Word.STATUS_SILENT)
            return
        if status.running_for is None:
            await self._answer(rows, Word.STATUS_IDLE)
        else:
            await self._answer(
                rows,
                Word.STATUS_RUNNING,
                seconds=round(status.running_for),
                waiting=status.waiting,
                chat=status.slot,
            )

    async def _answer(self, rows: list[Row], word: Word, **facts: object) -> None:
        """End all *rows* with the same words; one by one where something was ended before."""
        if await self._end(rows, word, facts):
            return
        for row in rows:
            await self._end([row], word, facts)

    async def _end(
        self,
        rows: list[Row],
        word: Word,
        facts: Mapping[str, object],
        *,
        more: tuple[Change, ...] = (),
    ) -> bool:
        """End *rows* with the same words, together with *more* changes; False where one was."""
        changes = list(more)
        for row in rows:
            text = self._manner(row).say(word, **facts)
            changes += ended(row, RowState.ANSWERED, text, reason="command")
        done = await ask_through_restarts(self.store, Commit(tuple(changes)))
        return isinstance(done, Committed)

    def _manner(self, row: Row) -> Manner:
        return manner_for(row, self.surfaces[surface_of(row.room)])
