"""The journal's words: what the store remembers, and how it is asked.

A change of state is a ``Commit`` of typed changes: all of them happen, durably, or none.
"""

from enum import StrEnum

from attrs import field, frozen

from protocols.files import LocalFile, RemoteFile
from protocols.ids import (
    EventId,
    Language,
    OutboxId,
    PersonId,
    RemoteId,
    RoomId,
    RowId,
    RunId,
    SlotId,
    SurfaceName,
    TraceId,
)
from protocols.mail import Question


class RowState(StrEnum):
    """Where a journal row is on its way; every row ends in exactly one of the final states."""

    RECEIVED = "received"
    """Journaled; the directory has not yet looked at it."""
    QUEUED = "queued"
    """Waits for its turn in its room."""
    RUNNING = "running"
    """A session has started its turn."""
    ANSWERED = "answered"
    FAILED = "failed"
    """The agent failed; the person was told and may retry."""
    STOPPED = "stopped"
    """The person stopped it."""
    SET_ASIDE = "set_aside"
    """It crashed its session too often; the person was told."""
    REFUSED = "refused"
    """Not taken: no access, or too many waiting; the person was told."""
    IGNORED = "ignored"
    """Nothing to answer, such as the hundredth knock of a stranger."""


UNFINISHED = frozenset({RowState.RECEIVED, RowState.QUEUED, RowState.RUNNING})
FINAL = frozenset(RowState) - UNFINISHED


class OutboxState(StrEnum):
    """Where an outgoing message is."""

    PENDING = "pending"
    SENT = "sent"
    FAILED = "failed"
    """The surface refused it for good; the reason is kept."""


class Voice(StrEnum):
    """Who speaks in an outgoing message."""

    AGENT = "agent"
    """The agent's own words, Markdown."""
    GATEWAY = "gateway"
    """Words of this program, Markdown: a notice, an error, the answer to a command."""


@frozen
class Button:
    """A button below an outgoing message.

    Args:
        action: What pressing it asks for, at most 64 bytes of UTF-8: ``retry:17``.
    """

    label: str = field(repr=False)
    action: str


Keyboard = tuple[tuple[Button, ...], ...]
"""Buttons, line by line."""


def stop_action(row: RowId) -> str:
    """What a button that stops the turn of *row* asks for."""
    return f"stop:{row}"


@frozen
class Press:
    """Somebody pressed a button.

    Args:
        id: What the surface answers the press by.
        action: The button's, as the surface handed it over: anybody may have invented it.
        place: The message that the button belongs to.
    """

    id: str
    action: str = field(repr=False)
    place: RemoteId


@frozen
class Amends:
    """An outgoing message that only changes one of ours.

    The message *place* shows the outcome of *row*, or its end: the text is added to that, and
    its buttons are replaced.
    """

    row: RowId
    place: RemoteId


@frozen
class Arrival:
    """One message as a surface handed it over; nothing is decided about it yet.

    Args:
        sent_at: When the person sent it, by the surface's clock, in seconds since the epoch.
        is_backlog: It was waiting when we came back; such messages are never refused as too many.
        message_id: The message itself; empty where the surface cannot point at it.
        language: That of the person's app; empty where it is not known.
        edits: The message whose text this is from now on.
        press: It is no message: somebody pressed a button.
        redacts: It is no message: the event with this id was taken back.
        thread_id: The message that began the thread it was written in; the answer stays there.
        is_shared: Others read in the room what the sender is told there.
    """

    event_id: EventId
    room: RoomId
    sender: PersonId
    sender_name: str
    text: str = field(repr=False)
    sent_at: float
    trace: TraceId
    is_backlog: bool = False
    message_id: RemoteId = RemoteId("")
    language: Language = Language("")
    files: tuple[RemoteFile, ...] = ()
    edits: RemoteId | None = None
    press: Press | None = None
    redacts: RemoteId | None = None
    thread_id: RemoteId = RemoteId("")
    is_shared: bool = False


@frozen
class Row:
    """One journal row: an arrival, and what became of it.

    Args:
        attempts: How many times a session has started it.
        shown_id: The message that shows this row's answer while it grows, once there is one.
        reason: Why it ended as it did, in words without anything a person wrote.
        decided: What a button decided about it, once: ``retry``, ``yes``; empty before.
    """

    id: RowId
    event_id: EventId
    room: RoomId
    sender: PersonId
    sender_name: str
    text: str = field(repr=False)
    sent_at: float
    received_at: float
    trace: TraceId
    is_backlog: bool = False
    state: RowState = RowState.RECEIVED
    slot: SlotId | None = None
    run_id: RunId | None = None
    attempts: int = 0
    shown_id: RemoteId | None = None
    reason: str = ""
    finished_at: float | None = None
    message_id: RemoteId = RemoteId("")
    language: Language = Language("")
    files: tuple[RemoteFile, ...] = ()
    edits: RemoteId | None = None
    press: Press | None = None
    decided: str = ""
    redacts: RemoteId | None = None
    thread_id: RemoteId = RemoteId("")
    is_shared: bool = False


@frozen
class OutboxRow:
    """One outgoing message.

    Args:
        uid: 32 hexadecimal digits, made once and kept: what a transaction id is derived from.
        row: The journal row that it answers; None for words that nobody asked for.
        is_final: It is the one visible outcome of its row, so it takes the place of its draft.
        reply_to_id: The message of the row, by its surface's own id; empty where it has none.
        language: That of the row's person.
        thread_id: The message that began the thread of the row; empty where it is in none.
    """

    id: OutboxId
    uid: str
    room: RoomId
    row: RowId | None
    voice: Voice
    text: str = field(repr=False)
    is_final: bool
    reply_to_event: EventId | None
    shown_id: RemoteId | None
    created_at: float
    state: OutboxState = OutboxState.PENDING
    remote_id: RemoteId | None = None
    reason: str = ""
    keyboard: Keyboard = ()
    files: tuple[LocalFile, ...] = ()
    amends: Amends | None = None
    reply_to_id: RemoteId = RemoteId("")
    language: Language = Language("")
    thread_id: RemoteId = RemoteId("")


@frozen
class Cursor:
    """How far a surface has been read: a Telegram offset, a Matrix sync token."""

    name: str
    value: str


@frozen
class DeadLetter:
    """Something that could not be handled, kept for the operator.

    Args:
        source: The actor or surface that gave it up.
        kind: What it was: a message's class name, or ``matrix event``.
        reason: Why, without a person's words.
        body: The thing itself where it is needed to try again; never printed.
    """

    id: int
    source: str
    kind: str
    reason: str
    at: float
    body: str = field(repr=False, default="")


# Changes: what a Commit is made of.


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

    With *amends* they are added to a message that is there.
    """

    room: RoomId
    voice: Voice
    text: str = field(repr=False)
    row: RowId | None = None
    is_final: bool = True
    keyboard: Keyboard = ()
    files: tuple[LocalFile, ...] = ()
    amends: Amends | None = None


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

# Answers.


@frozen
class Journaled:
    """The batch and the cursor are durable; *rows* are those that were new, in order."""

    rows: tuple[Row, ...]


@frozen
class Committed:
    """All changes are durable; *outbox* holds the ids of the added outgoing messages, in order."""

    outbox: tuple[OutboxId, ...] = ()


@frozen
class Conflict:
    """Nothing was changed: *row* is not in a state that the change starts from.

    Where that was to take a key, *row* is fine and the key was taken or changed meanwhile.
    """

    row: RowId
    state: RowState | None


@frozen
class JournalSummary:
    """The journal at a glance: rows by state, outgoing messages by state, dead letters.

    Args:
        oldest_unfinished_at: Seconds since the epoch; None where everything is finished.
    """

    rows: dict[str, int]
    outgoing: dict[str, int]
    dead_letters: int
    oldest_unfinished_at: float | None


@frozen
class BackupMade:
    """A consistent copy stands at *path*."""

    path: str
    size_bytes: int


@frozen
class BackupRefused:
    """No copy was made; *reason* says what to do."""

    reason: str


# Questions.


@frozen
class Journal(Question[Journaled]):
    """Make a batch durable together with its cursor; events seen before are left out."""

    surface: SurfaceName
    arrivals: tuple[Arrival, ...]
    cursor: Cursor | None = None
    extra: tuple[Change, ...] = ()
    """Further changes of the same transaction, such as a dead letter for an unreadable event."""


@frozen
class Commit(Question[Committed | Conflict]):
    """Make *changes* durable, all or none, in order."""

    changes: tuple[Change, ...]


@frozen
class ReadCursor(Question[Cursor | None]):
    """How far a surface has been read; None before the first batch."""

    name: str


@frozen
class UnsortedRows(Question[tuple[Row, ...]]):
    """The oldest rows in state received, after row *after*, at most *limit*."""

    after: RowId = RowId(0)
    limit: int = 200


@frozen
class WaitingRows(Question[tuple[Row, ...]]):
    """The queued and running rows of *room* after row *after*, oldest first, at most *limit*."""

    room: RoomId
    after: RowId = RowId(0)
    limit: int = 100


@frozen
class WaitingRooms(Question[tuple[RoomId, ...]]):
    """Rooms with queued or running rows, the one that has waited longest first."""


@frozen
class FindRow(Question[Row | None]):
    """One row by its id."""

    row: RowId


@frozen
class FindEvent(Question[Row | None]):
    """The row of the event *event_id* of *surface*: a message, an edit, a press."""

    surface: SurfaceName
    event_id: EventId


@frozen
class FindMessage(Question[Row | None]):
    """The newest row of *room* that is the message *message_id* itself, not an edit of it."""

    room: RoomId
    message_id: RemoteId


@frozen
class LastFinished(Question[Row | None]):
    """The newest failed, stopped or set aside row of *room* that was sent by *sender*."""

    room: RoomId
    sender: PersonId


@frozen
class RecentRows(Question[tuple[Row, ...]]):
    """The newest *limit* rows, newest first; of one room where given."""

    limit: int = 20
    room: RoomId | None = None


@frozen
class Outgoing(Question[tuple[OutboxRow, ...]]):
    """The pending outgoing messages of *room*, oldest first, at most *limit*."""

    room: RoomId
    limit: int = 50


@frozen
class FinalOutgoing(Question[OutboxRow | None]):
    """The one visible outcome of *row*, in whatever state; None before there is one."""

    row: RowId


@frozen
class FindOutgoing(Question[OutboxRow | None]):
    """The newest message to *room* that became *remote_id* there, or amended it; None for none.

    Its buttons are those that stand there.
    """

    room: RoomId
    remote_id: RemoteId


@frozen
class OutgoingRooms(Question[tuple[RoomId, ...]]):
    """Rooms of *surface* with pending outgoing messages, the one that has waited longest first."""

    surface: SurfaceName


@frozen
class GetKey(Question[str | None]):
    """The JSON text under *key*."""

    key: str


@frozen
class FindKeys(Question[tuple[tuple[str, str], ...]]):
    """All keys that start with *prefix*, with their JSON texts, sorted by key."""

    prefix: str


@frozen
class DeadLetters(Question[tuple[DeadLetter, ...]]):
    """The newest *limit* dead letters, newest first."""

    limit: int = 50


@frozen
class SummariseJournal(Question[JournalSummary]):
    """The journal at a glance."""


@frozen
class Backup(Question[BackupMade | BackupRefused]):
    """Copy the database to *path*, which must not exist."""

    path: str


StoreMessage = (
    Journal
    | Commit
    | ReadCursor
    | UnsortedRows
    | WaitingRows
    | WaitingRooms
    | FindRow
    | FindEvent
    | FindMessage
    | LastFinished
    | RecentRows
    | Outgoing
    | FinalOutgoing
    | FindOutgoing
    | OutgoingRooms
    | GetKey
    | FindKeys
    | DeadLetters
    | SummariseJournal
    | Backup
)
