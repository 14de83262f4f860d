"""What the press of a button means."""

from typing import Any

import pytest
from attrs import evolve

from actors.telegram.incoming.aliases import Aliases
from actors.telegram.incoming.meaning import Decoded, Ignored, StrangePress, Unreadable
from protocols.ids import EventId, Language, PersonId, RemoteId, RoomId
from protocols.journal import Arrival, Press
from tests.actors.telegram.fake_bot_api import ALICE, BOT, GROUP, PRIVATE
from tests.actors.telegram.reading import READER, arrival, read

RUSSIAN = ALICE | {"language_code": "ru"}
OURS = {"message_id": 44, "from": BOT, "chat": GROUP, "date": 900, "text": "Shall I?"}
TOPIC = {"message_thread_id": 6, "is_topic_message": True}
GONE = {"message_id": 44, "chat": GROUP, "date": 0}


def pressed(**fields: Any) -> dict[str, Any]:
    return {"id": "77", "from": RUSSIAN, "message": OURS, "data": "stop:5"} | fields


def read_press(query: Any) -> Decoded:
    return read(query, kind="callback_query")


def test_a_press_is_an_arrival_with_what_was_pressed_and_where() -> None:
    found = arrival(pressed(), kind="callback_query")

    assert found == Arrival(
        event_id=EventId("5"),
        room=RoomId("telegram/-100"),
        sender=PersonId("telegram:7"),
        sender_name="Alice Ames",
        text="",
        sent_at=READER.now,
        trace=found.trace,
        language=Language("ru"),
        press=Press("77", "stop:5", RemoteId("44")),
        is_shared=True,
    )


@pytest.mark.parametrize(
    ("message", "room"), [(OURS | TOPIC, "telegram/-100/6"), (GONE, "telegram/-100")]
)
def test_a_press_belongs_to_the_room_of_its_message(message: dict[str, Any], room: str) -> None:
    assert arrival(pressed(message=message), kind="callback_query").room == RoomId(room)


def test_a_press_in_a_group_that_moved_belongs_to_the_room_it_had() -> None:
    reader = evolve(READER, aliases=Aliases().after(-5, -100))

    assert arrival(pressed(), reader, "callback_query").room == RoomId("telegram/-5")
    assert read(pressed(data=""), reader, "callback_query") == StrangePress(
        RoomId("telegram/-5"), "77", Language("ru")
    )


def test_a_press_that_was_waiting_for_us_is_backlog() -> None:
    reader = evolve(READER, backlog_before=READER.now + 1)

    assert arrival(pressed(), reader, "callback_query").is_backlog


@pytest.mark.parametrize("data", ["x", "stop:5;rm -rf", "set:1:1:" + "ы" * 28, "\ud83d", "retry:"])
def test_data_that_somebody_invented_is_handed_on_as_it_is(data: str) -> None:
    press = arrival(pressed(data=data), kind="callback_query").press

    assert press is not None
    assert press.action == data.encode(errors="replace").decode()


@pytest.mark.parametrize(
    ("fields", "room"),
    [
        ({"data": None}, "telegram/-100"),
        ({"data": ""}, "telegram/-100"),
        ({"data": 5}, "telegram/-100"),
        ({"data": "x" * 65}, "telegram/-100"),
        ({"data": "ы" * 33}, "telegram/-100"),
        ({"data": None, "game_short_name": "chess"}, "telegram/-100"),
        ({"message": OURS | {"message_id": 0}}, "telegram/-100"),
        ({"message": None}, "telegram/7"),
        ({"message": [5]}, "telegram/7"),
        ({"message": None, "inline_message_id": "ABC"}, "telegram/7"),
    ],
)
def test_a_press_of_nothing_that_we_know_wants_an_answer_all_the_same(
    fields: dict[str, Any], room: str
) -> None:
    assert read_press(pressed(**fields)) == StrangePress(RoomId(room), "77", Language("ru"))


def test_a_press_by_nobody_is_answered_where_the_button_is() -> None:
    query = pressed() | {"from": {}}

    assert read_press(query) == StrangePress(RoomId("telegram/-100"), "77", Language(""))


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        (pressed(id=None), "a callback without its id"),
        (pressed(id=""), "a callback without its id"),
        (pressed(id="7" * 129), "a callback without its id"),
        (pressed(message=None) | {"from": 5}, "a callback from nowhere"),
        ([], "a callback without its id"),
    ],
)
def test_a_press_that_nobody_can_answer_is_kept_with_a_reason(query: Any, reason: str) -> None:
    found = read_press(query)

    assert isinstance(found, Unreadable)
    assert found.reason == reason


def test_bots_press_nothing() -> None:
    assert read_press(pressed() | {"from": BOT}) == Ignored("not from a person")


# Telegram's own Stop.


def read_stop(**fields: Any) -> Decoded:
    chat = PRIVATE | {"first_name": "Alice"}
    return read({"chat": chat, "draft_id": 12} | fields, kind="stopped_message_generation")


@pytest.mark.parametrize(
    ("fields", "room"),
    [
        ({}, "telegram/7"),
        ({"message_thread_id": 6}, "telegram/7/6"),
        ({"message_thread_id": None}, "telegram/7"),
    ],
)
def test_a_stop_of_telegrams_own_is_the_press_of_the_rows_stop_button(
    fields: dict[str, Any], room: str
) -> None:
    found = read_stop(**fields)

    assert isinstance(found, Arrival)
    assert found.press == Press("", "stop:12", RemoteId(""))
    assert (found.room, found.sender) == (RoomId(room), PersonId("telegram:7"))
    assert (found.sender_name, found.sent_at, found.text) == ("Alice", READER.now, "")


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"chat": GROUP}, "a stop without its person"),
        ({"chat": None}, "a stop without its person"),
        ({"draft_id": None}, "a stop without its draft"),
        ({"draft_id": -3}, "a stop without its draft"),
        ({"draft_id": 0}, "a stop without its draft"),
        ({"draft_id": "12"}, "a stop without its draft"),
    ],
)
def test_a_stop_that_cannot_be_read_is_kept_with_a_reason(
    fields: dict[str, Any], reason: str
) -> None:
    found = read_stop(**fields)

    assert isinstance(found, Unreadable)
    assert found.reason == reason
