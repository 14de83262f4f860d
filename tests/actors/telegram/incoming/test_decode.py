"""What an update means, whatever it is."""

from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from attrs import asdict, evolve
from hypothesis import given
from hypothesis import strategies as st

from actors.telegram.incoming.aliases import Aliases
from actors.telegram.incoming.decode import ALLOWED_UPDATES, decode, update_id
from actors.telegram.incoming.meaning import (
    ChatLost,
    Decoded,
    Ignored,
    Part,
    Reader,
    Unreadable,
)
from actors.telegram.incoming.origin import room_id
from protocols.journal import Arrival
from tests.actors.telegram.fake_bot_api import ALICE, BOT, GROUP, PRIVATE, message
from tests.actors.telegram.json_values import JSON, places_in, with_change
from tests.actors.telegram.reading import ALL, READER, arrival, in_group, read


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
        ({"update_id": 5, "edited_message": []}, "a message without its chat"),
        ({"update_id": 5, "stopped_message_generation": 5}, "a stop without its person"),
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


@pytest.mark.parametrize(
    ("chat_id", "meant"),
    [
        (-100, ChatLost(room_id(-5), "the bot is not in the group")),
        (-5, Ignored("a membership in a group that goes on under another id")),
    ],
)
def test_a_group_that_moved_is_lost_under_its_new_id_only(chat_id: int, meant: Decoded) -> None:
    reader = evolve(READER, aliases=Aliases().after(-5, -100))
    change = {"chat": {"id": chat_id}, "new_chat_member": {"status": "left"}}

    assert read(change, reader, "my_chat_member") == meant


def test_what_is_of_no_kind_that_we_know_is_ignored() -> None:
    assert read({}, kind="of_the_future") == Ignored("another kind of update")
    assert read(None) == Ignored("another kind of update")


def test_every_kind_that_is_read_is_asked_for() -> None:
    assert ALLOWED_UPDATES == (
        "message", "edited_message", "callback_query", "my_chat_member",
        "stopped_message_generation",
    )  # fmt: skip


# Anything.

BY_BOT = {"message_id": 3, "from": BOT, "chat": GROUP, "date": 900, "text": "my answer"}
FILE = {"file_id": "x", "file_name": "a.txt", "mime_type": "text/plain", "file_size": 5}
REAL = [
    {"update_id": 5, "message": message("hi 🙂 @agent_bot", entities=[
        {"type": "mention", "offset": 6, "length": 10},
        {"type": "text_mention", "offset": 0, "length": 2, "user": ALICE},
    ], quote={"text": "q"}, reply_to_message=BY_BOT, chat=GROUP)},
    {"update_id": 6, "message": message(None, photo=[FILE | {"width": 5, "height": 5}], caption="c",
        caption_entities=[{"type": "bot_command", "offset": 0, "length": 1}],
        media_group_id="g", is_topic_message=True, message_thread_id=4)},
    {"update_id": 12, "message": message(None, animation=FILE, document=FILE)},
    {"update_id": 13, "message": message(None, sticker=FILE | {"emoji": "x", "is_video": True})},
    {"update_id": 14, "message": message(None, venue={
        "title": "t", "address": "a", "location": {"latitude": 1.5, "longitude": 2},
    })},
    {"update_id": 15, "message": message(None, contact={"first_name": "A", "phone_number": "1"})},
    {"update_id": 16, "message": message(None, dice={"emoji": "x", "value": 4})},
    {"update_id": 17, "message": message(None, voice=FILE, external_reply={"audio": FILE})},
    {"update_id": 18, "message": message(chat=GROUP, sender_chat=GROUP) | {"from": BOT}},
    {"update_id": 19, "message": message(None, migrate_from_chat_id=-4)},
    {"update_id": 7, "message": message(None, migrate_to_chat_id=-3)},
    {"update_id": 8, "my_chat_member": {"chat": GROUP, "new_chat_member": {"status": "kicked"}}},
    {"update_id": 9, "callback_query": {
        "id": "1", "from": ALICE, "data": "stop:5", "message": message(),
    }},
    {"update_id": 10, "edited_message": message("hi", edit_date=1200, message_id=4)},
    {"update_id": 11, "stopped_message_generation": {
        "chat": PRIVATE, "draft_id": 5, "message_thread_id": 6,
    }},
]  # fmt: skip
CHANGES = [(update, place) for update in REAL for place in places_in(update)]
READERS = st.sampled_from(
    [READER, ALL, evolve(READER, backlog_before=1e9, aliases=Aliases().after(-3, -100))]
)


def every_text_in(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    for inner in children_of(value):
        yield from every_text_in(inner)


def children_of(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list | tuple) else ()


def holds(found: Decoded) -> None:
    """What comes out can be kept in a database, whatever came in."""
    assert isinstance(found, Decoded)
    if isinstance(found, Part):
        found = found.arrival
    if isinstance(found, Arrival):
        assert found.press is None or found.press.action
        assert found.edits is None or found.edits == found.message_id
        for text in every_text_in(asdict(found)):
            text.encode()
    if isinstance(found, Unreadable):
        found.body.encode()


@given(JSON, READERS)
def test_any_json_means_something(update: Any, reader: Reader) -> None:
    holds(decode(update, reader))
    for kind in ALLOWED_UPDATES:
        holds(decode({"update_id": 5, kind: update}, reader))


@given(change=st.sampled_from(CHANGES), new=JSON, reader=READERS, is_removed=st.booleans())
def test_a_real_update_with_anything_anywhere_means_something(
    change: tuple[Any, tuple[Any, ...]], new: Any, reader: Reader, *, is_removed: bool
) -> None:
    update, place = change

    holds(decode(with_change(update, place, new, is_removed=is_removed), reader))


@given(change=st.sampled_from(CHANGES), kept=st.sampled_from(["my secret", ["my secret"]]))
def test_no_reason_quotes_what_somebody_wrote(
    change: tuple[Any, tuple[Any, ...]], kept: Any
) -> None:
    update, place = change

    match decode(with_change(update, place, kept), READER):
        case Unreadable(reason) | Ignored(reason) | ChatLost(_, reason):
            assert "secret" not in reason
        case _:
            pass


@pytest.mark.parametrize("kind", ["message", "edited_message"])
def test_a_huge_text_is_read_as_any_other(kind: str) -> None:
    huge = "word " * 1_000_000

    found = arrival(message(huge, reply_to_message=message(huge)), kind=kind)

    assert found.text.endswith(huge)
    assert len(found.text) < len(huge) + 1100


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
