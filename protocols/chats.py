"""What the surfaces, the operator and the directory say to each other about chats."""

from attrs import field, frozen

from protocols.ids import PersonId, RoomId, RowId, SlotId
from protocols.mail import Question

# To the directory.


@frozen
class RowsArrived:
    """The journal has new rows: a hint, the journal is the truth."""


@frozen
class RoomGone:
    """We are no longer in *room* (left, kicked, or it cannot be served); *reason* says why."""

    room: RoomId
    reason: str


@frozen
class MayJoin(Question[bool]):
    """Whether *person* is allowed to bring the bot into a room."""

    person: PersonId


@frozen
class Stranger:
    """Somebody without access, as the operator sees them.

    Args:
        code: What ``debug pair`` takes; empty once it is used up or expired.
        attempts: How many messages they sent without access.
    """

    person: PersonId
    name: str = field(repr=False)
    code: str
    attempts: int
    first_at: float
    last_at: float


@frozen
class AccessList:
    """Who may write, and who knocked."""

    mode: str
    admins: tuple[PersonId, ...]
    allowed: tuple[PersonId, ...]
    strangers: tuple[Stranger, ...]


@frozen
class ListAccess(Question[AccessList]):
    """Who may write, and who knocked."""


@frozen
class Paired:
    """*person* may write from now on."""

    person: PersonId


@frozen
class PairingRefused:
    """Nobody was let in; *reason* says why."""

    reason: str


@frozen
class Pair(Question[Paired | PairingRefused]):
    """Let in whoever was given *code*."""

    code: str = field(repr=False)


@frozen
class Requeued:
    """*row* runs again."""

    row: RowId


@frozen
class RetryRefused:
    """Nothing runs again; *reason* says why."""

    reason: str


@frozen
class RetryRow(Question[Requeued | RetryRefused]):
    """Run the failed, stopped or set aside *row* again (the operator's ``debug retry``)."""

    row: RowId


@frozen
class Tell(Question[bool]):
    """Say the Markdown *text* to *person* in the room they used last, if they are alone there.

    The answer says whether it is durably on its way; False where no such room is known.
    """

    person: PersonId
    text: str = field(repr=False)


DirectoryMessage = RowsArrived | RoomGone | MayJoin | ListAccess | Pair | RetryRow | Tell


# To a session.


@frozen
class WorkArrived:
    """The journal has rows for this room: a hint."""


@frozen
class StopTurn(Question[RowId | None]):
    """Stop the running turn and keep what came; the answer is its row, None if none runs.

    If none runs yet, the oldest waiting row is stopped before it begins.

    Args:
        before: Only a row before this one (that of the ``/stop``), so that a stop which is read
            again after a crash ends nothing that came later.
    """

    before: RowId | None = None


@frozen
class SessionStatus:
    """What a session is doing.

    Args:
        running_for: Seconds; None while nothing runs.
    """

    running: RowId | None
    running_for: float | None
    waiting: int
    slot: SlotId | None


@frozen
class DescribeSession(Question[SessionStatus]):
    """What this session is doing."""


SessionMessage = WorkArrived | StopTurn | DescribeSession
