"""What a batch comes to, and which of its updates are new."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.telegram.batch import News, news_in, read_batch
from actors.telegram.meaning import ChatLost, Reader
from actors.telegram.origin import room_id
from actors.telegram.outcomes import Ambiguous, Me
from actors.telegram.settings import GroupMode
from actors.words import Word, say
from protocols.ids import Language
from protocols.store import AddDeadLetter, AddOutgoing, PutKey, Voice
from protocols.surfaces import AnswerPress
from tests.actors.telegram.fake_bot_api import ALICE, GROUP, PRIVATE, message
from tests.actors.telegram.json_values import JSON

RUSSIAN = ALICE | {"language_code": "ru"}
READER = Reader(Me(4242, "agent_bot"), GroupMode.ALL)


def numbered(*numbers: int) -> list[dict[str, Any]]:
    return [{"update_id": number} for number in numbers]


@pytest.mark.parametrize(
    ("numbers", "offset", "fresh", "then"),
    [
        ([], 5, [], 5),
        ([5, 6, 9], 5, [5, 6, 9], 10),
        ([3, 4, 5], 5, [5], 6),
        ([3, 4], 5, [], 5),
        ([70], 900_000, [70], 71),
        ([0], 0, [0], 1),
    ],
)
def test_only_what_was_not_taken_before_is_new(
    numbers: list[int], offset: int, fresh: list[int], then: int
) -> None:
    assert news_in(numbered(*numbers), offset) == News(tuple(numbered(*fresh)), then)


def test_what_has_no_number_is_taken_only_with_something_that_confirms_it() -> None:
    assert news_in([None, {"update_id": 5}], 5) == News((None, {"update_id": 5}), 6)
    assert isinstance(news_in([None, {"update_id": 4}], 5), Ambiguous)


@given(st.lists(JSON | st.integers(0, 20).map(lambda n: {"update_id": n})), st.integers(0, 10))
def test_the_offset_never_passes_what_was_not_handed_over(items: list[Any], offset: int) -> None:
    news = news_in(items, offset)

    if isinstance(news, News) and news.updates:
        numbers = [item["update_id"] for item in news.updates if _has_number(item)]
        assert news.offset == max(numbers) + 1
        assert all(number >= offset for number in numbers)


def _has_number(item: Any) -> bool:
    return isinstance(item, dict) and type(item.get("update_id")) is int


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

    assert [arrival.text for arrival in batch.arrivals] == ["one", "two"]
    assert batch.noted == [room_id(7), room_id(-100)]
    assert batch.extra == [
        AddOutgoing(room_id(7), Voice.GATEWAY, say(Word.UNREADABLE_KIND, Language(""))),
        AddOutgoing(room_id(-100), Voice.GATEWAY, say(Word.UNREADABLE_KIND, Language("ru"))),
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
