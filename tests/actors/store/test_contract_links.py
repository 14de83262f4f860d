"""The contract once more: what moves to another slot, and what arrives a second time."""

from attrs import evolve

from protocols.changes import MoveSlot, RepeatRow
from protocols.ids import EventId, PersonId, RemoteId, RowId, SlotId
from protocols.journal import RowState
from protocols.store import Committed, Conflict, Journal, UnsortedRows
from tests.actors.store.asking import MATRIX, OTHER_ROOM, ROOM, Asking, arrival, finish, queue

ME, YOU = PersonId("matrix:@u:s"), PersonId("matrix:@you:s")
C1, C7 = SlotId("C1"), SlotId("C7")
AGAIN = EventId("1:again")


async def test_all_rows_of_a_person_in_a_room_move_to_another_slot(store: Asking) -> None:
    await store.arrive("1", "2", "3")
    await store.arrive("4", sender=YOU)
    await store.arrive("5", room=OTHER_ROOM)
    await store.commit(*(queue(row) for row in (1, 2, 4, 5)), finish(1))

    await store.commit(MoveSlot(ROOM, ME, C1, C7))

    rows = [await store.row(number) for number in range(1, 6)]
    assert [row.slot for row in rows] == [C7, C7, None, C1, C1]
    assert [row.state for row in rows[:2]] == [RowState.ANSWERED, RowState.QUEUED]


async def test_a_row_arrives_once_more_behind_all_others(store: Asking) -> None:
    first = evolve(arrival("1", text="words"), message_id=RemoteId("m"), is_shared=True)
    await store.ask(Journal(MATRIX, (first, arrival("2"))))

    done = await store.commit(
        finish(1, RowState.IGNORED, "it comes again"), RepeatRow(RowId(1), AGAIN)
    )

    [_, again] = await store.ask(UnsortedRows())
    assert done == Committed()
    assert (again.id, again.event_id, again.is_backlog) == (3, AGAIN, True)
    assert (again.text, again.message_id, again.is_shared) == ("words", "m", True)
    assert (again.state, again.slot, again.sent_at) == (RowState.RECEIVED, None, first.sent_at)


async def test_a_row_arrives_once_more_only_once(store: Asking) -> None:
    await store.arrive("1")
    await store.commit(RepeatRow(RowId(1), AGAIN))

    twice = await store.commit(finish(1), RepeatRow(RowId(1), AGAIN))
    of_nothing = await store.commit(RepeatRow(RowId(9), AGAIN))

    assert twice == Conflict(RowId(1), RowState.ANSWERED)
    assert (await store.row(1)).state is RowState.RECEIVED
    assert of_nothing == Conflict(RowId(9), None)
