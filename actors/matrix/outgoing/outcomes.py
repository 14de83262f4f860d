"""What is sent into a room, and what becomes of it."""

from attrs import frozen

from actors.matrix.outgoing.render import Content
from protocols.changes import Change
from protocols.ids import RemoteId


@frozen
class Reaction:
    """An emoji below the message *event_id*; it holds no words and is never encrypted."""

    event_id: RemoteId
    emoji: str


@frozen
class Redaction:
    """Takes our event *event_id* back."""

    event_id: RemoteId


What = Content | Reaction | Redaction
"""What is sent: a message by its content, or what stands beside messages."""


@frozen
class Posted:
    """The server has it."""

    event_id: RemoteId


@frozen
class TooLarge:
    """The event is larger than the server takes."""


@frozen
class PostRefused:
    """It will never be sent; *reason* says why."""

    reason: str


@frozen
class NotNow:
    """It was not sent, or nobody knows (``is_unsure``); *trouble* is why, empty in a penalty.

    Args:
        is_strange: It was refused, but not as a homeserver does it.
    """

    is_unsure: bool
    trouble: str = ""
    is_strange: bool = False


PostOutcome = Posted | TooLarge | PostRefused


@frozen
class Said:
    """An outgoing message stands in its room, known by *event_id*.

    Args:
        changes: What else to remember of it, in the same commit.
    """

    event_id: RemoteId
    changes: tuple[Change, ...] = ()


@frozen
class Moot:
    """There is nothing left to change; *reason* says why."""

    reason: str
