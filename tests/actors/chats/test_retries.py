"""What the operator may run again."""

import pytest
from attrs import evolve

from actors.chats.retries import retry_arrival, why_not
from protocols.ids import EventId, PersonId, RoomId, RowId, TraceId
from protocols.store import Row, RowState

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
)
RETRYABLE = {RowState.FAILED, RowState.STOPPED, RowState.SET_ASIDE}


@pytest.mark.parametrize("state", RowState)
def test_only_what_failed_may_run_again(state: RowState) -> None:
    assert (why_not(evolve(ROW, state=state)) is None) is (state in RETRYABLE)


def test_a_message_arrives_again_as_an_event_of_its_own() -> None:
    again = retry_arrival(evolve(ROW, event_id=EventId("$1:r1")), 2, now=5.0)

    assert again.event_id == "$1:r2"
    assert (again.room, again.sender, again.text) == (ROW.room, ROW.sender, ROW.text)
    assert again.is_backlog
