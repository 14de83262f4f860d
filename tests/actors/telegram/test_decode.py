"""What an update means, whatever it is."""

from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from actors.telegram.decode import (
    ChatLost,
    ChatMoved,
    Decoded,
    Ignored,
    NotText,
    Pressed,
    Reader,
    Unreadable,
    decode,
    room_id,
    update_id,
)
from actors.telegram.outcomes import Me
from actors.telegram.settings import GroupMode
from protocols.ids import EventId, PersonId, RoomId, TraceId
from protocols.store import Arrival
from tests.actors.telegram.fake_bot_api import ALICE, BOT, GROUP, PRIVATE, mention, message
from tests.actors.telegram.json_values import JSON, places_in, with_change

READER = Reader(Me(4242, "agent_bot"), GroupMode.MENTION)
ALL = evolve(READER, group_mode=GroupMode.ALL)
BY_BOT = {"message_id": 3, "from": BOT, "chat": GROUP, "date": 900, "text": "my answer"}
BY_BOB = BY_BOT | {"from": {"id": 8, "is_bot": False, "first_name": "Bob"}, "text": "two\n\nlines"}


def read(body: Any, reader: Reader = READER, kind: str = "message") -> Decoded:
    return decode({"update_id": 5, kind: body}, reader)


def text_of(found: Decoded) -> str:
    assert isinstance(found, Arrival), found
    return found.text


def in_group(text: str, *entities: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return message(text, chat=GROUP, entities=list(entities), **fields)


def test_a_private_message_is_an_arrival_with_everything_about_it() -> None:
    found = read(message("hello 🙂"))

    assert isinstance(found, Arrival)
    assert found == Arrival(
        event_id=EventId("5"),
        room=RoomId("telegram/7"),
        sender=PersonId("telegram:7"),
        sender_name="Alice Ames",
        text="hello 🙂",
        sent_at=1000.0,
        trace=found.trace,
    )
    assert len(found.trace) == 32
    assert found.trace != TraceId("")


@pytest.mark.parametrize(
    ("fields", "room"),
    [
        ({}, "telegram/7"),
        ({"message_thread_id": 9, "is_topic_message": True}, "telegram/7/9"),
        ({"message_thread_id": 9}, "telegram/7"),
        ({"message_thread_id": "9", "is_topic_message": True}, "telegram/7"),
        ({"is_topic_message": True}, "telegram/7"),
    ],
)
def test_a_topic_is_a_room_of_its_own_and_a_chain_of_replies_is_not(
    fields: dict[str, Any], room: str
) -> None:
    found = read(message(**fields))

    assert isinstance(found, Arrival)
    assert found.room == RoomId(room)


@pytest.mark.parametrize(
    ("sender", "name"),
    [
        ({"id": 7, "first_name": "A"}, "A"),
        ({"id": 7, "first_name": "", "username": "ann"}, "ann"),
        ({"id": 7, "first_name": None, "last_name": 3}, "7"),
        ({"id": 7, "first_name": "\ud83d"}, "?"),
        ({"id": 7, "first_name": "x" * 500}, "x" * 128),
    ],
)
def test_a_person_has_a_name_in_any_case(sender: dict[str, Any], name: str) -> None:
    found = read(message() | {"from": sender})

    assert isinstance(found, Arrival)
    assert found.sender_name == name


@pytest.mark.parametrize(("before", "is_backlog"), [(0.0, False), (1000.0, False), (1001.0, True)])
def test_what_was_sent_before_we_came_back_is_backlog(before: float, *, is_backlog: bool) -> None:
    found = read(message(), evolve(READER, backlog_before=before))

    assert isinstance(found, Arrival)
    assert found.is_backlog is is_backlog


# Groups.

NEW = mention("/new@agent_bot", "/new@agent_bot", "bot_command")
HEY = "hey @Agent_Bot, you"


@pytest.mark.parametrize(
    ("said", "heard"),
    [
        (in_group(HEY, mention(HEY, "@Agent_Bot")), "hey , you"),
        (in_group("@agent_bot: hi", mention("@agent_bot: hi", "@agent_bot")), "hi"),
        (in_group("hi @agent_bot", mention("hi @agent_bot", "@agent_bot")), "hi"),
        (in_group("a @agent_bot b", mention("a @agent_bot b", "@agent_bot")), "a b"),
        (in_group("👩‍🚀 @agent_bot 🙂", mention("👩‍🚀 @agent_bot 🙂", "@agent_bot")), "👩‍🚀 🙂"),
        (in_group("@agent_bot", mention("@agent_bot", "@agent_bot")), "@agent_bot"),
        (in_group("Bot, hi", mention("Bot, hi", "Bot", "text_mention", user=BOT)), "hi"),
        (in_group("/new@agent_bot x", NEW), "/new x"),
        (in_group("@agent_bot /stop", mention("@agent_bot /stop", "@agent_bot")), "/stop"),
        (in_group("why?", reply_to_message=BY_BOT), "> my answer\n\nwhy?"),
    ],
)  # fmt: skip
def test_a_group_is_answered_when_it_asks_and_the_mention_is_not_part_of_it(
    said: dict[str, Any], heard: str
) -> None:
    assert text_of(read(said)) == heard


@pytest.mark.parametrize(
    "said",
    [
        in_group("hello all"),
        in_group("@other_bot hi", mention("@other_bot hi", "@other_bot")),
        in_group("Bob, hi", mention("Bob, hi", "Bob", "text_mention", user=ALICE)),
        in_group("@agent_bot hi"),
        in_group("@agent_bot", {"type": "mention", "offset": 0, "length": 99}),
        in_group("@agent_bot", {"type": "mention", "offset": -1, "length": 5}),
        in_group("well", reply_to_message=BY_BOB),
        in_group("in a topic", reply_to_message=BY_BOT | {"forum_topic_created": {}}),
        in_group("/help", mention("/help", "/help", "bot_command")),
    ],
)
def test_a_group_that_talks_among_itself_is_left_alone(said: dict[str, Any]) -> None:
    assert read(said) == Ignored("not for us")


def test_with_the_mode_all_a_group_is_always_answered() -> None:
    assert text_of(read(in_group("hello all"), ALL)) == "hello all"


@pytest.mark.parametrize("reader", [READER, ALL])
def test_a_command_for_another_bot_is_never_ours(reader: Reader) -> None:
    command = mention("/new@other_bot", "/new@other_bot", "bot_command")

    assert read(in_group("/new@other_bot", command, reply_to_message=BY_BOT), reader) == Ignored(
        "not for us"
    )


@pytest.mark.parametrize(
    ("fields", "heard"),
    [
        ({"reply_to_message": BY_BOB}, "> two\n>\n> lines\n\nyes"),
        ({"reply_to_message": BY_BOB, "quote": {"text": "lines"}}, "> lines\n\nyes"),
        ({"quote": {"text": "from elsewhere"}}, "> from elsewhere\n\nyes"),
        ({"reply_to_message": {"caption": "a picture"}}, "> a picture\n\nyes"),
        ({"reply_to_message": {"photo": []}}, "yes"),
        ({"reply_to_message": 5, "quote": []}, "yes"),
        ({"quote": {"text": "x" * 1001}}, f"> {'x' * 1000}…\n\nyes"),
    ],
)
def test_what_is_replied_to_is_quoted(fields: dict[str, Any], heard: str) -> None:
    assert text_of(read(message("yes", **fields))) == heard


def test_a_command_stays_a_command_in_a_reply() -> None:
    assert text_of(read(message("/stop", reply_to_message=BY_BOT))) == "/stop"


# What is no text.


def test_a_picture_is_not_text_and_its_caption_is() -> None:
    plain = read(message(None, photo=[{}], media_group_id="a1"))
    captioned = read(message(None, video={}, caption="look"))

    assert plain == NotText(RoomId("telegram/7"), "a1")
    assert isinstance(captioned, NotText)
    assert captioned.caption is not None
    assert captioned.caption.text == "look"


def test_a_picture_in_a_group_is_for_us_when_its_caption_says_so() -> None:
    caption = "what is this, @agent_bot"
    picture = message(None, chat=GROUP, photo=[{}], caption=caption)

    assert read(picture) == Ignored("not for us")
    found = read(picture | {"caption_entities": [mention(caption, "@agent_bot")]})
    assert isinstance(found, NotText)
    assert text_of(found.caption or found) == "what is this,"


@pytest.mark.parametrize(
    ("found", "meant"),
    [
        (read(message() | {"from": BOT}), "not from a person"),
        (read(message() | {"from": BOT | {"id": 1}}), "not from a person"),
        (read(message(chat={"id": -5, "type": "channel"})), "not from a person"),
        (read({"message_id": 1, "chat": PRIVATE, "date": 5, "text": "x"}), "not from a person"),
        (read(message(None, pinned_message={})), "nothing that was said"),
        (read(message(""), kind="edited_message"), "another kind of update"),
        (read({}, kind="of_the_future"), "another kind of update"),
    ],
)
def test_what_is_nothing_to_us_is_ignored(found: Decoded, meant: str) -> None:
    assert found == Ignored(meant)


@pytest.mark.parametrize(
    ("update", "reason"),
    [
        (None, "an update without its number"),
        ({"message": message()}, "an update without its number"),
        ({"update_id": 2**31 - 1, "message": message()}, "an update without its number"),
        ({"update_id": 5, "message": []}, "a message without its chat"),
        ({"update_id": 5, "message": message(chat={"id": True})}, "a message without its chat"),
        ({"update_id": 5, "message": message() | {"from": {}}}, "a message without its sender"),
        ({"update_id": 5, "message": message(date=2**70)}, "a message from no possible time"),
        ({"update_id": 5, "message": message(5)}, "a message whose text is none"),  # type: ignore[arg-type]  # on purpose
        ({"update_id": 5, "my_chat_member": {}}, "a membership without its chat or status"),
        ({"update_id": 5, "callback_query": {"id": 5}}, "a callback without its id"),
    ],
)
def test_what_cannot_be_read_is_kept_with_a_reason(update: Any, reason: str) -> None:
    found = decode(update, READER)

    assert isinstance(found, Unreadable)
    assert found.reason == reason
    assert "hello" not in repr(found)


def test_what_is_no_json_has_no_body() -> None:
    assert decode({1: {2}}, READER) == Unreadable("an update without its number", "")


@pytest.mark.parametrize(
    ("chat", "member", "meant"),
    [
        (PRIVATE, {"status": "kicked"}, ChatLost(room_id(7), "the person blocked the bot")),
        (GROUP, {"status": "left"}, ChatLost(room_id(-100), "the bot is not in the group")),
        (
            GROUP,
            {"status": "restricted", "is_member": False},
            ChatLost(room_id(-100), "the bot is not in the group"),
        ),
        (GROUP, {"status": "administrator"}, Ignored("a membership that lets us write")),
        (GROUP, {"status": "of the future"}, Ignored("a membership that lets us write")),
    ],
)
def test_a_chat_is_lost_when_we_can_no_longer_write_to_it(
    chat: dict[str, Any], member: dict[str, Any], meant: Decoded
) -> None:
    change = {"chat": chat, "new_chat_member": member, "date": 5}

    assert read(change, kind="my_chat_member") == meant


def test_a_group_that_moves_and_a_button_are_told() -> None:
    moved = message(None, chat=GROUP, migrate_to_chat_id=-1001)

    assert read(moved) == ChatMoved(-100, -1001)
    assert read({"id": "77", "data": "x"}, kind="callback_query") == Pressed("77")


# Anything.

REAL = [
    {"update_id": 5, "message": message("hi 🙂 @agent_bot", entities=[
        {"type": "mention", "offset": 6, "length": 10},
        {"type": "text_mention", "offset": 0, "length": 2, "user": ALICE},
    ], quote={"text": "q"}, reply_to_message=BY_BOT, chat=GROUP)},
    {"update_id": 6, "message": message(None, photo=[{"file_id": "x"}], caption="c",
        caption_entities=[{"type": "bot_command", "offset": 0, "length": 1}],
        media_group_id="g", is_topic_message=True, message_thread_id=4)},
    {"update_id": 7, "message": message(None, migrate_to_chat_id=-3)},
    {"update_id": 8, "my_chat_member": {"chat": GROUP, "new_chat_member": {"status": "kicked"}}},
    {"update_id": 9, "callback_query": {"id": "1", "from": ALICE, "message": message()}},
]  # fmt: skip
CHANGES = [(update, place) for update in REAL for place in places_in(update)]
READERS = st.sampled_from([READER, ALL, evolve(READER, backlog_before=1e9)])


def holds(found: Decoded) -> None:
    """What comes out can be kept in a database, whatever came in."""
    assert isinstance(found, Decoded)
    found = found.caption or found if isinstance(found, NotText) else found
    if isinstance(found, Arrival):
        assert found.text
        for text in (found.text, found.sender_name, found.room, found.sender):
            text.encode()
    if isinstance(found, Unreadable):
        found.body.encode()


@given(JSON, READERS)
def test_any_json_means_something(update: Any, reader: Reader) -> None:
    holds(decode(update, reader))
    holds(decode({"update_id": 5, "message": update}, reader))


@given(change=st.sampled_from(CHANGES), new=JSON, reader=READERS, is_removed=st.booleans())
def test_a_real_update_with_anything_anywhere_means_something(
    change: tuple[Any, tuple[Any, ...]], new: Any, reader: Reader, *, is_removed: bool
) -> None:
    update, place = change

    holds(decode(with_change(update, place, new, is_removed=is_removed), reader))


@given(st.text(st.characters(categories=None)), st.integers(-2, 30), st.integers(-2, 30))
def test_entities_anywhere_in_any_text_lose_nothing_else(
    text: str, offset: int, length: int
) -> None:
    for kind in ("mention", "text_mention", "bot_command"):
        entity = {"type": kind, "offset": offset, "length": length, "user": BOT}
        holds(read(in_group(text, entity), ALL))


@given(JSON)
def test_a_number_can_always_be_confirmed(update: Any) -> None:
    number = update_id(update)
    assert number is None or 0 <= number < 2**31 - 1
