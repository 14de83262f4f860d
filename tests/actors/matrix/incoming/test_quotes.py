"""What a message replies to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.matrix.incoming.quotes import Quote, with_quote
from protocols.quotes import without_quote


@pytest.mark.parametrize(
    ("quote", "said"),
    [
        (Quote("two\n\nlines"), "> two\n>\n> lines\n\nyes"),
        (Quote("", "[photo cat.png]"), "> [photo cat.png]\n\nyes"),
        (Quote("a\nb", "[photo]"), "> [photo] a\n> b\n\nyes"),
        (Quote("x" * 1001), f"> {'x' * 1000}…\n\nyes"),
        (Quote(""), "yes"),
        (None, "yes"),
    ],
)
def test_what_is_replied_to_is_quoted(quote: Quote | None, said: str) -> None:
    assert with_quote("yes", quote) == said


@pytest.mark.parametrize("text", ["/stop", "!stop"])
def test_a_command_stays_a_command_in_a_reply(text: str) -> None:
    assert with_quote(text, Quote("old")) == text


def test_what_only_begins_like_a_command_has_its_quotation() -> None:
    assert with_quote("!!", Quote("old")) == "> old\n\n!!"


def test_a_file_without_words_in_a_reply_has_only_the_quotation() -> None:
    assert with_quote("", Quote("old")) == "> old"


@given(st.text(), st.text())
def test_a_quotation_can_be_taken_off_again(words: str, text: str) -> None:
    text = f"t{text}"

    assert without_quote(with_quote(text, Quote(words))) == text
