"""What a message may hold."""

from collections import Counter

from actors.telegram.api.vocabulary import SendMessage
from actors.telegram.incoming.kinds import FILES, FRAME, SERVICE, UNREAD, WORDLESS, is_new, is_sent
from tests.actors.telegram.fake_bot_api import message

PLACES = Counter([*FILES, *WORDLESS, *UNREAD, *SERVICE, *FRAME])


def test_every_member_of_a_message_that_aiogram_knows_has_its_place() -> None:
    members = SendMessage.__returning__.model_fields

    assert {name.replace("from_user", "from") for name in members} == PLACES.keys()


def test_only_a_sticker_has_two_places() -> None:
    assert [name for name, places in PLACES.items() if places > 1] == ["sticker"]


def test_what_telegram_says_of_a_chat_is_nothing_that_somebody_sent() -> None:
    assert is_sent(message(None, poll={}))
    assert not is_sent(message(None, forum_topic_created={"name": "x"}))


def test_a_member_of_the_future_is_new() -> None:
    assert is_new(message(None, hologram={}))
    assert not is_new(message(None, sender_tag="y", poll={}))
    assert not is_new(message(None, new_chat_title="x"))
    assert not is_new(message(None, pinned_message={}, pinned_by_hologram=True))
