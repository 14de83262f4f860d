"""Albums: when they are complete, and what they come to."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.telegram.incoming.albums import MOST_LOOKS, AlbumWatch, whole
from actors.telegram.incoming.decode import decode
from actors.telegram.incoming.meaning import Decoded, Ignored, Part
from actors.telegram.incoming.news import News
from protocols.ids import EventId, RemoteId
from protocols.journal import Arrival
from tests.actors.telegram.fake_bot_api import BOT, GROUP, mention, message
from tests.actors.telegram.json_values import JSON
from tests.actors.telegram.reading import ALL, READER

MENTION = "see, @agent_bot"
TO_US: dict[str, Any] = {
    "caption": MENTION, "caption_entities": [mention(MENTION, "@agent_bot")]
}  # fmt: skip
TO_ANOTHER: dict[str, Any] = {
    "caption": "/see@other_bot",
    "caption_entities": [mention("/see@other_bot", "/see@other_bot", "bot_command")],
}
BY_BOT = {"message_id": 3, "from": BOT, "chat": GROUP, "date": 900, "text": "show me"}


def picture(number: int, album: str = "a", **fields: Any) -> dict[str, Any]:
    """The update of one part of an album; its file is named for its number."""
    photo = [{"file_id": f"f{number}"}]
    sent = message(None, message_id=number, photo=photo, media_group_id=album, **fields)
    return {"update_id": number, "message": sent}


def text(number: int) -> dict[str, Any]:
    return {"update_id": number, "message": message(f"t{number}", message_id=number)}


def news(*updates: dict[str, Any]) -> News:
    return News(updates, updates[-1]["update_id"] + 1 if updates else 0)


def numbers(taken: News) -> list[int]:
    return [update["update_id"] for update in taken.updates]


def looks(watch: AlbumWatch, *answers: News) -> list[tuple[list[int], int]]:
    """What each look lets through, and the offset after it."""
    return [(numbers(taken), taken.offset) for taken in map(watch.complete, answers)]


# When it is complete.


def test_what_holds_no_album_is_taken_at_once() -> None:
    watch = AlbumWatch()

    assert looks(watch, news(text(1), text(2)), News((), 3)) == [([1, 2], 3), ([], 3)]
    assert not watch.is_waiting


def test_an_album_is_taken_when_a_second_look_finds_no_new_part() -> None:
    watch = AlbumWatch()
    first, second = news(text(1), picture(2), picture(3)), news(picture(2), picture(3), text(4))

    assert looks(watch, first) == [([1], 2)]
    assert watch.is_waiting
    assert looks(watch, second) == [([2, 3, 4], 5)]
    assert not watch.is_waiting


def test_an_album_that_grows_is_looked_at_again_but_not_for_ever() -> None:
    watch = AlbumWatch()
    answers = [news(*map(picture, range(1, 3 + look))) for look in range(MOST_LOOKS)]

    assert looks(watch, *answers) == [([], 1), ([], 1), ([1, 2, 3, 4], 5)]
    assert not watch.is_waiting


def test_what_comes_after_an_album_waits_for_it() -> None:
    watch = AlbumWatch()

    assert looks(watch, news(picture(1), text(2), text(3))) == [([], 1)]


def test_a_second_album_is_waited_for_anew_and_the_first_is_not_kept_back_by_it() -> None:
    watch = AlbumWatch()
    one, two = (picture(1), picture(2)), (picture(3, "b"), picture(4, "b"))

    assert looks(watch, news(*one), news(*one, two[0]), news(*two), news(*two)) == [
        ([], 1), ([1, 2], 3), ([], 3), ([3, 4], 5),
    ]  # fmt: skip


def test_no_album_is_cut_by_another_that_began_inside_it() -> None:
    watch = AlbumWatch()
    woven = [picture(1), picture(2, "b"), picture(3), picture(4, "c"), picture(5, "b")]

    assert looks(watch, news(*woven[:4]), news(*woven), news(*woven)) == [
        ([], 1), ([], 1), ([1, 2, 3, 4, 5], 6),
    ]  # fmt: skip


def test_what_telegram_forgot_meanwhile_is_waited_for_no_more() -> None:
    watch = AlbumWatch()

    assert looks(watch, news(picture(1)), News((), 1)) == [([], 1), ([], 1)]
    assert not watch.is_waiting


def test_the_same_album_id_in_two_chats_is_two_albums() -> None:
    watch = AlbumWatch()
    here, there = picture(1), picture(2, chat=GROUP)

    assert looks(watch, news(here), news(here, there)) == [([], 1), ([1], 2)]


@pytest.mark.parametrize("group_id", [None, "", 5, [], "x" * 129])
def test_what_is_no_album_is_not_waited_for(group_id: Any) -> None:
    watch = AlbumWatch()

    assert looks(watch, news(picture(1, group_id))) == [([1], 2)]


@given(st.lists(st.sampled_from(["", "a", "b", "c"]), max_size=12), st.data())
def test_however_albums_come_all_is_taken_once_in_order_and_soon(
    kinds: list[str], data: st.DataObject
) -> None:
    coming = [picture(n, kind) if kind else text(n) for n, kind in enumerate(kinds, 1)]
    watch, taken, offset, came, polls = AlbumWatch(), [], 1, 0, 0

    while offset <= len(coming):
        came = data.draw(st.integers(came, len(coming)))
        waiting = [update for update in coming[:came] if update["update_id"] >= offset]
        ready = watch.complete(News(tuple(waiting), came + 1 if waiting else offset))
        taken += numbers(ready)
        assert ready.offset >= offset
        assert all(number < ready.offset for number in numbers(ready))
        polls = 0 if ready.offset > offset or not waiting else polls + 1
        assert polls < MOST_LOOKS
        offset = ready.offset

    assert taken == list(range(1, len(coming) + 1))


@given(st.lists(JSON | st.just(picture(3))), st.integers(0, 9))
def test_any_json_may_come_with_an_album(items: list[Any], offset: int) -> None:
    watch, number = AlbumWatch(), 1
    taken = watch.complete(News(tuple(items), offset))

    while watch.is_waiting:
        taken, number = watch.complete(News(tuple(items), offset)), number + 1

    assert number <= MOST_LOOKS
    assert taken == News(tuple(items), offset)


# What it comes to.


def parts(*updates: dict[str, Any]) -> list[Part]:
    found = [decode(update, READER) for update in updates]
    assert all(isinstance(one, Part) for one in found)
    return [one for one in found if isinstance(one, Part)]


def in_all(update: dict[str, Any]) -> Decoded:
    return decode(update, ALL)


def test_an_album_is_one_message_with_the_files_of_all_and_the_first_words() -> None:
    said = {"caption": "look"}

    found = whole(parts(picture(1), picture(2, **said), picture(3, caption="no")))

    assert isinstance(found, Arrival)
    assert found.event_id == EventId("1")
    assert found.text == "look"
    assert [file.handle for file in found.files] == ["f1", "f2", "f3"]


def test_an_edit_of_an_albums_words_finds_it() -> None:
    with_words = whole(parts(picture(1), picture(2, caption="look")))
    without = whole(parts(picture(1), picture(2)))

    assert isinstance(with_words, Arrival)
    assert isinstance(without, Arrival)
    assert with_words.message_id == RemoteId("2")
    assert without.message_id == RemoteId("1")


def test_an_album_in_a_reply_quotes_once() -> None:
    reply: dict[str, Any] = {"reply_to_message": message("which one?")}

    found = whole(parts(picture(1, **reply), picture(2, caption="this", **reply)))

    assert isinstance(found, Arrival)
    assert found.text == "> which one?\n\nthis"


def test_an_album_about_a_picture_has_that_once() -> None:
    reply: dict[str, Any] = {
        "reply_to_message": message(None, chat=GROUP, photo=[{"file_id": "old"}])
    }
    updates = picture(1, chat=GROUP, **reply), picture(2, chat=GROUP, **reply)

    found = whole([one for one in map(in_all, updates) if isinstance(one, Part)])

    assert isinstance(found, Arrival)
    assert [file.handle for file in found.files] == ["f1", "f2", "old"]


@pytest.mark.parametrize("fields", [TO_US, {"reply_to_message": BY_BOT}])
def test_in_a_group_an_album_is_for_us_if_any_part_is(fields: dict[str, Any]) -> None:
    found = whole(parts(picture(1, chat=GROUP), picture(2, chat=GROUP, **fields)))

    assert isinstance(found, Arrival)
    assert len(found.files) == 2


def test_in_a_group_an_album_is_left_alone_if_no_part_is_for_us() -> None:
    among_us = parts(picture(1, chat=GROUP), picture(2, chat=GROUP, caption="see"))

    assert whole(among_us) == Ignored("not for us")
    assert isinstance(whole(among_us, is_known=True), Arrival)


def test_an_album_under_a_command_for_another_bot_is_never_ours() -> None:
    updates = picture(1, chat=GROUP), picture(2, chat=GROUP, **TO_ANOTHER)

    found = whole([one for one in map(in_all, updates) if isinstance(one, Part)])

    assert found == Ignored("not for us")
