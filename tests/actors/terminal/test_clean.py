"""Nothing that a terminal obeys gets through."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.terminal.clean import printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain\n\ttext", "plain\n\ttext"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b[2J\x1b[1;1Hgone", "gone"),
        ("\x1b]0;a title\x07here", "here"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1bPdevice\x9cafter", "after"),
        ("\x1b]never closed", "]never closed"),
        ("\x9b31mC1", "31mC1"),
        ("bell\x07 nul\x00 del\x7f", "bell nul del"),
        ("over\rwritten\r\nnext", "overwritten\nnext"),
        ("lone \ud800", "lone \N{REPLACEMENT CHARACTER}"),
        ("ünïcödé 🌍", "ünïcödé 🌍"),
    ],
)
def test_words_stay_and_what_a_terminal_obeys_goes(text: str, shown: str) -> None:
    assert printable(text) == shown


@given(st.text(st.characters(categories=None)))
def test_any_text_becomes_utf_8_without_controls(text: str) -> None:
    shown = printable(text)

    assert shown.encode().decode() == shown
    assert all(c in "\n\t" or ord(c) >= 32 for c in shown)
    assert not any(0x7F <= ord(c) <= 0x9F for c in shown)
