"""The turns of one life of the bridge: who waits, who runs, who is stopped."""

import sys

import structlog
import trio
from attrs import define, field

from actors.kernel import child
from actors.platform.open_turn import OpenTurn
from actors.platform.turn import TurnRunner
from actors.words import Word
from protocols.ids import RunId
from protocols.platform import FailureKind, PlatformFailedError
from protocols.turns import RunTurn, TurnFailed, TurnOutcome, TurnStopped

log = structlog.get_logger("platform.turns")

CANCEL_LIMIT = 5.0

_GIVEN_UP = frozenset({FailureKind.TIMEOUT, FailureKind.CUT, FailureKind.BROKEN})
"""The platform may still be at work on these, and nobody wants it any more."""


@define
class Turns:
    """The turns in hand, one task each; those past the limit wait in order of asking."""

    _runner: TurnRunner
    _nursery: trio.Nursery
    _places: trio.Semaphore
    _open: dict[RunId, OpenTurn] = field(init=False, factory=dict)

    def take(self, question: RunTurn) -> None:
        """Run the turn of *question*; a run that is in hand already goes on, for the new asker."""
        run_id = question.turn.run_id
        known = self._open.get(run_id)
        if known is not None:
            known.hand_over(question)
            return
        self._open[run_id] = open_turn = OpenTurn.asked_by(question, at=trio.current_time())
        self._note_how_many()
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

    def leave_waiting(self) -> None:
        """Start nothing more; those who wait for a place hear it when the bridge has ended."""
        for open_turn in self._open.values():
            if not open_turn.has_place:
                open_turn.scope.cancel(reason="the bridge stops")

    async def _run(self, open_turn: OpenTurn) -> None:
        with open_turn.scope:
            if self._places.value == 0:
                open_turn.tell(Word.DRAFT_WAITS)
            async with self._places:
                open_turn.begin()
                log.info("turn.started", row=open_turn.turn.row, run_id=open_turn.turn.run_id)
                outcome: TurnOutcome | None = None
                try:
                    outcome = await self._runner.outcome_of(open_turn)
                finally:
                    self._settle(open_turn, outcome)

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
        log.info(
            "turn.ended",
            row=turn.row,
            run_id=turn.run_id,
            trace=turn.trace,
            outcome=type(outcome).__name__,
            kind=kind,
            seconds=round(trio.current_time() - open_turn.asked_at, 3),
            chars=len(outcome.text),
        )
        if kind in _GIVEN_UP:
            self._nursery.start_soon(self._cancel_at_platform, turn.run_id)

    def _note_how_many(self) -> None:
        child.note(f"turns in hand: {len(self._open)}")

    async def _cancel_at_platform(self, run_id: RunId) -> None:
        with trio.move_on_after(CANCEL_LIMIT) as patience:
            try:
                await self._runner.client.cancel_run(run_id)
            except PlatformFailedError as error:
                log.warning("run.cancel_failed", run_id=run_id, kind=error.kind)
        if patience.cancelled_caught:
            log.warning("run.cancel_failed", run_id=run_id, kind=FailureKind.TIMEOUT)
