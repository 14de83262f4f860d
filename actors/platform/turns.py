"""The turns of one life of the bridge: who waits, who runs, who is stopped."""

import sys
from typing import assert_never

import structlog
import trio
from attrs import define, field

from actors.kernel import child
from actors.metrics import TURN_SECONDS, TURNS
from actors.platform.access import is_refused
from actors.platform.line import Line
from actors.platform.open_turn import OpenTurn
from actors.platform.turn import TurnRunner
from protocols.ids import RunId
from protocols.platform import FailureKind, PlatformFailedError
from protocols.turns import (
    RunTurn,
    TurnAsks,
    TurnFailed,
    TurnFinished,
    TurnOutcome,
    TurnStopped,
)

log = structlog.get_logger("platform.turns")

CANCEL_LIMIT = 5.0

_GIVEN_UP = frozenset({FailureKind.TIMEOUT, FailureKind.CUT, FailureKind.BROKEN})
"""The platform may still be at work on these, and nobody wants it any more."""


@define
class Turns:
    """The turns in hand, one task each; those past the limit wait in order of asking."""

    _runner: TurnRunner
    _nursery: trio.Nursery
    _line: Line
    _refusal: str
    """Why the bridge parks where the agent lets nobody in."""
    _open: dict[RunId, OpenTurn] = field(init=False, factory=dict)
    _check: trio.CancelScope | None = field(init=False, default=None)
    _last_failure: str = field(init=False, default="")

    def take(self, question: RunTurn) -> None:
        """Run the turn of *question*; a run that is in hand already goes on, for the new asker."""
        run_id = question.turn.run_id
        known = self._open.get(run_id)
        if known is not None:
            known.hand_over(question)
            return
        self._open[run_id] = open_turn = OpenTurn.asked_by(question, at=trio.current_time())
        self._note_how_many()
        self._line.join(open_turn)  # here: tasks begin in any order
        self._nursery.start_soon(self._run, open_turn)

    def stop(self, run_id: RunId) -> None:
        """Answer ``TurnStopped`` at once; the platform is told behind the person's back.

        Of an unknown run the platform is told too: an earlier life may have started it.
        """
        open_turn = self._open.get(run_id)
        if open_turn is not None:
            self._end(open_turn, TurnStopped(open_turn.text))
            open_turn.scope.cancel(reason="the turn was stopped")
        self._nursery.start_soon(self._cancel_at_platform, run_id)

    def check_access(self) -> None:
        """Park the bridge if the agent lets nobody in; a refusal may be about one person only."""
        if self._check is None:
            self._check = trio.CancelScope()
            self._nursery.start_soon(self._park_if_refused, self._check)

    def leave_waiting(self) -> None:
        """Start nothing more; those who wait for a place hear it when the bridge has ended."""
        if self._check is not None:
            self._check.cancel(reason="the bridge stops")
        for open_turn in self._open.values():
            if not open_turn.has_place:
                open_turn.scope.cancel(reason="the bridge stops")

    async def _run(self, open_turn: OpenTurn) -> None:
        with open_turn.scope:
            async with self._line.place_of(open_turn):
                open_turn.begin()
                log.info("turn.started", row=open_turn.turn.row, run_id=open_turn.turn.run_id)
                outcome: TurnOutcome | None = None
                try:
                    outcome = await self._runner.outcome_of(open_turn)
                finally:
                    self._settle(open_turn, outcome)

    async def _park_if_refused(self, scope: trio.CancelScope) -> None:
        with scope:
            if await is_refused(self._runner.client):
                self._refuse_all()
                raise child.ParkedError(self._refusal)
        self._check = None

    def _refuse_all(self) -> None:
        for open_turn in tuple(self._open.values()):
            self._end(open_turn, TurnFailed(open_turn.text, FailureKind.UNAUTHORIZED))
            open_turn.scope.cancel(reason="the agent lets nobody in")

    def _settle(self, open_turn: OpenTurn, outcome: TurnOutcome | None) -> None:
        """Answer the turn, whose task is over; one that crashes the bridge is not asked again."""
        if outcome is None and isinstance(sys.exception(), Exception):
            outcome = TurnFailed(open_turn.text, FailureKind.GONE)
        # A turn that was stopped in its very last step has been answered, and its run may be
        # in hand again.
        if outcome is not None and self._open.get(open_turn.turn.run_id) is open_turn:
            self._end(open_turn, outcome)

    def _end(self, open_turn: OpenTurn, outcome: TurnOutcome) -> None:
        turn = open_turn.turn
        del self._open[turn.run_id]
        self._note_how_many()
        open_turn.answer(outcome)
        kind = outcome.kind if isinstance(outcome, TurnFailed) else None
        seconds = trio.current_time() - open_turn.asked_at
        TURNS.labels(_label_of(outcome)).inc()
        TURN_SECONDS.observe(seconds)
        log.info(
            "turn.ended",
            row=turn.row,
            run_id=turn.run_id,
            trace=turn.trace,
            outcome=type(outcome).__name__,
            kind=kind,
            seconds=round(seconds, 3),
            chars=len(outcome.text),
        )
        if kind is not None:
            self._last_failure = f"; the last failure: {kind}"
            self._note_how_many()
        if kind in _GIVEN_UP or (kind is not None and open_turn.has_begun):
            self._nursery.start_soon(self._cancel_at_platform, turn.run_id)
        if kind is FailureKind.UNAUTHORIZED:
            self.check_access()

    def _note_how_many(self) -> None:
        child.note(f"turns in hand: {len(self._open)}{self._last_failure}")

    async def _cancel_at_platform(self, run_id: RunId) -> None:
        with trio.move_on_after(CANCEL_LIMIT) as patience:
            try:
                await self._runner.client.cancel_run(run_id)
            except PlatformFailedError as error:
                log.warning("run.cancel_failed", run_id=run_id, kind=error.kind)
        if patience.cancelled_caught:
            log.warning("run.cancel_failed", run_id=run_id, kind=FailureKind.TIMEOUT)


def _label_of(outcome: TurnOutcome) -> str:
    match outcome:
        case TurnFinished():
            return "finished"
        case TurnAsks():
            return "asks"
        case TurnStopped():
            return "stopped"
        case TurnFailed(kind=kind):
            return kind
        case _:
            assert_never(outcome)
