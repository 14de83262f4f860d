"""How the store is asked: it makes things durable, and says what it remembers."""

from attrs import frozen

from protocols.changes import Change
from protocols.ids import EventId, OutboxId, PersonId, RemoteId, RoomId, RowId, SurfaceName
from protocols.journal import Arrival, Cursor, DeadLetter, Exchange, OutboxRow, Row, RowState
from protocols.mail import Question

HELD_BACK = "catch_up:"
"""What the keys start with of a room and a person, with a space between, who wrote there.

Their received messages wait until they say whether these are still to be answered.
"""

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
        oldest_unfinished_at: Seconds since the epoch; None where everything is finished. Tasks
            that the platform works at and messages that are held back do not count.
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
class History(Question[tuple[Exchange, ...]]):
    """What was said before *row* in its chat: same room, sender and slot; oldest first.

    The newest that fit in *most_chars* together; rows without an answer of the agent are left out.
    """

    row: RowId
    most_chars: int


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
    | History
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
