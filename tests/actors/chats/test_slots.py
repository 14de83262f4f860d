"""Slots: the earlier program's keys, and numbers that are never used twice."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.chats.slots import (
    Chat,
    SlotBook,
    chats_prefix,
    guest_key,
    keys_of,
    number_of,
    owner_key,
    person_key,
    read_chats,
    read_number,
    read_slot,
    room_key,
)
from protocols.changes import PutKey
from protocols.ids import PersonId, RoomId, SlotId

ROOM = RoomId("matrix/!r:s")
OTHER_ROOM = RoomId("matrix/!q:s")
ME = PersonId("matrix:@me:s")
YOU = PersonId("matrix:@you:s")


def kept_by(slots: SlotBook) -> dict[str, str]:
    """What changed since the last call; where nobody is linked nothing is deleted."""
    changes = slots.take_changes()
    kept = {change.key: change.value for change in changes if isinstance(change, PutKey)}
    assert len(kept) == len({change.key for change in changes})
    return kept


def book(**keys: Any) -> SlotBook:
    return SlotBook({key: json.dumps(value) for key, value in keys.items()}, {})


def test_the_keys_are_those_of_the_earlier_program() -> None:
    assert room_key(ROOM) == "matrix_room:!r:s"
    assert person_key(ME) == "matrix_user:@me:s"
    assert person_key(PersonId("telegram:42")) == "telegram_user:42"
    assert room_key(RoomId("telegram/-100/7")) == "telegram_room:-100/7"


@pytest.mark.parametrize(
    ("value", "number"),
    [
        ("C1", 1),
        ("c12", 12),
        ("3", 3),
        (7, 7),
        ({"slot": "C4"}, 4),
        ({"chat_id": "C5", "user_id": "@me:s"}, 5),
        ({"chat": 6}, 6),
        ({"index": 8}, 8),
        ({"slot": None, "index": 9}, 9),
        ("", None),
        ("C0", None),
        (0, None),
        (-1, None),
        (True, None),
        (1.5, None),
        (None, None),
        ([], None),
        ({}, None),
        ("Cx", None),
    ],
)
def test_a_stored_number_is_read_in_every_likely_form(value: object, number: int | None) -> None:
    assert read_number(json.dumps(value)) == number


def test_a_value_that_is_no_json_is_read_as_it_stands() -> None:
    assert read_number("C3") == 3
    assert read_number("{broken") is None
    assert read_number("[" * 100_000) is None
    assert read_number(None) is None


def test_a_person_may_name_a_slot_by_its_number() -> None:
    assert read_slot("C2") == read_slot(" c2 ") == read_slot("2") == "C2"
    assert read_slot("two") is None


def test_the_first_message_in_a_room_gives_its_person_the_next_slot() -> None:
    slots = book(**{"matrix_user:@me:s": 3})

    chat = slots.chat_for_message(ROOM, ME)

    changes = kept_by(slots)
    assert chat.slot == "C3"
    assert changes["matrix_room:!r:s"] == '"C3"'
    assert changes["matrix_user:@me:s"] == "4"


def test_a_room_keeps_its_slot() -> None:
    slots = book()
    first = slots.chat_for_message(ROOM, ME)
    slots.take_changes()

    assert slots.chat_for_message(ROOM, ME) == first
    assert slots.take_changes() == ()


@pytest.mark.parametrize(
    "earlier", ["C2", 2, {"slot": "C2"}, {"chat_id": "C2", "user_id": "@me:s"}]
)
def test_a_room_of_the_earlier_program_keeps_its_slot(earlier: object) -> None:
    slots = book(**{"matrix_room:!r:s": earlier, "matrix_user:@me:s": 4})

    assert slots.chat_for_message(ROOM, ME).slot == "C2"
    assert slots.chat_for_message(OTHER_ROOM, ME).slot == "C4"


def test_a_room_s_slot_counts_also_where_the_person_s_index_is_lost() -> None:
    slots = book(**{"matrix_room:!r:s": "C2"})
    slots.chat_for_message(ROOM, ME)

    assert slots.chat_for_message(OTHER_ROOM, ME).slot == "C3"


def test_two_people_in_one_room_never_share_a_slot_of_one_of_them() -> None:
    slots = book()
    slots.chat_for_message(OTHER_ROOM, YOU)
    mine = slots.chat_for_message(ROOM, ME)

    yours = slots.chat_for_message(ROOM, YOU)

    assert (mine.slot, yours.slot) == ("C1", "C2")
    assert slots.chat_for_message(ROOM, ME) == mine
    assert slots.chat_for_message(ROOM, YOU) == yours


def test_a_room_whose_earlier_owner_is_known_is_not_taken_over_by_another() -> None:
    earlier = {"slot": "C1", "user_id": "@you:s"}
    slots = book(**{"matrix_room:!r:s": earlier, "matrix_user:@me:s": 1})

    mine = slots.chat_for_message(ROOM, ME)

    assert guest_key(ROOM, ME) in slots.keys
    assert mine.slot == "C1"
    assert slots.chat_for_message(ROOM, YOU).slot == "C1"
    assert slots.keys[owner_key(ROOM)] == json.dumps(YOU)


def test_a_slot_that_is_mine_elsewhere_is_not_mine_here_too() -> None:
    slots = SlotBook({room_key(ROOM): '"C1"'}, {ME: {SlotId("C1"): Chat(SlotId("C1"), OTHER_ROOM)}})

    assert slots.chat_for_message(ROOM, ME).slot == "C2"


def test_a_new_chat_takes_the_room_s_place_and_the_old_one_can_be_chosen_again() -> None:
    slots = book()
    first = slots.chat_for_message(ROOM, ME)
    second = slots.open_next(ROOM, ME, "plans")
    assert slots.chat_for_message(ROOM, ME).slot == second.slot == "C2"

    slots.choose(first, ME)

    assert slots.chat_for_message(ROOM, ME).slot == "C1"
    assert [chat.name for chat in slots.all_of(ME)] == ["plans", ""]


def test_chats_are_read_back_as_they_were_kept() -> None:
    slots = book()
    slots.open_next(ROOM, ME, "a *name*")
    slots.chat_for_message(ROOM, ME)
    kept = kept_by(slots)
    rows = tuple(pair for pair in kept.items() if pair[0].startswith(chats_prefix(ME)))

    assert read_chats(ME, rows) == slots.chats[ME]


def test_what_is_no_chat_among_the_keys_is_left_out() -> None:
    prefix = chats_prefix(ME)
    rows = ((f"{prefix}C1", "{}"), (f"{prefix}Cx", "{}"), (f"{prefix}C2", "7"), (f"{prefix}C0", ""))

    assert list(read_chats(ME, rows)) == ["C1"]


PEOPLE = [ME, YOU]
ROOMS = [ROOM, OTHER_ROOM, RoomId("matrix/!p:s")]
STEPS = st.tuples(
    st.sampled_from(["write", "new", "reload"]), st.sampled_from(ROOMS), st.sampled_from(PEOPLE)
)
EARLIER = st.dictionaries(
    st.sampled_from([room_key(room) for room in ROOMS] + [person_key(who) for who in PEOPLE]),
    st.one_of(
        st.integers(-2, 5), st.sampled_from(["C1", "C2", {"slot": "C3"}, {"x": 1}, None, "?"])
    ),
)


@given(EARLIER, st.lists(STEPS, max_size=30))
def test_a_slot_is_given_once_and_stays_where_it_is(
    earlier: dict[str, object], steps: list[tuple[str, RoomId, PersonId]]
) -> None:
    stored = {key: json.dumps(value) for key, value in earlier.items()}
    slots = reloaded(stored)
    homes: dict[tuple[PersonId, SlotId], RoomId] = {}
    current: dict[tuple[RoomId, PersonId], SlotId] = {}
    for step, room, person in steps:
        match step:
            case "write":
                chat = slots.chat_for_message(room, person)
                assert current.setdefault((room, person), chat.slot) == chat.slot
                assert homes.setdefault((person, chat.slot), room) == room
            case "new":
                chat = slots.open_next(room, person)
                assert (person, chat.slot) not in homes
                homes[person, chat.slot] = room
                current[room, person] = chat.slot
            case _:
                pass
        stored.update(kept_by(slots))
        if step == "reload":
            slots = reloaded(stored)


def reloaded(stored: dict[str, str]) -> SlotBook:
    wanted = {key for room in ROOMS for who in PEOPLE for key in keys_of(room, who)}
    chats = {
        who: read_chats(
            who, tuple(pair for pair in stored.items() if pair[0].startswith(chats_prefix(who)))
        )
        for who in PEOPLE
    }
    return SlotBook({key: text for key, text in stored.items() if key in wanted}, chats)


@given(st.integers(1, 10**6))
def test_a_slot_and_its_number_are_one(number: int) -> None:
    assert number_of(SlotId(f"C{number}")) == read_number(json.dumps(f"C{number}")) == number
