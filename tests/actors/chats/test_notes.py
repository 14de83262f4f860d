"""What is noted for the turns of a room."""

from typing import Any

import pytest

from actors.chats.confirms import Confirm
from actors.chats.notes import (
    RoomNotes,
    TurnContext,
    closing_notes,
    context_key,
    put_context,
    put_question,
    question_key,
    question_taken,
    read_notes,
    resume_for,
)
from protocols.changes import DecideRow, DeleteKey, PutKey, TakeKey
from protocols.ids import RowId, SlotId
from protocols.journal import RowState
from protocols.platform import Resume
from tests.actors.chats.rows import a_row
from tests.actors.chats.world import ME, ROOM, YOU

ASKED = Confirm("i-1", ("yes", "no"), RowId(1), SlotId("C1"), 5.0, 100.0)


def stored(*changes: Any) -> tuple[tuple[str, str], ...]:
    return tuple((change.key, change.value) for change in changes if isinstance(change, PutKey))


def test_all_notes_of_a_room_are_read_at_once() -> None:
    context = TurnContext(files_of=RowId(3), answers=ASKED, is_older=True)
    changes = (
        put_question(ROOM, ME, ASKED),
        put_question(ROOM, YOU, ASKED),
        put_context(ROOM, RowId(7), context),
        put_context(ROOM, RowId(8), TurnContext()),
    )

    notes = read_notes(ROOM, stored(*changes))

    assert notes.questions == {ME: ASKED, YOU: ASKED}
    assert notes.contexts == {RowId(7): context, RowId(8): TurnContext()}


def test_each_person_has_their_own_question() -> None:
    assert question_key(ROOM, ME) == "confirm:matrix/!r:s matrix:@me:s"
    assert context_key(ROOM, RowId(7)) == "confirm:matrix/!r:s #7"


def test_a_row_that_is_about_no_question_resumes_nothing() -> None:
    assert resume_for(a_row(text="yes"), TurnContext()) is None
    assert resume_for(a_row(text="yes"), TurnContext(answers=ASKED)) == Resume("i-1", "yes")


def test_a_question_is_taken_once_by_whoever_notes_it_first() -> None:
    row, asker = a_row(7, received_at=4.0), a_row(1)

    before = put_context(ROOM, row.id, TurnContext(files_of=RowId(3)))
    question = put_question(ROOM, ME, ASKED)
    changes = question_taken(row, read_notes(ROOM, stored(question, before)), asker=asker)

    context = TurnContext(files_of=RowId(3), answers=ASKED, is_older=True)
    assert changes == (
        DecideRow(RowId(1), "words"),
        TakeKey(question_key(ROOM, ME), question.value, RowId(7)),
        put_context(ROOM, RowId(7), context),
    )


@pytest.mark.parametrize("asker", [None, a_row(1, decided="choice 0")])
def test_where_nothing_is_left_to_note_the_question_is_taken_without(asker: Any) -> None:
    notes = read_notes(ROOM, stored(put_question(ROOM, ME, ASKED)))
    changes = question_taken(a_row(7), notes, asker=asker)

    assert not any(isinstance(change, DecideRow) for change in changes)


def test_once_it_is_answered_nothing_is_noted_about_a_row_any_more() -> None:
    notes = RoomNotes(contexts={RowId(7): TurnContext(files_of=RowId(3), answers=ASKED)})

    assert closing_notes(a_row(7), notes, RowState.ANSWERED) == (
        DeleteKey(context_key(ROOM, RowId(7))),
    )
    assert closing_notes(a_row(8), notes, RowState.ANSWERED) == ()


def test_a_row_that_may_run_again_keeps_its_files_and_opens_its_question_again() -> None:
    notes = RoomNotes(contexts={RowId(7): TurnContext(files_of=RowId(3), answers=ASKED)})

    keep, question = closing_notes(a_row(7, "yes"), notes, RowState.FAILED)

    assert keep == put_context(ROOM, RowId(7), TurnContext(files_of=RowId(3)))
    again = read_notes(ROOM, stored(question)).questions[ME]
    assert (again.interrupt_id, again.tried_by, again.is_tried_choice) == ("i-1", 7, True)


def test_a_question_that_is_open_meanwhile_is_not_replaced_by_an_earlier_one() -> None:
    notes = RoomNotes({ME: ASKED}, {RowId(7): TurnContext(answers=ASKED)})

    assert closing_notes(a_row(7), notes, RowState.FAILED) == (
        DeleteKey(context_key(ROOM, RowId(7))),
    )
