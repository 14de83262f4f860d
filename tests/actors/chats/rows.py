"""Rows, as tests need them."""

from typing import Any

from attrs import evolve

from protocols.ids import EventId, PersonId, RemoteId, RoomId, RowId, TraceId
from protocols.store import Press, Row

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
    return evolve(_ROW, **named, **facts)


def a_press(action: str, number: int = 9, **facts: Any) -> Row:
    """The row of somebody's press of a button."""
    press = Press(f"press-{number}", action, RemoteId("$pressed"))
    return a_row(number, "", press=press, **facts)
