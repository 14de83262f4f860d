"""What one room waits for: answers from the outbox, and the turns that are shown while they grow.

Pure. What is done next with it is its surface's to decide.
"""

from collections.abc import Callable
from math import inf
from typing import Generic, TypeVar, assert_never

from attrs import define, field, frozen

from protocols.ids import RowId
from protocols.surfaces import Deliver, RoomMessage, ShowDraft, ShowTyping


@define
class GrowingAnswer:
    """One row's answer while it grows; each surface adds what it shows it by.

    Args:
        typing_until: Without news, the turn counts as over for typing then.
        next_at: When it may be shown (again).
        is_over: The turn is done; what remains is to deliver its answer.
        signs_from: When further signs are worth it: an answer that comes at once needs none.
        wants_mark: A reaction on the person's message should say that it was taken.
        is_task: Nobody waits for it: other answers go first, and there is no typing.
    """

    row: RowId
    typing_until: float
    next_at: float
    draft: ShowDraft | None = None
    is_over: bool = False
    signs_from: float = 0.0
    wants_mark: bool = False
    is_task: bool = False

    def work_by_itself(self) -> None:
        """It is a task of the agent's own."""
        self.is_task, self.wants_mark, self.typing_until = True, False, -inf

    def end(self) -> None:
        """Show no more of it."""
        self.is_over, self.draft = True, None


T = TypeVar("T", bound=GrowingAnswer)


@define
class RoomDesk(Generic[T]):
    """What one room waits for."""

    has_outgoing: bool = False
    turns: dict[RowId, T] = field(factory=dict)

    @property
    def current(self) -> T | None:
        """The turn that runs: the newest that is not over; without one, a task with news."""
        running = [turn for turn in reversed(self.turns.values()) if not turn.is_over]
        return min(
            running,
            key=lambda turn: (turn.is_task, turn.is_task and turn.draft is None),
            default=None,
        )

    def note(self, message: RoomMessage, turn_of: Callable[[RowId], T]) -> None:
        """Note what *message* asks for; *turn_of* has news of a row's turn, and may begin it."""
        match message:
            case Deliver(row_done=row_done):
                self.has_outgoing = True
                if row_done is not None and (done := self.turns.get(row_done)):
                    done.end()
            case ShowDraft(row=row, text=text, status=status):
                turn = turn_of(row)
                if message.is_task:
                    turn.work_by_itself()
                if not turn.is_over and (text.strip() or status.strip()):
                    turn.draft = message
            case ShowTyping(row=row):
                turn_of(row)
            case _:
                assert_never(message)

    def end_turns(self) -> None:
        """Show no more of any."""
        for turn in self.turns.values():
            turn.end()

    def forget_over(self) -> None:
        """What is over is delivered."""
        self.turns = {row: turn for row, turn in self.turns.items() if not turn.is_over}


# What may be next at any desk; a surface has more of its own.


@frozen
class SendAnswers:
    """The outbox has something."""


@frozen
class WaitUntil:
    """Nothing to do before *at*, or before new mail."""

    at: float


@frozen
class Rest:
    """Nothing to do before new mail."""
