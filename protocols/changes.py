"""Changes of the journal: a ``Commit`` is made of them; all of them happen, durably, or none."""

from attrs import field, frozen

from protocols.files import LocalFile
from protocols.ids import EventId, OutboxId, PersonId, RemoteId, RoomId, RowId, RunId, SlotId
from protocols.journal import Amends, Keyboard, RowState, Voice


@frozen
class QueueRow:
    """received → queued, in *slot*; *text* replaces the row's text where given (a retry)."""

    row: RowId
    slot: SlotId
    run_id: RunId
    text: str | None = field(repr=False, default=None)


@frozen
class StartRow:
    """queued or running → running; one more attempt."""

    row: RowId


@frozen
class RequeueRow:
    """running → queued without counting the attempt: we stopped in good order."""

    row: RowId


@frozen
class FinishRow:
    """Any unfinished state → *state*. On a finished row the whole commit conflicts."""

    row: RowId
    state: RowState
    reason: str = ""


@frozen
class RewordRow:
    """received or queued → the same, with another *text*; conflicts once its turn has started."""

    row: RowId
    text: str = field(repr=False)


@frozen
class RepeatRow:
    """What *row* brought arrives once more, behind all others, as the event *event_id*.

    It is backlog, and was received when *row* was. It conflicts where that event is there already.
    """

    row: RowId
    event_id: EventId


@frozen
class MoveSlot:
    """All rows of *sender* in *room* that are in slot *was* are in slot *now*, whatever state."""

    room: RoomId
    sender: PersonId
    was: SlotId
    now: SlotId


@frozen
class DecideRow:
    """A button decided about *row*: the first one counts, a second conflicts."""

    row: RowId
    decision: str


@frozen
class ShowRow:
    """The answer of *row* is growing in the surface's message *shown_id*."""

    row: RowId
    shown_id: RemoteId


@frozen
class AddOutgoing:
    """Words to send to *room*; with *row* they are about that row, and reply to it.

    With *amends* they are added to a message that is there. ``footer`` and ``folded`` are
    those of ``OutboxRow``.
    """

    room: RoomId
    voice: Voice
    text: str = field(repr=False)
    row: RowId | None = None
    is_final: bool = True
    keyboard: Keyboard = ()
    files: tuple[LocalFile, ...] = ()
    amends: Amends | None = None
    footer: str = field(repr=False, default="")
    folded: str = field(repr=False, default="")


@frozen
class SentOutgoing:
    """The surface has it: as its message *remote_id*, or in that where it amends one."""

    outbox: OutboxId
    remote_id: RemoteId


@frozen
class FailedOutgoing:
    """The surface refused it for good."""

    outbox: OutboxId
    reason: str


@frozen
class PutKey:
    """Remember the JSON text *value* under *key*."""

    key: str
    value: str = field(repr=False)


@frozen
class DeleteKey:
    """Forget *key*."""

    key: str


@frozen
class TakeKey:
    """Forget *key*, under which there must be just *value*; else the commit conflicts.

    Args:
        row: The one that takes it, which the conflict names.
    """

    key: str
    value: str = field(repr=False)
    row: RowId


@frozen
class AddDeadLetter:
    """Keep something that could not be handled."""

    source: str
    kind: str
    reason: str
    body: str = field(repr=False, default="")


@frozen
class DeleteDeadLetter:
    """It was tried again."""

    id: int


Change = (
    QueueRow
    | StartRow
    | RequeueRow
    | FinishRow
    | RewordRow
    | RepeatRow
    | MoveSlot
    | DecideRow
    | ShowRow
    | AddOutgoing
    | SentOutgoing
    | FailedOutgoing
    | PutKey
    | DeleteKey
    | TakeKey
    | AddDeadLetter
    | DeleteDeadLetter
)
