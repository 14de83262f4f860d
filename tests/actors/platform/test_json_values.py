"""JSON taken with care."""

import pytest
from hypothesis import given

from actors.platform.json_values import (
    count_of,
    fraction_of,
    instant_of,
    list_of,
    object_of,
    text_of,
)
from tests.actors.platform.json_things import ANY_JSON


@given(ANY_JSON)
def test_whatever_comes_is_taken_as_what_it_should_be(value: object) -> None:
    text_of(value).encode()
    assert isinstance(object_of(value), dict)
    assert isinstance(list_of(value), list)
    assert (count_of(value) or 0) >= 0
    assert 0.0 <= (fraction_of(value) or 0.0) <= 1.0
    assert isinstance(instant_of(value), float | None)


def test_half_a_character_is_replaced_and_a_whole_one_is_not() -> None:
    assert text_of("a\ud83d") == "a\ufffd"
    assert text_of("\ud83d\ude00 é") == "😀 é"


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("1970-01-01T00:01:00Z", 60.0),
        ("1970-01-01T01:00:00+01:00", 0.0),
        ("1970-01-01T00:00:01", 1.0),
        ("0001-01-01T00:00:00+23:59", -62135683140.0),
        ("soon", None),
        (7, None),
    ],
)
def test_a_time_is_seconds_since_the_epoch(said: object, seconds: float | None) -> None:
    assert instant_of(said) == seconds


def test_true_is_no_number() -> None:
    value: object = True

    assert (count_of(value), fraction_of(value)) == (None, None)
