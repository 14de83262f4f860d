"""``/stop``, ``/status`` and the stop button: what the directory asks sessions."""

import structlog
from attrs import define

from actors.chats.answers import Answers
from actors.chats.endings import stopped_by_force
from actors.kernel.pool import Pool
from actors.words import Word
from protocols.changes import Change
from protocols.chats import DescribeSession, SessionMessage, StopTurn
from protocols.ids import RoomId, RowId, run_id_for
from protocols.journal import Row, RowState
from protocols.mail import Address, NoAnswerError
from protocols.store import FindRow, RecentRows, WaitingRows
from protocols.turns import CancelTurn, PlatformMessage

log = structlog.get_logger("chats.errands")

PATIENCE = 1.0
"""Seconds that a session has to answer."""

_RECENT = 100
"""Rows of a room among which a stop looks for what it stopped; fewer than these can be waiting."""


@define
class Stops:
    """Ends turns and describes them, also of a session that does not answer."""

    answers: Answers
    platform: Address[PlatformMessage]
    sessions: Pool[SessionMessage]

    async def stop(self, room: RoomId, rows: list[Row]) -> None:
        """End what runs in *room*, for all the ``/stop`` that are *rows*."""
        if await self._is_obeyed(rows[-1]):
            await self.answers.say(rows, Word.STOPPED)
            return
        victim = await self._first_waiting(room)
        if victim is None or victim.id > rows[-1].id:
            await self.answers.say(rows, Word.NOTHING_RUNS)
            return
        try:
            stopped = await self._ask_session(victim)
        except NoAnswerError:
            await self._stop_by_force(victim, rows)
            return
        await self.answers.say(rows, Word.NOTHING_RUNS if stopped is None else Word.STOPPED)

    async def _is_obeyed(self, stop: Row) -> bool:
        """Whether a message was stopped since *stop* came: by it, before we crashed, or by another.

        So one stop, or several in a hurry, end one message, and the next goes on.
        """
        recent = await self.answers.ask(RecentRows(_RECENT, stop.room))
        return any(
            row.state is RowState.STOPPED and (row.finished_at or 0) >= stop.received_at
            for row in recent
        )

    async def _first_waiting(self, room: RoomId) -> Row | None:
        waiting = await self.answers.ask(WaitingRows(room, limit=1))
        return next(iter(waiting), None)

    async def _ask_session(self, victim: Row) -> RowId | None:
        # A hung session may read this late, in its next life: it must mean this row only.
        question = StopTurn(before=RowId(victim.id + 1))
        return await self.sessions.ask(victim.room, question, within=PATIENCE)

    async def _stop_by_force(self, victim: Row, rows: list[Row]) -> None:
        """End *victim* in its session's place, and the session with it."""
        changes = await self._forced(victim)
        if not await self.answers.say_with(changes, rows, Word.STOPPED_BY_FORCE):
            await self.answers.say(rows, Word.NOTHING_RUNS)
        self._end_session(victim)

    async def _forced(self, victim: Row) -> tuple[Change, ...]:
        log.warning("session.stopped_by_force", room=victim.room, row=victim.id)
        ending = stopped_by_force(victim, self.answers.manner(victim))
        return await self.answers.changes_of(victim, ending)

    def _end_session(self, victim: Row) -> None:
        run_id = victim.run_id or run_id_for(victim.room, victim.event_id)
        self.platform.try_send(CancelTurn(run_id))
        self.answers.hints.deliver(victim.room, victim.id)
        self.sessions.restart(victim.room)

    # The button, which means one row.

    async def stop_row(self, press: Row, id_: RowId) -> None:
        """End the turn of the row *id_*, on which *press* pressed the button.

        One that waits behind others has no such button: it goes on.
        """
        victim = await self._first_waiting(press.room)
        if victim is None or victim.id != id_:
            await self._tell(press, id_)
            return
        try:
            await self._ask_session(victim)
        except NoAnswerError:
            changes = await self._forced(victim)
            answer = self.answers.manner(press).say(Word.STOPPED)
            is_done = await self.answers.close_press(press, answer, reason="stop", more=changes)
            self._end_session(victim)
            if is_done:
                return
        await self._tell(press, id_)

    async def _tell(self, press: Row, id_: RowId) -> None:
        """Say to whoever pressed how the row *id_* is."""
        row = await self.answers.ask(FindRow(id_))
        is_stopped = row is not None and row.state is RowState.STOPPED
        word = Word.STOPPED if is_stopped else Word.NOTHING_RUNS
        answer = self.answers.manner(press).say(word)
        is_refused = not is_stopped
        await self.answers.close_press(press, answer, reason="stop", is_refused=is_refused)

    # What runs.

    async def describe(self, room: RoomId, rows: list[Row]) -> None:
        """Say what *room* is doing, for all the ``/status`` that are *rows*."""
        try:
            status = await self.sessions.ask(room, DescribeSession(), within=PATIENCE)
        except NoAnswerError:
            await self.answers.say(rows, Word.STATUS_SILENT)
            return
        if status.running_for is None:
            await self.answers.say(rows, Word.STATUS_IDLE)
        else:
            await self.answers.say(
                rows,
                Word.STATUS_RUNNING,
                seconds=round(status.running_for),
                waiting=status.waiting,
                chat=status.slot,
            )
