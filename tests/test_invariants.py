"""The invariant check finds what it is there to find."""

from typing import Any

import pytest
from attrs import evolve

from protocols.ids import EventId, OutboxId, PersonId, RemoteId, RoomId, RowId, RunId, TraceId
from protocols.journal import Amends, OutboxRow, Row, RowState, Voice
from tests.invariants import journal_faults

ROOM = RoomId("matrix/!r:s")


def row(number: int, **facts: Any) -> Row:
    answered = Row(
        id=RowId(number),
        event_id=EventId(f"${number}"),
        room=ROOM,
        sender=PersonId("matrix:@me:s"),
        sender_name="Me",
        text="hello",
        sent_at=0.0,
        received_at=0.0,
        trace=TraceId("t"),
        state=RowState.ANSWERED,
        run_id=RunId(f"run-{number}"),
        finished_at=1.0,
    )
    return evolve(answered, **facts)


def answer(number: int, to: int) -> OutboxRow:
    return OutboxRow(
        id=OutboxId(number),
        uid=f"{number:032}",
        room=ROOM,
        row=RowId(to),
        voice=Voice.AGENT,
        text="hi",
        is_final=True,
        reply_to_event=None,
        shown_id=None,
        created_at=1.0,
    )


def test_a_whole_journal_has_no_faults() -> None:
    rows = [
        row(1),
        row(2),
        row(3, state=RowState.IGNORED, reason="flood"),
        row(4, state=RowState.FAILED, reason="room is gone: left"),
    ]

    assert journal_faults(rows, [answer(1, 1), answer(2, 2)]) == []


@pytest.mark.parametrize(
    ("wrong", "answers"),
    [
        (row(1, state=RowState.RUNNING), 0),
        (row(1, state=RowState.QUEUED), 1),
        (row(1), 0),
        (row(1), 2),
        (row(1, finished_at=None), 1),
        (row(1, state=RowState.IGNORED), 0),
        (row(1, state=RowState.IGNORED, reason="flood"), 1),
        (row(1, state=RowState.FAILED, reason="room is gone: left"), 1),
    ],
)
def test_a_row_without_its_one_outcome_is_a_fault(wrong: Row, answers: int) -> None:
    outbox = [answer(number, 1) for number in range(1, answers + 1)]

    assert len(journal_faults([wrong], outbox)) == 1


def test_answers_out_of_order_are_a_fault() -> None:
    assert journal_faults([row(1), row(2)], [answer(1, 2), answer(2, 1)]) == [
        "row 1 was answered after row 2"
    ]


def test_a_command_may_overtake() -> None:
    rows = [row(1), row(2, run_id=None)]

    assert journal_faults(rows, [answer(1, 2), answer(2, 1)]) == []


CHANGE = evolve(answer(2, 1), is_final=False, amends=Amends(RowId(1), RemoteId("$1")))


def test_an_outcome_may_be_changed_once_it_is_there() -> None:
    assert journal_faults([row(1)], [answer(1, 1), CHANGE]) == []


@pytest.mark.parametrize(
    "outbox",
    [
        [CHANGE, answer(3, 1)],
        [answer(1, 1), evolve(CHANGE, amends=Amends(RowId(7), RemoteId("$1")))],
        [answer(1, 1), evolve(CHANGE, room=RoomId("matrix/!q:s"))],
        [answer(1, 1), evolve(CHANGE, row=RowId(2), is_final=True)],
    ],
)
def test_a_change_of_what_is_not_there_or_that_counts_as_an_outcome_is_a_fault(
    outbox: list[OutboxRow],
) -> None:
    assert journal_faults([row(1)], outbox)
