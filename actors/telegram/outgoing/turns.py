"""What to do next in one room: answers first, then the newest draft, then typing. Pure."""

from math import inf

from attrs import define, field, frozen

from actors.surfaces.desks import GrowingAnswer, Rest, RoomDesk, SendAnswers, WaitUntil
from actors.telegram.settings import Pace, Streaming
from actors.telegram.text.render import Piece
from protocols.ids import Language, RemoteId, RowId
from protocols.surfaces import RoomMessage


@define
class Turn(GrowingAnswer):
    """One row's answer while it grows.

    Args:
        shown_id: The message that shows it; ``shown`` is what stands there.
        streaming: How it is shown.
        renew_at: When what is shown would fade.
        asked_id: The person's message.
        is_known: The journal was asked about it.
        is_hidden: It is not shown any more: its message is gone, or cannot be.
        is_plain: Telegram refused its formatting.
        is_marked: That it was taken may stand on the person's message.
    """

    shown_id: RemoteId | None = None
    shown: Piece | None = field(default=None, repr=False)
    streaming: Streaming = Streaming.EDIT
    renew_at: float = inf
    asked_id: int | None = None
    language: Language = Language("")
    is_known: bool = False
    is_hidden: bool = False
    is_plain: bool = False
    is_marked: bool = False

    @property
    def typing_from(self) -> float:
        """When typing may begin: at once where it is the only sign."""
        has_placeholder = self.streaming is Streaming.EDIT and not self.is_hidden
        return self.signs_from if has_placeholder else 0.0

    @property
    def wants_showing(self) -> bool:
        """Whether its message should be sent or edited."""
        is_begun = self.shown_id is not None or self.shown is not None
        return not self.is_hidden and (not is_begun or self.draft is not None)

    @property
    def show_at(self) -> float:
        """When to show it, or to show it once more."""
        if self.wants_showing:
            return self.next_at
        is_kept = not self.is_hidden and self.renew_at < self.typing_until
        return max(self.next_at, self.renew_at) if is_kept else inf


@define
class Desk(RoomDesk[Turn]):
    """What one room waits for."""

    typing_since: float = float("-inf")

    @property
    def newest_row(self) -> RowId:
        """The newest row that is known here."""
        return max(self.turns, default=RowId(0))

    def take(self, message: RoomMessage, now: float, pace: Pace) -> None:
        """Note what *message* asks for."""
        self.note(message, lambda row: self._turn_of(row, now, pace))

    def _turn_of(self, row: RowId, now: float, pace: Pace) -> Turn:
        signs_from = now + pace.signs_after
        turn = self.turns.setdefault(row, Turn(row, 0.0, now, signs_from=signs_from))
        turn.typing_until = now + pace.typing_lasts
        return turn


@frozen
class ShowNow:
    """Show the turn: its placeholder, or its newest draft in the place of that."""

    turn: Turn


@frozen
class SetMark:
    """Show on the person's message that it was taken."""

    turn: Turn


@frozen
class SetTyping:
    """Show typing while *turn* runs."""

    turn: Turn


Step = SendAnswers | ShowNow | SetMark | SetTyping | WaitUntil | Rest


def next_step(desk: Desk, now: float, pace: Pace) -> Step:
    """What to do at *now*."""
    if desk.has_outgoing:
        return SendAnswers()
    turn = desk.current
    if turn is None:
        return Rest()
    if now >= turn.show_at:
        return ShowNow(turn)
    if turn.wants_mark and now >= turn.signs_from:
        return SetMark(turn)
    times = [turn.show_at] if turn.show_at < inf else []
    if turn.wants_mark:
        times.append(turn.signs_from)
    if now < turn.typing_until:
        renew_at = max(desk.typing_since + pace.typing_renewed, turn.typing_from)
        if now >= renew_at:
            return SetTyping(turn)
        times.append(min(renew_at, turn.typing_until))
    return WaitUntil(min(times)) if times else Rest()
