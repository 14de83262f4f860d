"""Which chat a person used last."""

import pytest
from attrs import evolve

from actors.chats.lasts import LastChat, Lasts, last_text, private_room, read_last, read_person
from protocols.changes import PutKey
from protocols.ids import Language, PersonId, RoomId, SlotId
from tests.actors.chats.rows import a_row

ROW = a_row(1, language=Language("ru"))
BOB = PersonId("telegram:42")


def test_it_is_read_back_as_it_was() -> None:
    last = LastChat(ROW.room, SlotId("C3"), Language("ru"), is_shared=True)

    assert read_last(last_text(last)) == last


@pytest.mark.parametrize("text", [None, "{}", '{"room": ""}'])
def test_nothing_is_read_as_nothing(text: str | None) -> None:
    assert read_last(text) is None


def test_another_program_may_know_no_language() -> None:
    last = read_last('{"room": "matrix/!r:s", "slot": "C1"}')

    assert last == LastChat(RoomId("matrix/!r:s"), SlotId("C1"))


def test_it_is_noted_once_for_all_identities_of_a_person() -> None:
    lasts = Lasts({ROW.sender: BOB})
    (noted,) = lasts.used(ROW, SlotId("C1"))

    assert noted == PutKey(
        "last:telegram:42",
        '{"room": "matrix/!r:s", "slot": "C1", "language": "ru", "shared": false}',
    )
    assert lasts.used(evolve(ROW, sender=BOB), SlotId("C1")) == ()
    assert lasts.of(BOB) == LastChat(ROW.room, SlotId("C1"), Language("ru"))


def test_what_is_said_where_others_read_changes_nothing_for_who_has_a_room_alone() -> None:
    lasts, in_group = Lasts(), evolve(ROW, room=RoomId("matrix/!group:s"), is_shared=True)

    noted = [len(lasts.used(row, SlotId("C1"))) for row in (in_group, ROW, in_group, ROW)]

    assert noted == [1, 1, 0, 0]


@pytest.mark.parametrize(
    ("person", "room"),
    [
        ("telegram:42", "telegram/42"),
        ("telegram:@bob", None),
        ("matrix:@me:s", None),
        ("terminal:owner", None),
        ("nonsense", None),
    ],
)
def test_only_on_telegram_a_person_has_a_room_without_having_written(
    person: str, room: str | None
) -> None:
    assert private_room(PersonId(person)) == room


@pytest.mark.parametrize(
    ("text", "person"), [(None, None), ('"a:b"', "a:b"), ('""', None), ("1", None)]
)
def test_only_a_name_is_a_person(text: str | None, person: str | None) -> None:
    assert read_person(text) == person
