"""How often a message is tried."""

import pytest
from attrs import evolve

from actors.chats.attempts import (
    MOST_CRASHES,
    MOST_STARTS,
    Start,
    is_enough,
    next_start,
    remember_start,
)
from protocols.ids import EventId, PersonId, RoomId, RowId, TraceId
from protocols.journal import Row, RowState

ROW = Row(
    id=RowId(1),
    event_id=EventId("$1"),
    room=RoomId("matrix/!r:s"),
    sender=PersonId("matrix:@me:s"),
    sender_name="Me",
    text="hello",
    sent_at=0.0,
    received_at=0.0,
    trace=TraceId("t"),
    state=RowState.RUNNING,
    attempts=1,
)


def kept(start: Start) -> str:
    return remember_start(ROW.room, start).value


@pytest.mark.parametrize(
    ("before", "crashes"),
    [
        (Start(ROW.id, "now", 0), 1),
        (Start(ROW.id, "now", 1), 2),
        (Start(ROW.id, "earlier", 2), 0),
        (Start(RowId(9), "now", 2), 0),
    ],
)
def test_only_crashes_of_this_message_in_this_life_count(before: Start, crashes: int) -> None:
    assert next_start(ROW, kept(before), "now") == Start(ROW.id, "now", crashes)


def test_a_first_start_has_no_crashes() -> None:
    assert next_start(ROW, None, "now") == Start(ROW.id, "now", 0)


def test_what_was_put_back_in_good_order_did_not_crash() -> None:
    row = evolve(ROW, state=RowState.QUEUED)

    assert next_start(row, kept(Start(ROW.id, "now", 1)), "now").crashes == 1


def test_three_crashes_are_enough_and_so_are_ten_starts() -> None:
    assert not is_enough(ROW, Start(ROW.id, "now", MOST_CRASHES - 1))
    assert is_enough(ROW, Start(ROW.id, "now", MOST_CRASHES))
    assert is_enough(evolve(ROW, attempts=MOST_STARTS), Start(ROW.id, "now", 0))
