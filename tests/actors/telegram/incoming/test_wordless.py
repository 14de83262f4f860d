"""What is sent without words, in words."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.telegram.incoming.kinds import WORDLESS
from actors.telegram.incoming.wordless import words_for
from tests.actors.telegram.json_values import JSON, places_in, with_change

BERLIN = {"latitude": 52.52, "longitude": 13.405}
CAFE = {"title": "Café", "address": "Main Street 5", "location": BERLIN}
ANNA = {"first_name": "Anna", "last_name": "Ames", "phone_number": "+4930123", "vcard": "BEGIN"}
REAL = [
    {"location": BERLIN},
    {"venue": CAFE, "location": BERLIN},
    {"contact": ANNA},
    {"dice": {"emoji": "🎰", "value": 64}},
    {"sticker": {"file_id": "x", "emoji": "👩‍🚀"}},
]
CHANGES = [(raw, place) for raw in REAL for place in places_in(raw)]


@pytest.mark.parametrize(
    ("raw", "words"),
    list(
        zip(
            REAL,
            [
                "Location: 52.52, 13.405",
                "Venue: Café, Main Street 5 (52.52, 13.405)",
                "Contact: Anna Ames, +4930123",
                "Dice 🎰: 64",
                "Sticker: 👩‍🚀",
            ],
            strict=True,
        )
    ),
)
def test_what_is_sent_without_words_is_said_in_words(raw: dict[str, Any], words: str) -> None:
    assert words_for(raw) == words


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ({"location": {"latitude": -33, "longitude": 151.2}}, "Location: -33, 151.2"),
        ({"location": {"latitude": 0.0000001, "longitude": 100}}, "Location: 0, 100"),
        ({"venue": {"location": BERLIN}}, "Location: 52.52, 13.405"),
        ({"venue": {"title": "Café"}}, "Venue: Café"),
        ({"venue": 5, "location": BERLIN}, "Location: 52.52, 13.405"),
        ({"contact": {"phone_number": "112"}}, "Contact: 112"),
        ({"contact": {"first_name": "An\nna\u2028!"}}, "Contact: An na !"),
        ({"contact": {"first_name": "x" * 999}}, f"Contact: {'x' * 256}"),
        ({"contact": {"first_name": "\ud83d"}}, "Contact: ?"),
        ({"sticker": {"file_id": "x"}}, "Sticker"),
    ],
)
def test_what_is_not_said_is_left_out(raw: dict[str, Any], words: str) -> None:
    assert words_for(raw) == words


@pytest.mark.parametrize(
    "raw",
    [
        {},
        {"text": "hi"},
        {"location": {"latitude": 91, "longitude": 0}},
        {"location": {"latitude": 0, "longitude": -180.5}},
        {"location": {"latitude": float("nan"), "longitude": 0}},
        {"location": {"latitude": True, "longitude": 0}},
        {"location": {"latitude": 10**400, "longitude": 0}},
        {"location": {"latitude": "52", "longitude": 0}},
        {"venue": {"title": " "}},
        {"contact": {"user_id": 7}},
        {"dice": {"emoji": "🎲"}},
        {"dice": {"emoji": "🎲", "value": 0}},
        {"dice": {"emoji": "🎲", "value": 65}},
        {"dice": {"emoji": "", "value": 3}},
        {"sticker": {}},
    ],
)
def test_what_makes_no_sense_says_nothing(raw: dict[str, Any]) -> None:
    assert words_for(raw) == ""


@given(change=st.sampled_from(CHANGES), new=JSON, is_removed=st.booleans())
def test_anything_anywhere_is_one_line_at_most(
    change: tuple[Any, tuple[Any, ...]], new: Any, *, is_removed: bool
) -> None:
    raw, place = change

    words = words_for(with_change(raw, place, new, is_removed=is_removed))

    assert len(words.splitlines()) <= 1
    words.encode()


@given(st.sampled_from(WORDLESS), JSON)
def test_any_json_has_words_or_none(kind: str, found: Any) -> None:
    words_for({kind: found}).encode()
