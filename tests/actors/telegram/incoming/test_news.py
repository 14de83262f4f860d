"""Which updates of an answer are new."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.telegram.api.outcomes import Ambiguous
from actors.telegram.incoming.news import News, news_in
from tests.actors.telegram.json_values import JSON


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
