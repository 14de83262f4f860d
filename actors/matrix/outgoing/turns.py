"""What to do next in one room: answers first, then typing, drafts, signs and the rest. Pure."""

from collections.abc import Iterator
from math import inf

from attrs import define, field, frozen

from actors.matrix.outgoing.ties import Tie
from actors.matrix.settings import Pace
from actors.surfaces.desks import GrowingAnswer, Rest, RoomDesk, SendAnswers, WaitUntil
from protocols.ids import RemoteId, RoomId, RowId
from protocols.journal import Row
from protocols.surfaces import AnswerPress, RoomMessage


@define
class Turn(GrowingAnswer):
    """One row's answer while it grows.

    Args:
        shown_id: The event that shows it; ``shown`` is what stands there.
        tie: What its first event hangs on.
        is_unsure: The first event may have been sent or not: no answer came.
    """

    txn: str = ""
    shown_id: RemoteId | None = None
    shown: dict[str, object] = field(factory=dict, repr=False)
    tie: Tie = field(factory=Tie)
    edits: int = 0
    is_unsure: bool = False


@frozen
class Ending:
    """The turn of *row* is over: what to show on the person's message.

    Args:
        is_marked: That it was taken may stand there, and goes.
        has_failed: It came to nothing, and that is shown.
    """

    room: RoomId
    row: Row
    is_marked: bool
    has_failed: bool


Chore = Ending | AnswerPress
"""What is done when there is time, and forgotten at a stop."""


@define
class Desk(RoomDesk[Turn]):
    """What one room waits for.

    Args:
        has_signs: Reactions show what becomes of a message.
    """

    has_signs: bool = False
    chores: list[Chore] = field(factory=list)
    typing_since: float | None = None

    def take(self, message: RoomMessage, now: float, pace: Pace) -> None:
        """Note what *message* asks for."""
        self.note(message, lambda row: self._turn_of(row, now, pace))

    def _turn_of(self, row: RowId, now: float, pace: Pace) -> Turn:
        shown_from = now + pace.draft_after
        fresh = Turn(row, 0.0, shown_from, signs_from=shown_from, wants_mark=self.has_signs)
        turn = self.turns.setdefault(row, fresh)
        turn.typing_until = now + pace.typing_lasts
        return turn


@frozen
class ShowNow:
    """Show the turn's draft."""

    turn: Turn


@frozen
class SetMark:
    """Show on the person's message that it was taken."""

    turn: Turn


@frozen
class DoChore:
    """Do the oldest of the chores."""


@frozen
class SetTyping:
    """Show typing, or no more."""

    is_typing: bool


Step = SendAnswers | ShowNow | SetMark | DoChore | SetTyping | WaitUntil | Rest


def next_step(
    desk: Desk, now: float, pace: Pace, *, drafts_from: float, silent_until: float = -inf
) -> Step:
    """What to do at *now*.

    Nothing but answers, which wait by themselves, is sent before *silent_until*, and only typing
    before *drafts_from*.
    """
    if desk.has_outgoing:
        return SendAnswers()
    turn = desk.current
    step, times = _typing_step(desk, turn, now, pace)
    if step is not None:
        if now >= silent_until:
            return step
        times = [silent_until]
    for due, what in _dues(desk, turn, pace, drafts_from=drafts_from):
        if now >= due:
            return what
        times.append(due)
    return WaitUntil(min(times)) if times else Rest()


def _typing_step(
    desk: Desk, turn: Turn | None, now: float, pace: Pace
) -> tuple[SetTyping | None, list[float]]:
    """What is to be done about typing at *now*; else when something will be."""
    if turn is None or now >= turn.typing_until:
        return (None if desk.typing_since is None else SetTyping(is_typing=False)), []
    renew_at = now if desk.typing_since is None else desk.typing_since + pace.typing_renewed
    if now >= renew_at:
        return SetTyping(is_typing=True), []
    return None, [renew_at, turn.typing_until]


def _dues(
    desk: Desk, turn: Turn | None, pace: Pace, *, drafts_from: float
) -> Iterator[tuple[float, Step]]:
    """What else there is to do and when, the most urgent first."""
    due = draft_due(turn, pace, drafts_from=drafts_from)
    if turn is not None and due is not None:
        yield due, ShowNow(turn)
    if turn is not None and turn.wants_mark:
        yield max(turn.signs_from, drafts_from), SetMark(turn)
    if desk.chores:
        yield drafts_from, DoChore()


def draft_due(turn: Turn | None, pace: Pace, *, drafts_from: float) -> float | None:
    """When the turn's draft may be shown; None if there is none to show."""
    if turn is None or turn.draft is None or turn.edits >= pace.most_edits:
        return None
    return max(turn.next_at, drafts_from)


def pause_after(edits: int, pace: Pace) -> float:
    """Seconds until the next edit: it grows, so that twenty edits last for a long answer."""
    return pace.draft_every * (1 + edits // 4)
