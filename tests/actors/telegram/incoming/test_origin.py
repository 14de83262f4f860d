"""Where an update comes from, and from whom."""

from typing import Any

import pytest

from actors.telegram.incoming.aliases import Aliases
from actors.telegram.incoming.origin import (
    Speaker,
    is_from_person,
    is_shared,
    message_id_in,
    room_of,
    speaker_in,
    speaker_of,
)
from protocols.ids import Language, PersonId, RemoteId, RoomId
from tests.actors.telegram.fake_bot_api import BOT, GROUP, message

NONE = Aliases()


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
    assert room_of(message(**fields), NONE) == RoomId(room)


def test_a_group_that_moved_keeps_its_room_and_so_do_its_topics() -> None:
    aliases = Aliases().after(-5, -100)
    topic: dict[str, Any] = {"message_thread_id": 9, "is_topic_message": True}

    assert room_of(message(chat=GROUP), aliases) == RoomId("telegram/-5")
    assert room_of(message(chat=GROUP, **topic), aliases) == RoomId("telegram/-5/9")


@pytest.mark.parametrize("chat", [{}, {"id": None}, {"id": True}, {"id": 2**60}, [], "7"])
def test_what_stands_in_no_chat_has_no_room(chat: Any) -> None:
    assert room_of(message(chat=chat), NONE) is None


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


ANONYMOUS = message(chat=GROUP, sender_chat=GROUP) | {
    "from": {"id": 1087968824, "is_bot": True, "username": "GroupAnonymousBot"}
}


def test_an_anonymous_admin_speaks_as_the_group() -> None:
    speaker = speaker_of(ANONYMOUS, NONE)

    assert is_from_person(ANONYMOUS)
    assert speaker == Speaker(-100, "All of us", Language(""))


def test_an_anonymous_admin_is_the_same_when_the_group_has_moved() -> None:
    speaker = speaker_of(ANONYMOUS, Aliases().after(-5, -100))

    assert speaker is not None
    assert speaker.person == PersonId("telegram:-5")


def test_who_speaks_as_a_channel_is_that_channel() -> None:
    channel = {"id": -1007, "type": "channel", "username": "news"}

    speaker = speaker_of(ANONYMOUS | {"sender_chat": channel}, NONE)

    assert speaker == Speaker(-1007, "news", Language(""))


@pytest.mark.parametrize(
    "said",
    [
        message() | {"from": BOT},
        message() | {"from": BOT, "sender_chat": None},
        message(chat={"id": -5, "type": "channel"}),
        ANONYMOUS | {"is_automatic_forward": True},
        {"message_id": 1, "chat": GROUP, "date": 5, "text": "x"},
    ],
)
def test_bots_channels_and_forwards_from_a_channel_are_no_persons(said: dict[str, Any]) -> None:
    assert not is_from_person(said)


@pytest.mark.parametrize("chat", [{}, [], 5, {"id": "x"}])
def test_who_speaks_as_no_chat_is_nobody(chat: Any) -> None:
    assert speaker_of(ANONYMOUS | {"sender_chat": chat}, NONE) is None


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


@pytest.mark.parametrize(
    ("room", "person", "is_read_by_others"),
    [
        ("telegram/42", "telegram:42", False),
        ("telegram/42/7", "telegram:42", False),
        ("telegram/42", "telegram:4", True),
        ("telegram/421", "telegram:42", True),
        ("telegram/-100", "telegram:42", True),
        ("telegram/-100/42", "telegram:42", True),
        ("telegram/-100", "telegram:-100", True),
    ],
)
def test_only_a_person_s_own_chat_is_read_by_nobody_else(
    room: str, person: str, *, is_read_by_others: bool
) -> None:
    assert is_shared(RoomId(room), PersonId(person)) is is_read_by_others
