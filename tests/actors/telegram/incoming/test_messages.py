"""What a message and an edit of one mean."""

from typing import Any

import pytest
from attrs import evolve

from actors.telegram.incoming.aliases import Aliases
from actors.telegram.incoming.meaning import (
    ChatMoved,
    Decoded,
    Ignored,
    Reader,
    Unreadable,
)
from protocols.files import FileKind
from protocols.ids import EventId, Language, PersonId, RemoteId, RoomId, TraceId
from protocols.journal import Arrival
from tests.actors.telegram.fake_bot_api import ALICE, BOT, GROUP, PRIVATE, mention, message
from tests.actors.telegram.reading import ALL, READER, arrival, in_group, read

BY_BOT = {"message_id": 3, "from": BOT, "chat": GROUP, "date": 900, "text": "my answer"}
BY_BOB = BY_BOT | {"from": {"id": 8, "is_bot": False, "first_name": "Bob"}, "text": "two\n\nlines"}
PHOTO = {"file_id": "f", "width": 90, "height": 90}


def test_a_private_message_is_an_arrival_with_everything_about_it() -> None:
    found = arrival(message("hello 🙂", message_id=33) | {"from": ALICE | {"language_code": "ru"}})

    assert found == Arrival(
        event_id=EventId("5"),
        room=RoomId("telegram/7"),
        sender=PersonId("telegram:7"),
        sender_name="Alice Ames",
        text="hello 🙂",
        sent_at=1000.0,
        trace=found.trace,
        message_id=RemoteId("33"),
        language=Language("ru"),
    )
    assert len(found.trace) == 32
    assert found.trace != TraceId("")


@pytest.mark.parametrize(("before", "is_backlog"), [(0.0, False), (1000.0, False), (1001.0, True)])
def test_what_was_sent_before_we_came_back_is_backlog(before: float, *, is_backlog: bool) -> None:
    found = arrival(message(), evolve(READER, backlog_before=before))

    assert found.is_backlog is is_backlog


# Groups.


@pytest.mark.parametrize("kind", ["message", "edited_message"])
def test_others_read_what_is_said_in_a_group_and_not_in_private(kind: str) -> None:
    in_private = message("hello", edit_date=1300)

    assert arrival(in_group("hello", edit_date=1300), ALL, kind).is_shared
    assert not arrival(in_private, ALL, kind).is_shared


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
    assert arrival(said).text == heard


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
    assert arrival(in_group("hello all"), ALL).text == "hello all"


@pytest.mark.parametrize("reader", [READER, ALL])
def test_a_command_for_another_bot_is_never_ours(reader: Reader) -> None:
    command = mention("/new@other_bot", "/new@other_bot", "bot_command")

    assert read(in_group("/new@other_bot", command, reply_to_message=BY_BOT), reader) == Ignored(
        "not for us"
    )


def test_a_reply_quotes_what_it_replies_to() -> None:
    assert arrival(message("yes", reply_to_message=BY_BOB)).text == "> two\n>\n> lines\n\nyes"


def test_in_a_group_the_picture_that_is_asked_about_comes_along() -> None:
    question = in_group("@agent_bot this?", mention("@agent_bot this?", "@agent_bot"))
    picture = message(None, chat=GROUP, photo=[PHOTO], caption="look")

    found = arrival(question | {"reply_to_message": picture})

    assert found.text == "> [photo] look\n\nthis?"
    assert [file.handle for file in found.files] == ["f"]


@pytest.mark.parametrize(
    ("said", "sender"),
    [
        (message("this?"), ALICE),
        (in_group("this?"), BOT),
        (in_group("/stop"), ALICE),
    ],
)
def test_what_the_agent_knows_or_does_not_need_does_not_come_along(
    said: dict[str, Any], sender: dict[str, Any]
) -> None:
    picture = message(None, photo=[PHOTO]) | {"from": sender}

    assert arrival(said | {"reply_to_message": picture}, ALL).files == ()


# What is no text.


def test_a_picture_is_an_arrival_with_its_file_and_its_caption() -> None:
    plain = arrival(message(None, photo=[PHOTO]))
    captioned = arrival(message(None, video=PHOTO, caption="look"))

    assert plain.text == ""
    assert [(file.kind, file.handle) for file in plain.files] == [(FileKind.PHOTO, "f")]
    assert captioned.text == "look"
    assert [file.kind for file in captioned.files] == [FileKind.VIDEO]


def test_a_place_is_an_arrival_in_words() -> None:
    found = arrival(message(None, location={"latitude": 1, "longitude": 2}))

    assert (found.text, found.files) == ("Location: 1, 2", ())


def test_a_sticker_in_a_reply_has_its_quotation_words_and_file() -> None:
    found = arrival(message(None, sticker=PHOTO | {"emoji": "🙂"}, reply_to_message=BY_BOT))

    assert found.text == "> my answer\n\nSticker: 🙂"
    assert len(found.files) == 1


def test_a_picture_in_a_group_is_for_us_when_its_caption_says_so_or_it_replies_to_us() -> None:
    caption = "what is this, @agent_bot"
    picture = message(None, chat=GROUP, photo=[PHOTO], caption=caption)
    entities = [mention(caption, "@agent_bot")]

    assert read(picture) == Ignored("not for us")
    assert arrival(picture | {"caption_entities": entities}).text == "what is this,"
    assert arrival(picture | {"reply_to_message": BY_BOT}).files


@pytest.mark.parametrize(
    "sent", [{"poll": {}}, {"story": {}}, {"photo": []}, {"voice": 5}, {"hologram": {}}]
)
def test_what_we_cannot_read_is_a_message_that_says_nothing(sent: dict[str, Any]) -> None:
    said = message(None, message_id=33, **sent) | {"from": ALICE | {"language_code": "ru"}}

    found = arrival(said)

    assert (found.text, found.files, found.edits) == ("", (), None)
    assert (found.room, found.sender) == (RoomId("telegram/7"), PersonId("telegram:7"))
    assert (found.language, found.message_id) == (Language("ru"), RemoteId("33"))


def test_a_poll_about_somebody_elses_words_or_picture_says_no_more_than_a_poll() -> None:
    quoted = arrival(message(None, poll={}, reply_to_message=BY_BOB))
    pointed = arrival(in_group("@agent_bot") | {"text": "", "poll": {}, "reply_to_message": BY_BOT})
    picture = message(None, chat=GROUP, photo=[PHOTO])
    of_all = arrival(message(None, chat=GROUP, poll={}, reply_to_message=picture), ALL)

    assert [(found.text, found.files) for found in (quoted, pointed, of_all)] == [("", ())] * 3


def test_the_caption_of_what_we_cannot_read_is_heard() -> None:
    assert arrival(message(None, paid_media={}, caption="look")).text == "look"


@pytest.mark.parametrize("reader", [READER, ALL])
def test_a_group_is_not_bothered_with_what_may_be_nothing(reader: Reader) -> None:
    assert read(message(None, chat=GROUP, hologram={}), reader) == Ignored("nothing that was said")
    assert read(message(None, chat=GROUP, poll={})) == Ignored("not for us")


@pytest.mark.parametrize(
    ("found", "meant"),
    [
        (read(message() | {"from": BOT}), "not from a person"),
        (read(message() | {"from": BOT | {"id": 1}}), "not from a person"),
        (read(message(chat={"id": -5, "type": "channel"})), "not from a person"),
        (read({"message_id": 1, "chat": PRIVATE, "date": 5, "text": "x"}), "not from a person"),
        (read(message(None, pinned_message={})), "nothing that was said"),
        (read(message(None, forum_topic_created={"name": "x"})), "nothing that was said"),
        (read(message(None, chat=GROUP, new_chat_members=[ALICE])), "nothing that was said"),
        (read(message("")), "nothing that was said"),
    ],
)
def test_what_is_nothing_to_us_is_ignored(found: Decoded, meant: str) -> None:
    assert found == Ignored(meant)


def test_a_group_that_moves_is_told() -> None:
    new = GROUP | {"id": -1001}

    assert read(message(None, chat=GROUP, migrate_to_chat_id=-1001)) == ChatMoved(-100, -1001)
    assert read(message(None, chat=new, migrate_from_chat_id=-100)) == ChatMoved(-100, -1001)


def test_what_is_said_in_a_group_that_moved_is_said_in_the_room_it_had() -> None:
    reader = evolve(ALL, aliases=Aliases().after(-5, -100))

    assert arrival(in_group("hi"), reader).room == RoomId("telegram/-5")
    assert arrival(in_group("hi"), reader, "edited_message").room == RoomId("telegram/-5")


def test_an_anonymous_admin_is_heard_as_the_group() -> None:
    fake = {"from": {"id": 1087968824, "is_bot": True}, "sender_chat": GROUP}

    found = arrival(in_group("hi") | fake, ALL)

    assert (found.sender, found.sender_name) == (PersonId("telegram:-100"), "All of us")


# Edits.


def test_an_edit_is_an_arrival_of_its_own_that_names_what_it_edits() -> None:
    edited = message("better", message_id=33, edit_date=1300)

    found = arrival(edited, evolve(READER, backlog_before=1200), "edited_message")

    assert found.event_id == EventId("5")
    assert (found.edits, found.message_id) == (RemoteId("33"), RemoteId("33"))
    assert (found.text, found.sent_at, found.is_backlog) == ("better", 1300.0, False)


def test_an_edit_reads_as_a_message_does() -> None:
    said = in_group(HEY, mention(HEY, "@Agent_Bot"), reply_to_message=BY_BOB)

    assert arrival(said, kind="edited_message").text == arrival(said).text
    assert read(in_group("hello all"), kind="edited_message") == Ignored("not for us")
    assert read(message() | {"from": BOT}, kind="edited_message") == Ignored("not from a person")


def test_the_caption_of_a_picture_is_edited_too() -> None:
    edited = message(None, message_id=33, photo=[PHOTO], caption="better")

    found = arrival(edited, kind="edited_message")

    assert (found.text, found.edits) == ("better", RemoteId("33"))
    assert len(found.files) == 1


def test_the_new_words_below_what_we_cannot_read_are_heard() -> None:
    edited = message(None, paid_media={}, caption="better")

    assert arrival(edited, kind="edited_message").text == "better"


@pytest.mark.parametrize(
    "changed", [{"location": {"latitude": 1, "longitude": 2}}, {"photo": []}, {"poll": {}}, {}]
)
def test_what_changes_without_words_is_no_edit(changed: dict[str, Any]) -> None:
    assert read(message(None, **changed), kind="edited_message") == Ignored("an edit without words")


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"message_id": 0}, "an edit of no message"),
        ({"edit_date": "now"}, "a message from no possible time"),
    ],
)
def test_an_edit_that_cannot_be_read_is_kept_with_a_reason(
    fields: dict[str, Any], reason: str
) -> None:
    found = read(message(**fields), kind="edited_message")

    assert isinstance(found, Unreadable)
    assert found.reason == reason
