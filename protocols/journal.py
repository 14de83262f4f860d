"""What the journal holds: rows, outgoing messages, and how far each is on its way."""

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
    TraceId,
)


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
        footer: Markdown below the text, which is no part of what the agent said.
        folded: Plain text that is shown folded above the text: what the agent thought.
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
    footer: str = field(repr=False, default="")
    folded: str = field(repr=False, default="")


@frozen
class Exchange:
    """What a person wrote in a chat, and what the agent answered."""

    asked: str = field(repr=False)
    answered: str = field(repr=False)


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
