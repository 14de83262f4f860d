"""What one page of ``/sync`` comes to, before it is durable."""

from typing import assert_never

from attrs import define, field, frozen

from actors.matrix.incoming.meaning import OwnDraft, Unreadable
from actors.surfaces.shapes import Json
from protocols.changes import AddDeadLetter, Change
from protocols.ids import RemoteId
from protocols.journal import Arrival

SOURCE, KIND = "matrix", "matrix event"


@frozen
class Room:
    """A room that is being read.

    Args:
        is_shared: It is no direct chat.
        names: User id → display name.
    """

    native: str
    is_shared: bool
    names: dict[str, str] = field(repr=False)


@frozen
class SealedEvent:
    """An encrypted event that cannot be read now.

    Args:
        session_id: Of its key.
        name: What its sender is called.
        is_broken: It never will be.
    """

    room: str
    event: Json = field(repr=False)
    session_id: str
    name: str = field(repr=False, default="")
    is_withheld: bool = False
    is_broken: bool = False

    @property
    def event_id(self) -> str:
        """Its id, which is one: others are not kept."""
        return str(self.event["event_id"])


@define
class Batch:
    """What one page means.

    Args:
        sealed: What waits for its key, or has to be told of.
        opened: Ids of events that waited, and need not any more.
        read: The newest event of others, by room.
    """

    arrivals: list[Arrival] = field(factory=list)
    extra: list[Change] = field(factory=list)
    drafts: list[OwnDraft] = field(factory=list)
    sealed: list[SealedEvent] = field(factory=list)
    opened: list[str] = field(factory=list)
    read: dict[str, str] = field(factory=dict)

    def add(self, found: Arrival | OwnDraft | Unreadable | None) -> None:
        """Add what one event means."""
        match found:
            case Arrival():
                self.arrivals.append(found)
            case OwnDraft():
                self.drafts.append(found)
            case Unreadable(reason, body):
                self.extra.append(AddDeadLetter(SOURCE, KIND, reason, body))
            case None:
                pass
            case _:
                assert_never(found)

    def forget(self, event_id: str) -> None:
        """The event needs no key any more."""
        self.opened.append(event_id)
        self.sealed = [one for one in self.sealed if one.event_id != event_id]

    def message(self, event_id: str) -> Arrival | None:
        """The message of this batch that is the event, and no edit of it."""
        return next(
            (
                arrival
                for arrival in reversed(self.arrivals)
                if arrival.message_id == RemoteId(event_id) and arrival.edits is None
            ),
            None,
        )
