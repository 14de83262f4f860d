"""Markdown on a terminal."""

import io

import pytest
from rich.console import Console

from actors.terminal.render import drawn, tail_of


def on_paper(text: str, *, width: int = 60, color: bool = False) -> str:
    paper = io.StringIO()
    console = Console(
        file=paper,
        width=width,
        force_terminal=color,
        color_system="truecolor" if color else None,
    )
    console.print(drawn(text))
    return paper.getvalue()


def test_markdown_is_drawn() -> None:
    shown = on_paper("**bold** and `code`\n\n- one\n- two")

    assert "bold and code" in shown
    assert "• one" in shown
    assert "*" not in shown


def test_a_line_ends_where_its_writer_ended_it() -> None:
    shown = on_paper("first\nsecond")

    assert [line.strip() for line in shown.splitlines()] == ["first", "second"]


@pytest.mark.parametrize("html", ["<div>\nwords in a block\n</div>", "words <b>in</b> a block"])
def test_html_is_shown_as_it_was_written(html: str) -> None:
    shown = on_paper(html)

    assert [line.strip() for line in shown.splitlines()] == html.splitlines()


def test_a_link_shows_where_it_leads() -> None:
    assert "https://example.org" in on_paper("[here](https://example.org)")


@pytest.mark.parametrize(
    "hostile",
    [
        "\x1b]0;title\x07",
        "&#27;]0;title&#7;",
        "&#x9b;2J",
        "`\x1b[2J`",
        "```\n\x1b[2J\n```",
        "```\x1b[2J\ncode\n```",
        "[x](http://e\x1b[2J)",
        "[x](<http://e&#27;[2J>)",
        "![\x1b[2J](x)",
        "|a\x1b[2J|\n|-|\n|&#27;[2J|",
    ],
)
def test_no_escape_sequence_of_an_answer_reaches_the_terminal(hostile: str) -> None:
    shown = on_paper(hostile)

    assert "\x1b" not in shown
    assert "\x9b" not in shown
    assert "\x07" not in shown


def test_colours_are_the_only_escape_sequences() -> None:
    shown = on_paper("**b** [x](http://e) `c`\n\n```python\nprint(1)\n```", color=True)

    assert "\x1b[1m" in shown
    assert "\x1b]" not in shown


def test_a_short_text_is_its_own_tail() -> None:
    assert tail_of("one\ntwo", limit=7) == "one\ntwo"


def test_a_tail_starts_with_a_whole_line() -> None:
    assert tail_of("one\ntwo\nthree", limit=7) == "three"


def test_a_tail_of_one_long_line_is_cut_in_the_line() -> None:
    assert tail_of("x" * 20, limit=5) == "xxxxx"


def test_a_tail_inside_a_code_block_opens_it_again() -> None:
    text = "before\n```python\n" + "line\n" * 10

    assert tail_of(text, limit=12) == "```python\nline\nline\n"


def test_a_tail_behind_a_code_block_does_not_open_it() -> None:
    text = "```python\ncode\n```\n" + "words\n" * 4

    assert tail_of(text, limit=14) == "words\nwords\n"
