"""A quotation before a message's own words."""

import pytest

from protocols.quotes import without_quote


@pytest.mark.parametrize(
    ("text", "own"),
    [
        ("> old\n\nnew", "new"),
        ("> old\n>\n> older\n\nnew\n\n> mine", "new\n\n> mine"),
        ("> all of it", "> all of it"),
        ("> old\nnew", "> old\nnew"),
        ("no > quotation", "no > quotation"),
        ("", ""),
    ],
)
def test_only_what_stands_before_an_empty_line_is_a_quotation(text: str, own: str) -> None:
    assert without_quote(text) == own
