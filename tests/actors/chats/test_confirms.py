"""A question of the agent and its answer."""

import pytest
from attrs import evolve

from actors.chats.confirms import LIFE, confirm_key, read_confirm, remember, resume_for
from protocols.ids import EventId, PersonId, RoomId, RowId, SlotId, TraceId
from protocols.platform import Resume, TurnAsks
from protocols.store import Row

ROW = Row(
    id=RowId(1),
    event_id=EventId("$1"),
    room=RoomId("matrix/!r:s"),
    sender=PersonId("matrix:@me:s"),
    sender_name="Me",
    text="delete it",
    sent_at=0.0,
    received_at=0.0,
    trace=TraceId("t"),
    slot=SlotId("C1"),
)
ASKS = TurnAsks("", "i-1", "Really?", ("Yes", "no", "Löschen"))
KEPT = remember(ROW, SlotId("C1"), ASKS, now=10.0)
CONFIRM = read_confirm(KEPT.value)


@pytest.mark.parametrize(
    ("text", "choice"),
    [
        ("yes", "Yes"),
        (" YES! ", "Yes"),
        ("y", "Yes"),
        ("N.", "no"),
        ("löschen", "Löschen"),
        ("maybe", None),
        ("yes, but later", None),
        ("", None),
    ],
)
def test_an_answer_matches_a_choice_or_cancels_the_question(text: str, choice: str | None) -> None:
    answer = evolve(ROW, text=text, received_at=11.0)

    assert resume_for(CONFIRM, answer) == Resume("i-1", choice)


def test_a_yes_that_was_written_before_the_question_confirms_nothing() -> None:
    assert resume_for(CONFIRM, evolve(ROW, text="yes", received_at=9.0)) == Resume("i-1", None)


def test_after_an_hour_a_yes_is_just_a_word() -> None:
    assert resume_for(CONFIRM, evolve(ROW, text="yes", received_at=10.0 + LIFE)) is None


def test_a_yes_in_another_chat_is_just_a_word() -> None:
    answer = evolve(ROW, text="yes", received_at=11.0, slot=SlotId("C2"))

    assert resume_for(CONFIRM, answer) is None


def test_without_a_question_there_is_nothing_to_answer() -> None:
    assert read_confirm(None) is None
    assert resume_for(None, ROW) is None


def test_each_person_has_their_own_question() -> None:
    assert KEPT.key == confirm_key(ROW.room, ROW.sender) == "confirm:matrix/!r:s matrix:@me:s"
