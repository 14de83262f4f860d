"""Rows as the other actors have them when they ask the surface for something."""

from itertools import count

from protocols.changes import QueueRow, StartRow
from protocols.ids import MATRIX, EventId, PersonId, RoomId, RowId, SlotId, TraceId, run_id_for
from protocols.journal import Arrival
from protocols.store import Journal
from tests.actors.matrix.fake_homeserver import ALICE
from tests.actors.matrix.gateway import Gateway

_EVENTS = count(1)


def row_in(
    gateway: Gateway, room: RoomId, *, sender: str = ALICE, is_shared: bool = False
) -> RowId:
    """A message that *sender* wrote in *room*; its turn runs."""
    event = EventId(f"$row{next(_EVENTS)}")
    arrival = Arrival(
        event, room, PersonId(f"matrix:{sender}"), "Alice", "hello", 1.7e9, TraceId("0" * 32),
        is_shared=is_shared,
    )  # fmt: skip
    (row,) = gateway.store.tell(Journal(MATRIX, (arrival,))).rows
    gateway.commit(QueueRow(row.id, SlotId("C1"), run_id_for(room, event)), StartRow(row.id))
    return row.id
