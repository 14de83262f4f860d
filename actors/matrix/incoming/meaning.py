"""What an event of a room may mean to us."""

from attrs import field, frozen

from protocols.files import RemoteFile
from protocols.ids import EventId, RowId


@frozen
class Origin:
    """Which event it is, and who sent it when.

    Args:
        sender: The user id.
        sent_at: Seconds since the epoch, by the clock of the sender's server.
    """

    event_id: EventId
    sender: str
    sender_name: str = field(repr=False)
    sent_at: float


@frozen
class Said:
    """A message, or the new words of one, as far as its event alone tells.

    Args:
        text: Without a mention of ours that only says to whom it goes.
        reply_to: The event that it replies to; empty for none.
        thread: The event that began its thread; empty for none.
        edits: The message whose words these are from now on; empty for none.
        is_to_us: It mentions us.
    """

    origin: Origin
    text: str = field(repr=False)
    files: tuple[RemoteFile, ...] = ()
    reply_to: str = ""
    thread: str = ""
    edits: str = ""
    is_to_us: bool = False


@frozen
class Reacted:
    """Somebody put *key*, an emoji, below the event *target*."""

    origin: Origin
    target: str
    key: str = field(repr=False)


@frozen
class TakenBack:
    """Somebody took the event *target* back."""

    origin: Origin
    target: str


@frozen
class OwnDraft:
    """The first event of an answer's draft that an earlier life of ours has sent."""

    row: RowId
    txn: str
    event_id: str


@frozen
class Unreadable:
    """An event that is not what the specification says; *body* is the event itself."""

    reason: str
    body: str = field(repr=False)


Decoded = Said | Reacted | TakenBack | OwnDraft | Unreadable | None
"""None: nothing to us."""
