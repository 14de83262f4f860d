"""What one event means, whatever it is."""

from typing import Any

import pytest
from attrs import asdict
from hypothesis import example, given

from actors.matrix.incoming.meaning import (
    Origin,
    OwnDraft,
    Reacted,
    Said,
    TakenBack,
    Unreadable,
)
from actors.matrix.txns import draft_txn
from actors.surfaces.shapes import clean
from protocols.files import FileKind
from protocols.ids import EventId, RowId, RunId
from tests.actors.matrix.incoming.events import EVENT, ME, Json, message, read, said
from tests.actors.telegram.json_values import JSON, places_in, with_change

WHOLE: Json = message(
    "Robo Cop: look",
    "m.image",
    content={
        "filename": "cat.png",
        "url": "mxc://a/b",
        "info": {"size": 5, "mimetype": "image/png"},
        "m.mentions": {"user_ids": [ME]},
        "m.relates_to": {
            "rel_type": "m.thread",
            "event_id": "$root",
            "m.in_reply_to": {"event_id": "$old"},
        },
    },
)


@given(EVENT)
@example(message(unsigned={"redacted_because": {}}))
def test_no_event_can_raise_and_what_is_read_can_be_stored(event: Json) -> None:
    found = read(event)

    if found is not None and not isinstance(found, Unreadable):
        str(asdict(found)).encode()


@given(JSON)
def test_a_real_event_with_anything_in_any_place_raises_nothing(value: Any) -> None:
    for place in places_in(WHOLE):
        read(with_change(WHOLE, place, value))
        read(with_change(WHOLE, place, value, is_removed=True))


def test_a_message_is_something_said() -> None:
    origin = Origin(EventId("$one"), "@alice:here", "Alice", 1_700_000_000.123)

    assert read(message()) == Said(origin, "hello")


def test_somebody_without_a_name_is_called_by_their_id() -> None:
    assert said(message(sender="@bob:here")).origin.sender_name == "bob"


@pytest.mark.parametrize(
    "event",
    [
        message(msgtype="m.notice"),
        message(msgtype="m.server_notice"),
        message(msgtype="m.key.verification.request"),
        message(sender=ME),
        message(sender=ME, event_id=7, unsigned={"transaction_id": draft_txn(RowId(1), None)}),
        message(state_key=""),
        message(unsigned={"redacted_because": {}}),
        {"type": "m.room.message", "content": {}, "unsigned": {"redacted_because": {}}},
        message(type="m.reaction"),
        message(type="m.room.redaction"),
        message(type="m.room.encrypted"),
        message(type="m.room.encrypted", event_id=7),
        message(type="m.call.invite"),
        message(type=["m.room.message"]),
        {"type": "m.reaction"},
        {},
    ],
)
def test_what_nobody_says_to_us_is_nothing(event: Json) -> None:
    assert read(event) is None


@pytest.mark.parametrize("msgtype", ["m.image", "m.file", "m.audio", "m.location", "org.other"])
def test_what_holds_nothing_that_we_can_read_is_a_message_without_words(msgtype: str) -> None:
    found = said(message(msgtype=msgtype))

    assert (found.text, found.files) == ("", ())


@pytest.mark.parametrize("kind", ["m.poll.start", "org.matrix.msc3381.poll.start"])
def test_a_poll_is_a_message_without_words(kind: str) -> None:
    assert said(message(type=kind)).text == ""


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (message(body=None), "a message without its kind or text"),
        (message(msgtype=7), "a message without its kind or text"),
        (message() | {"content": []}, "a message without its kind or text"),
        (message(event_id=7), "an event without its id or sender"),
        (message(event_id="$\ud800"), "an event without its id or sender"),
        (message(sender="alice"), "an event without its id or sender"),
        (message(origin_server_ts="now"), "a message from no possible time"),
        (message(origin_server_ts=-1), "a message from no possible time"),
        (message(origin_server_ts=True), "a message from no possible time"),
        (message(origin_server_ts=10**400), "a message from no possible time"),
    ],
)
def test_what_is_not_what_the_specification_says_is_unreadable(event: Json, reason: str) -> None:
    found = read(event)

    assert isinstance(found, Unreadable)
    assert found.reason == reason
    assert "hello" not in repr(found)


def test_an_event_too_deep_to_be_written_is_kept_without_its_body() -> None:
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]

    found = read(message(body=deep))

    assert found == Unreadable("a message without its kind or text", "")
    while deep:  # taken apart here: as one it is too deep for the interpreter to free
        deep = deep.pop()


def test_an_emote_is_words_too() -> None:
    assert said(message(msgtype="m.emote")).text == "hello"


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("> <@a:b> old\n> older\n\nnew", "new"),
        ("> <@a:b> old\n\nnew\n\n> kept", "new\n\n> kept"),
        ("> * <@a:b> waves\n\nnew", "new"),
        ("> <@a:b> only a quotation", ""),
        ("> a quotation of my own", "> a quotation of my own"),
        ("plain", "plain"),
    ],
)
def test_the_quotation_before_a_reply_is_left_out(body: str, text: str) -> None:
    relation = {"m.relates_to": {"m.in_reply_to": {"event_id": "$old"}}}

    found = said(message(body, content=relation))

    assert (found.text, found.reply_to) == (text, "$old")


def test_a_quotation_that_is_no_reply_is_kept() -> None:
    assert said(message("> <@a:b> old\n\nnew")).text == "> <@a:b> old\n\nnew"


def test_half_a_surrogate_is_replaced() -> None:
    assert clean("a\ud800b") == "a?b"


def test_our_own_draft_is_recognised_by_its_transaction() -> None:
    txn = draft_txn(RowId(7), RunId("run"))

    found = read(message(sender=ME, unsigned={"transaction_id": txn}))

    assert found == OwnDraft(RowId(7), txn, "$one")


def test_our_own_draft_is_recognised_in_an_encrypted_room() -> None:
    txn = draft_txn(RowId(7), RunId("run"))
    event = message(type="m.room.encrypted", sender=ME, unsigned={"transaction_id": txn})

    assert read(event) == OwnDraft(RowId(7), txn, "$one")


def test_drafts_of_two_databases_do_not_share_a_transaction() -> None:
    assert draft_txn(RowId(1), RunId("a")) != draft_txn(RowId(1), RunId("b"))


def edit(new: Any, **outer: Any) -> Json:
    relation = {"rel_type": "m.replace", "event_id": "$old"}
    return message("* new", content={"m.new_content": new, "m.relates_to": relation, **outer})


def test_an_edit_is_the_new_words_of_the_message_that_it_names() -> None:
    found = said(edit({"msgtype": "m.text", "body": "new"}))

    assert (found.text, found.edits, found.origin.event_id) == ("new", "$old", "$one")


@pytest.mark.parametrize(
    "event",
    [
        edit({"msgtype": "m.notice", "body": "new"}),
        edit({"msgtype": "m.text"}),
        edit([]),
        edit(None),
        edit({"msgtype": "m.text", "body": "new"}, **{"m.relates_to": {"rel_type": "m.replace"}}),
    ],
)
def test_an_edit_that_says_nothing_new_is_nothing(event: Json) -> None:
    assert read(event) is None


def test_whom_an_edit_mentions_stands_in_its_new_words_or_beside_them() -> None:
    new = {"msgtype": "m.text", "body": "new"}
    mentions = {"m.mentions": {"user_ids": [ME]}}

    assert said(edit(new | mentions)).is_to_us
    assert said(edit(new, **mentions)).is_to_us
    assert not said(edit(new | {"m.mentions": {}}, **mentions)).is_to_us


def reaction(key: Any, target: Any = "$old", kind: Any = "m.annotation") -> Json:
    relation = {"rel_type": kind, "event_id": target, "key": key}
    return message(type="m.reaction") | {"content": {"m.relates_to": relation}}


@pytest.mark.parametrize("key", ["1\ufe0f\u20e3", "1\u20e3"])
def test_a_reaction_is_the_same_however_its_client_draws_it(key: str) -> None:
    found = read(reaction(key))

    assert isinstance(found, Reacted)
    assert (found.target, found.key) == ("$old", "1\u20e3")


@pytest.mark.parametrize(
    "event", [reaction(""), reaction(7), reaction("x", "old"), reaction("x", kind="m.thread")]
)
def test_what_is_no_reaction_is_nothing(event: Json) -> None:
    assert read(event) is None


@pytest.mark.parametrize("event", [{"redacts": "$old"}, {"content": {"redacts": "$old"}}])
def test_a_redaction_names_its_event_in_either_place(event: Json) -> None:
    found = read(message(type="m.room.redaction") | event)

    assert isinstance(found, TakenBack)
    assert found.target == "$old"


def test_a_sticker_is_a_picture_and_its_words() -> None:
    event = message(type="m.sticker") | {"content": {"body": "a  cat\nwaves", "url": "mxc://a/b"}}

    found = said(event)

    assert found.text == "Sticker: a cat waves"
    assert [file.kind for file in found.files] == [FileKind.PHOTO]


def test_a_thread_and_the_reply_in_it_are_told() -> None:
    found = said(WHOLE)

    assert (found.thread, found.reply_to, found.text) == ("$root", "$old", "look")
    assert [file.name for file in found.files] == ["cat.png"]
    assert found.is_to_us
