"""What to do next in one room: answers first, then typing, drafts, signs and the rest. Pure."""

from collections.abc import Iterator
from math import inf
from typing import assert_never

from attrs import define, field, frozen

from actors.matrix.outgoing.ties import Tie
from actors.matrix.settings import Pace
from protocols.ids import RemoteId, RoomId, RowId
from protocols.store import Row
from protocols.surfaces import AnswerPress, Deliver, RoomMessage, ShowDraft, ShowTyping


@define
class Turn:
    """One row's answer while it grows.

    Args:
        next_at: When its draft may be shown (again).
        shown_id: The event that shows it; ``shown`` is what stands there.
        tie: What its first event hangs on.
        is_unsure: The first event may have been sent or not: no answer came.
        is_over: The turn is done; what remains is to deliver its answer.
        signs_from: When a sign is worth it: an answer that comes at once needs none.
        wants_mark: A reaction on the person's message should say that it was taken.
    """

    row: RowId
    typing_until: float
    next_at: float
    draft: ShowDraft | None = None
    txn: str = ""
    shown_id: RemoteId | None = None
    shown: dict[str, object] = field(factory=dict, repr=False)
    tie: Tie = field(factory=Tie)
    edits: int = 0
    is_unsure: bool = False
    is_over: bool = False
    signs_from: float = 0.0
    wants_mark: bool = False

    def end(self) -> None:
        """Show no more of it."""
        self.is_over, self.draft = True, None


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
class Desk:
    """What one room waits for.

    Args:
        has_signs: Reactions show what becomes of a message.
    """

    has_signs: bool = False
    has_outgoing: bool = False
    turns: dict[RowId, Turn] = field(factory=dict)
    chores: list[Chore] = field(factory=list)
    typing_since: float | None = None

    @property
    def current(self) -> Turn | None:
        """The turn that runs: the newest that is not over."""
        return next((turn for turn in reversed(self.turns.values()) if not turn.is_over), None)

    def take(self, message: RoomMessage, now: float, pace: Pace) -> None:
        """Note what *message* asks for."""
        match message:
            case Deliver(row_done=row_done):
                self.has_outgoing = True
                if row_done is not None and (done := self.turns.get(row_done)):
                    done.end()
            case ShowDraft(row=row, text=text, status=status):
                turn = self._turn_of(row, now, pace)
                if not turn.is_over and (text.strip() or status.strip()):
                    turn.draft = message
            case ShowTyping(row=row):
                self._turn_of(row, now, pace)
            case _:
                assert_never(message)

    def forget_over(self) -> None:
        """What is over is delivered."""
        self.turns = {row: turn for row, turn in self.turns.items() if not turn.is_over}

    def _turn_of(self, row: RowId, now: float, pace: Pace) -> Turn:
        fresh = Turn(row, 0.0, now + pace.draft_after)
        fresh.signs_from, fresh.wants_mark = fresh.next_at, self.has_signs
        turn = self.turns.setdefault(row, fresh)
        turn.typing_until = now + pace.typing_lasts
        return turn


@frozen
class SendAnswers:
    """The outbox has something."""


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


@frozen
class WaitUntil:
    """Nothing to do before *at*, or before new mail."""

    at: float


@frozen
class Rest:
    """Nothing to do before new mail."""


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
