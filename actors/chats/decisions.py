"""What the directory decides about one row."""

from attrs import field, frozen

from actors.chats.presses import SwitchPress
from actors.chats.tasks import Task, is_push
from protocols.changes import AddOutgoing, Change, FinishRow, QueueRow
from protocols.ids import RoomId, RowId
from protocols.journal import Amends, Keyboard, Row, RowState, Voice

# Errands: what needs an answer from somebody else. The directory does not wait for it.


@frozen
class StopTurnHere:
    """``/stop``: end what runs in the room."""


@frozen
class DescribeTurn:
    """``/status``: say what runs in the room."""


@frozen
class StopRow:
    """A stop button: end this row and nothing else."""

    row: RowId


@frozen
class OpenChat:
    """``/new`` where a chat may have a room of its own."""

    name: str = field(repr=False)


@frozen
class ShowSettings:
    """``/settings``: say what the agent may do for the person, or do what *words* say."""

    words: str = field(repr=False, default="")


@frozen
class SwitchSetting:
    """A button of the settings that are *shown*: switch on or off what was *pressed*."""

    shown: Amends
    pressed: SwitchPress


Errand = StopTurnHere | DescribeTurn | StopRow | OpenChat | ShowSettings | SwitchSetting


@frozen
class Decision:
    """What becomes of one row: changes that sort it, or an errand that will.

    Args:
        press_answer: What whoever pressed is told at once, where the row is a press; may be empty.
        is_press_refused: The press did nothing, and only the answer says so.
        is_paused: It waits until another row of its room is decided.
        task: The task whose line is to be shown, where the row is a push about one.
        ended_task: The row that owned the line of a task which is over.
    """

    row: Row
    changes: tuple[Change, ...] = field(repr=False, default=())
    errand: Errand | None = None
    press_answer: str = field(repr=False, default="")
    is_press_refused: bool = False
    is_paused: bool = False
    task: Task | None = None
    ended_task: RowId | None = None

    @property
    def is_work(self) -> bool:
        """A session has something to do; the platform works at a task of its own by itself."""
        return not is_push(self.row) and any(
            isinstance(change, QueueRow) for change in self.changes
        )

    @property
    def spoken_in(self) -> tuple[RoomId, ...]:
        """The rooms in which a surface has something to deliver."""
        spoken = (change.room for change in self.changes if isinstance(change, AddOutgoing))
        return tuple(dict.fromkeys(spoken))

    @property
    def is_press_over(self) -> bool:
        """It is a press, and whoever pressed need not wait any more."""
        return self.row.press is not None and self.errand is None and not self.is_paused


def ended(
    row: Row, state: RowState, text: str, *, reason: str, keyboard: Keyboard = ()
) -> tuple[Change, ...]:
    """The changes that end *row* with the gateway's words."""
    return (
        FinishRow(row.id, state, reason),
        AddOutgoing(row.room, Voice.GATEWAY, text, row=row.id, keyboard=keyboard),
    )


def ignored(row: Row, reason: str) -> tuple[Change, ...]:
    """The changes that end *row* without a word."""
    return (FinishRow(row.id, RowState.IGNORED, reason),)
