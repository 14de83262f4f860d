"""What a batch comes to."""

from typing import Any

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from actors.telegram.api.outcomes import Me
from actors.telegram.incoming.aliases import Aliases
from actors.telegram.incoming.batch import aliases_in, read_batch
from actors.telegram.incoming.meaning import ChatLost, Reader
from actors.telegram.incoming.origin import Album, room_id
from actors.telegram.settings import GroupMode
from actors.words import Word, say
from protocols.changes import AddDeadLetter, PutKey
from protocols.ids import Language
from protocols.surfaces import AnswerPress
from tests.actors.telegram.fake_bot_api import ALICE, GROUP, PRIVATE, message
from tests.actors.telegram.json_values import JSON

RUSSIAN = ALICE | {"language_code": "ru"}
PHOTO = [{"file_id": "f"}]
READER = Reader(Me(4242, "agent_bot"), GroupMode.ALL)


@given(st.lists(JSON, max_size=10))
def test_no_batch_keeps_another_message_back(poison: list[Any]) -> None:
    updates = [*poison, {"update_id": 7, "message": message("hello")}]

    assert read_batch(updates, READER).arrivals[-1].text == "hello"


def test_each_kind_of_news_goes_its_way() -> None:
    kinds: list[dict[str, Any]] = [
        {"message": message("one")},
        {"message": message(None, photo=[], caption="two")},
        {"message": message(None, poll={})},
        {"message": message(None, poll={}, chat=GROUP) | {"from": RUSSIAN}},
        {"message": message(None, chat=GROUP, migrate_to_chat_id=-5)},
        {"message": 5},
        {"my_chat_member": {"chat": PRIVATE, "new_chat_member": {"status": "kicked"}}},
        {"callback_query": {"id": "9", "from": ALICE}},
        {"of_the_future": {}},
    ]
    updates = [{"update_id": number} | kind for number, kind in enumerate(kinds)]

    batch = read_batch(updates, READER)

    assert [arrival.text for arrival in batch.arrivals] == ["one", "two", "", ""]
    assert batch.extra == [
        PutKey("telegram_moved:-100", "-5"),
        AddDeadLetter(
            "telegram",
            "telegram update",
            "a message without its chat",
            '{"update_id": 5, "message": 5}',
        ),
    ]
    assert batch.lost == [ChatLost(room_id(7), "the person blocked the bot")]
    [answer] = batch.answers
    assert answer == AnswerPress(room_id(7), "9", say(Word.PRESS_UNKNOWN, Language("")))
    assert batch.ignored == 1


def album_part(number: int, **fields: Any) -> dict[str, Any]:
    sent = message(None, photo=PHOTO, media_group_id="a", message_id=number, **fields)
    return {"update_id": number, "message": sent}


def test_after_a_move_the_new_id_is_the_old_room_at_once() -> None:
    new = GROUP | {"id": -1001}
    updates = [
        {"update_id": 1, "message": message("before", chat=new)},
        {"update_id": 2, "message": message(None, chat=GROUP, migrate_to_chat_id=-1001)},
        {"update_id": 3, "message": message(None, chat=new, migrate_from_chat_id=-100)},
        {"update_id": 4, "message": message("after", chat=new)},
    ]

    batch = read_batch(updates, READER)

    assert [one.room for one in batch.arrivals] == [room_id(-1001), room_id(-100)]
    assert batch.extra == [PutKey("telegram_moved:-100", "-1001")] * 2
    assert batch.aliases == Aliases().after(-100, -1001)


def test_moves_that_the_journal_knows_are_read_and_nonsense_is_not() -> None:
    keys = [("-100", "-1001"), ("x", "-1"), ("-5", '"-6"'), ("-7", ""), ("-8", "9" * 5000)]

    found = aliases_in([(f"telegram_moved:{old}", value) for old, value in keys])

    assert found == Aliases().after(-100, -1001)


def test_an_album_is_one_arrival_in_the_place_of_its_first_part() -> None:
    between = {"update_id": 2, "message": message("between")}

    batch = read_batch([album_part(1), between, album_part(3, caption="look")], READER)

    assert [(one.text, len(one.files)) for one in batch.arrivals] == [("look", 2), ("between", 0)]
    assert batch.albums == [Album(7, "a")]


def test_a_late_part_of_an_album_that_was_for_us_is_for_us() -> None:
    reader = evolve(READER, group_mode=GroupMode.MENTION)
    late = [album_part(9, chat=GROUP)]

    assert not read_batch(late, reader).arrivals
    assert len(read_batch(late, reader, [Album(-100, "a")]).arrivals) == 1


def test_an_album_that_is_not_for_us_is_one_thing_ignored() -> None:
    reader = evolve(READER, group_mode=GroupMode.MENTION)

    batch = read_batch([album_part(1, chat=GROUP), album_part(2, chat=GROUP)], reader)

    assert (batch.arrivals, batch.albums, batch.ignored) == ([], [], 1)
