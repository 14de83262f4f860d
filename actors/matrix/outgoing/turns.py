"""What to do next in one room: answers first, then typing, then the newest draft. Pure."""

from typing import assert_never

from attrs import define, field, frozen

from actors.matrix.settings import Pace
from protocols.ids import RemoteId, RowId
from protocols.surfaces import Deliver, RoomMessage, ShowDraft, ShowTyping


@define
class Turn:
    """One row's answer while it grows.

    Args:
        next_at: When its draft may be shown (again).
        shown_id: The event that shows it; ``shown`` is what stands there.
        is_unsure: The first event may have been sent or not: no answer came.
        is_over: The turn is done; what remains is to deliver its answer.
    """

    row: RowId
    typing_until: float
    next_at: float
    draft: ShowDraft | None = None
    txn: str = ""
    shown_id: RemoteId | None = None
    shown: dict[str, object] = field(factory=dict, repr=False)
    edits: int = 0
    is_unsure: bool = False
    is_over: bool = False

    def end(self) -> None:
        """Show no more of it."""
        self.is_over, self.draft = True, None


@define
class Desk:
    """What one room waits for."""

    has_outgoing: bool = False
    turns: dict[RowId, Turn] = field(factory=dict)
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
        turn = self.turns.setdefault(row, Turn(row, 0.0, now + pace.draft_after))
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


Step = SendAnswers | ShowNow | SetTyping | WaitUntil | Rest


def next_step(desk: Desk, now: float, pace: Pace, *, drafts_from: float) -> Step:
    """What to do at *now*; no draft is sent before *drafts_from*."""
    if desk.has_outgoing:
        return SendAnswers()
    turn = desk.current
    wants_typing = turn is not None and now < turn.typing_until
    if not wants_typing and desk.typing_since is not None:
        return SetTyping(is_typing=False)
    renew_at = now if desk.typing_since is None else desk.typing_since + pace.typing_renewed
    if wants_typing and now >= renew_at:
        return SetTyping(is_typing=True)
    due = draft_due(turn, pace, drafts_from=drafts_from)
    if turn is not None and due is not None and now >= due:
        return ShowNow(turn)
    times = [renew_at, turn.typing_until] if turn is not None and wants_typing else []
    if due is not None:
        times.append(due)
    return WaitUntil(min(times)) if times else Rest()


def draft_due(turn: Turn | None, pace: Pace, *, drafts_from: float) -> float | None:
    """When the turn's draft may be shown; None if there is none to show."""
    if turn is None or turn.draft is None or turn.edits >= pace.most_edits:
        return None
    return max(turn.next_at, drafts_from)


def pause_after(edits: int, pace: Pace) -> float:
    """Seconds until the next edit: it grows, so that twenty edits last for a long answer."""
    return pace.draft_every * (1 + edits // 4)
