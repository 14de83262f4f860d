"""Rows, as tests need them."""

from typing import Any

from attrs import evolve

from actors.chats.access import AccessBook, AccessPolicy
from actors.chats.flood import FloodGate
from actors.chats.knowledge import Knowledge
from actors.chats.page import Page
from actors.chats.slots import SlotBook
from actors.kernel.mailbox import Mailbox
from protocols.ids import MATRIX, EventId, PersonId, RemoteId, RoomId, RowId, TraceId
from protocols.journal import Press, Row
from protocols.surfaces import Surface, SurfaceMessage
from tests.fakes import MemoryStoreAddress

_BOSS = PersonId("matrix:@boss:s")

_ROW = Row(
    id=RowId(1),
    event_id=EventId("$1"),
    room=RoomId("matrix/!r:s"),
    sender=PersonId("matrix:@me:s"),
    sender_name="Me",
    text="hello",
    sent_at=0.0,
    received_at=0.0,
    trace=TraceId("t"),
)


def a_row(number: int = 1, text: str = "hello", **facts: Any) -> Row:
    """One row of ``ME`` in ``ROOM``, just received."""
    named: dict[str, Any] = {"id": RowId(number), "event_id": EventId(f"${number}"), "text": text}
    return evolve(_ROW, **(named | facts))


def a_press(action: str, number: int = 9, **facts: Any) -> Row:
    """The row of somebody's press of a button."""
    press = Press(f"press-{number}", action, RemoteId("$pressed"))
    return a_row(number, "", press=press, **facts)


def a_page(
    policy: AccessPolicy | None = None,
    *,
    failed: Row | None = None,
    many: int = 0,
    has_buttons: bool = True,
    opens_rooms: bool = False,
) -> Page:
    """A page of rows of ``ROOM`` with *many* unfinished before; nothing else is known."""
    mailbox = Mailbox[SurfaceMessage]("matrix")
    surface = Surface(
        MATRIX, mailbox.address, ("/", "!"), has_buttons=has_buttons, opens_rooms=opens_rooms
    )
    known = Knowledge(MemoryStoreAddress())
    known.unfinished[_ROW.room] = many
    known.failed[_ROW.room, _ROW.sender] = failed
    return Page(
        known,
        AccessBook(policy or AccessPolicy("open", admins=(_BOSS,))),
        SlotBook({}, {}),
        FloodGate(),
        {MATRIX: surface},
        tree="",
        now=0.0,
        opened={},
        paused=set(),
    )
