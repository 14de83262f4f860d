"""Where an update comes from, and from whom."""

from typing import Any

import pytest

from actors.telegram.origin import message_id_in, room_of, speaker_in
from protocols.ids import Language, PersonId, RemoteId, RoomId
from tests.actors.telegram.fake_bot_api import GROUP, message


@pytest.mark.parametrize(
    ("fields", "room"),
    [
        ({}, "telegram/7"),
        ({"message_thread_id": 9, "is_topic_message": True}, "telegram/7/9"),
        ({"message_thread_id": 1, "is_topic_message": True}, "telegram/7/1"),
        ({"message_thread_id": 9}, "telegram/7"),
        ({"message_thread_id": "9", "is_topic_message": True}, "telegram/7"),
        ({"message_thread_id": 9, "is_topic_message": 1}, "telegram/7"),
        ({"is_topic_message": True}, "telegram/7"),
        ({"chat": GROUP, "message_thread_id": 9, "is_topic_message": True}, "telegram/-100/9"),
        ({"chat": GROUP, "message_thread_id": 1, "is_topic_message": True}, "telegram/-100"),
        ({"chat": GROUP, "message_thread_id": 9}, "telegram/-100"),
    ],
)
def test_a_topic_is_a_room_of_its_own_and_general_or_a_chain_of_replies_is_not(
    fields: dict[str, Any], room: str
) -> None:
    assert room_of(message(**fields)) == RoomId(room)


@pytest.mark.parametrize("chat", [{}, {"id": None}, {"id": True}, {"id": 2**60}, [], "7"])
def test_what_stands_in_no_chat_has_no_room(chat: Any) -> None:
    assert room_of(message(chat=chat)) is None


@pytest.mark.parametrize(
    ("user", "name"),
    [
        ({"id": 7, "first_name": "A", "last_name": "B"}, "A B"),
        ({"id": 7, "first_name": "A"}, "A"),
        ({"id": 7, "first_name": "", "username": "ann"}, "ann"),
        ({"id": 7, "first_name": None, "last_name": 3, "username": []}, "7"),
        ({"id": 7, "first_name": "\ud83d"}, "?"),
        ({"id": 7, "first_name": "x" * 500}, "x" * 128),
    ],
)
def test_a_person_has_a_name_in_any_case(user: dict[str, Any], name: str) -> None:
    speaker = speaker_in(user)

    assert speaker is not None
    assert speaker.person == PersonId("telegram:7")
    assert speaker.name == name


def test_nobody_speaks_without_an_id() -> None:
    assert speaker_in({"first_name": "A"}) is None


@pytest.mark.parametrize(
    ("said", "language"),
    [
        ("ru", "ru"),
        ("pt-br", "pt-br"),
        ("zh-Hans-CN", "zh-Hans-CN"),
        (None, ""),
        (5, ""),
        ("", ""),
        ("ru\n", ""),
        ("hello, I am", ""),
        ("x" * 10_000, ""),
    ],
)
def test_a_language_is_one_or_none(said: Any, language: str) -> None:
    speaker = speaker_in({"id": 7, "language_code": said})

    assert speaker is not None
    assert speaker.language == Language(language)


@pytest.mark.parametrize(
    ("found", "meant"), [(12, "12"), (0, ""), (-3, ""), ("12", ""), (None, ""), (2**60, "")]
)
def test_a_message_that_cannot_be_pointed_at_has_no_id(found: Any, meant: str) -> None:
    assert message_id_in({"message_id": found}) == RemoteId(meant)
