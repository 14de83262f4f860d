import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.matrix.outgoing.pieces import pieces

_BLOCKS = st.lists(
    st.one_of(
        st.text(max_size=300),
        st.sampled_from(["```", "```py", "~~~~", "", "a b c", "    ", "é" * 90, "`" * 40]),
    ),
    max_size=60,
).map("\n".join)


def _bare(text: str) -> str:
    return re.sub(r"\s+", "", text)


@given(_BLOCKS, st.integers(64, 400))
def test_every_piece_fits_and_none_is_empty(text: str, limit: int) -> None:
    found = pieces(text, limit_bytes=limit)

    assert all(len(piece.encode()) <= limit for piece in found)
    assert all(piece.strip() for piece in found)


@given(st.text(alphabet="ab é\n", max_size=2000), st.integers(64, 400))
def test_only_white_space_is_lost_at_a_cut(text: str, limit: int) -> None:
    assert _bare("".join(pieces(text, limit_bytes=limit))) == _bare(text)


@given(st.lists(st.text(alphabet="xyz ", min_size=1, max_size=60), min_size=1, max_size=60))
def test_each_line_of_a_code_block_is_in_a_closed_block_of_its_language(lines: list[str]) -> None:
    found = pieces("```py\n" + "\n".join(lines) + "\n```", limit_bytes=128)

    for piece in found:
        assert piece.startswith("```py\n")
        assert piece.endswith("\n```")
    inside = "".join(piece.removeprefix("```py\n").removesuffix("\n```") for piece in found)
    assert _bare(inside) == _bare("".join(lines))


def test_a_text_that_fits_is_one_piece() -> None:
    assert pieces("hello\n\nworld\n", limit_bytes=64) == ["hello\n\nworld"]


@pytest.mark.parametrize("text", ["", "\n\n", "   "])
def test_an_empty_answer_gives_no_piece(text: str) -> None:
    assert pieces(text, limit_bytes=64) == []


def test_it_cuts_between_blocks_then_lines_then_words() -> None:
    block, line, word = "b" * 40, "l" * 40, "w" * 40

    assert pieces(f"{block}\n\n{line}", limit_bytes=64) == [block, line]
    assert pieces(f"{block}\n{line}", limit_bytes=64) == [block, line]
    assert pieces(f"{block} {word}", limit_bytes=64) == [f"{block} ", word]


def test_a_character_is_never_torn() -> None:
    assert "".join(pieces("🙂" * 100, limit_bytes=70)) == "🙂" * 100


def test_a_fence_that_is_closed_before_the_cut_is_not_opened_again() -> None:
    text = "```\ncode\n```\n" + "x" * 30 + "\n\n" + "y" * 40

    assert pieces(text, limit_bytes=64)[-1] == "y" * 40


def test_backticks_inside_a_code_block_do_not_close_it() -> None:
    text = "~~~\n```\n" + "x\n" * 60 + "~~~"

    assert all(piece.endswith("~~~") for piece in pieces(text, limit_bytes=64))


def test_inline_code_at_the_start_of_a_line_is_no_fence() -> None:
    assert pieces("```a``` " + "b " * 40, limit_bytes=64)[1].startswith("b")


def test_a_fence_too_long_to_repeat_is_cut_as_text() -> None:
    text = "```" + "x" * 300 + "\ncode\n" * 30

    assert _bare("".join(pieces(text, limit_bytes=64))) == _bare(text)


def test_a_piece_of_nothing_but_space_is_left_out() -> None:
    assert pieces(" " * 200 + "word", limit_bytes=64)[-1].strip() == "word"
    assert all(piece.strip() for piece in pieces(" " * 200 + "word", limit_bytes=64))
