"""What a message replies to."""

from typing import Any

import pytest
from hypothesis import given

from actors.telegram.incoming.quotes import with_quote
from tests.actors.telegram.fake_bot_api import message
from tests.actors.telegram.json_values import JSON

BY_BOB = message("two\n\nlines")
PICTURE = message(None, photo=[{"file_id": "x"}])
DICE = message(None, dice={"emoji": "🎲", "value": 6})


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"reply_to_message": BY_BOB}, "> two\n>\n> lines\n\nyes"),
        ({"reply_to_message": BY_BOB, "quote": {"text": "lines"}}, "> lines\n\nyes"),
        ({"quote": {"text": "from elsewhere"}}, "> from elsewhere\n\nyes"),
        ({"reply_to_message": PICTURE}, "> [photo]\n\nyes"),
        ({"reply_to_message": PICTURE | {"caption": "a\nb"}}, "> [photo] a\n> b\n\nyes"),
        (
            {"reply_to_message": PICTURE | {"caption": "look"}, "quote": {"text": "lo"}},
            "> [photo] lo\n\nyes",
        ),
        ({"reply_to_message": DICE}, "> Dice 🎲: 6\n\nyes"),
        ({"external_reply": {"video": {}}, "quote": {"text": "ha"}}, "> [video] ha\n\nyes"),
        ({"external_reply": {"origin": {"type": "of the future"}}}, "yes"),
        ({"reply_to_message": {"forum_topic_created": {"name": "x"}}}, "yes"),
        ({"reply_to_message": 5, "quote": [], "external_reply": "x"}, "yes"),
        ({"quote": {"text": "\ud83d"}}, "> ?\n\nyes"),
        ({"quote": {"text": "x" * 1001}}, f"> {'x' * 1000}…\n\nyes"),
        ({}, "yes"),
    ],
)  # fmt: skip
def test_what_is_replied_to_is_quoted(fields: dict[str, Any], said: str) -> None:
    assert with_quote("yes", fields) == said


def test_a_command_stays_a_command_in_a_reply() -> None:
    assert with_quote("/stop", {"reply_to_message": BY_BOB}) == "/stop"


def test_a_file_without_words_in_a_reply_has_only_the_quotation() -> None:
    assert with_quote("", {"reply_to_message": PICTURE}) == "> [photo]"
    assert with_quote("", {}) == ""


@given(JSON, JSON, JSON)
def test_a_reply_to_anything_keeps_the_words(replied: Any, quote: Any, external: Any) -> None:
    raw = {"reply_to_message": replied, "quote": quote, "external_reply": external}

    assert with_quote("yes", raw).endswith("yes")
