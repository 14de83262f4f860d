"""What people read about tasks."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.chats.manner import Manner
from actors.chats.task_words import (
    LONGEST_LINE,
    LONGEST_TITLE,
    done,
    failed,
    given_up,
    line_of,
    safe_title,
    task_label,
)
from protocols.ids import Language
from protocols.journal import RowState, Voice
from protocols.platform import Attachment
from tests.actors.chats.pushes import DONE, ERROR, PROGRESS, event
from tests.actors.chats.rows import a_row

EN = Language("en")
MANNER = Manner(EN, "/")
ROW = a_row()


@pytest.mark.parametrize(
    ("text", "fraction", "line"),
    [
        ("Looking", None, "Looking"),
        (" two\n lines ", 0.25, "two lines (25%)"),
        ("", 1.0, "100%"),
        ("", None, "Working"),
    ],
)
def test_a_line_says_what_and_how_much(text: str, fraction: float | None, line: str) -> None:
    assert line_of(event(PROGRESS, text, fraction=fraction), EN) == line


@given(st.text(max_size=500))
def test_a_line_is_one_and_short(text: str) -> None:
    line = line_of(event(PROGRESS, text), EN)

    assert line.strip()
    assert len(line.splitlines()) == 1
    assert len(line) <= LONGEST_LINE


def test_a_result_is_the_agents_own_words() -> None:
    ending = done(event(DONE, "It is **done**."), ROW, MANNER, line="half")

    assert (ending.state, ending.voice) == (RowState.ANSWERED, Voice.AGENT)
    assert ending.text == "It is **done**."


@pytest.mark.parametrize("text", ["", " \n "])
def test_a_result_without_a_word_says_which_task_is_done(text: str) -> None:
    ending = done(event(DONE, text), ROW, MANNER, line="half")

    assert (ending.state, ending.voice) == (RowState.ANSWERED, Voice.GATEWAY)
    assert ending.text == "The task *half* is done."


def test_files_without_a_word_are_a_result() -> None:
    file = Attachment("a [b].pdf", "application/pdf", 3, mode="url", location="https://f/a")

    assert done(event(DONE, attachments=(file,)), ROW, MANNER, line="").text == (
        "[a \\[b\\].pdf](<https://f/a>)"
    )


@pytest.mark.parametrize(
    ("title", "words"),
    [
        ("Quota of *three* used up", "The task `t` failed: Quota of \\*three\\* used up"),
        ("", "The task `t` failed."),
        ('{"error": "secret"}', "The task `t` failed."),
    ],
)
def test_a_failure_is_told_in_the_gateways_words(title: str, words: str) -> None:
    ending = failed(event(ERROR, title), MANNER, line="")

    assert (ending.state, ending.voice, ending.text) == (RowState.FAILED, Voice.GATEWAY, words)


@pytest.mark.parametrize("title", ["No such file", "Превышен лимит: 3 из 3", " Time is up! "])
def test_a_short_line_of_words_is_a_title(title: str) -> None:
    assert safe_title(title) == title.strip()


@pytest.mark.parametrize(
    "body",
    [
        "<html><body>502</body></html>",
        '{"detail": "x"}',
        "[1, 2]",
        "two\nlines",
        "bell \x07",
        "Traceback (most recent call last)",
        "see https://inside.example/log",
        "C:\\secret",
        "x" * (LONGEST_TITLE + 1),
        "   ",
    ],
)
def test_a_body_is_no_title(body: str) -> None:
    assert safe_title(body) == ""


@pytest.mark.parametrize(
    ("task_id", "line", "label"),
    [
        ("task-1", "", "`task-1`"),
        ("a `b` *c*", "", "a \\`b\\` \\*c\\*"),
        ("x" * 99, "", f"{'x' * 63}…"),
        ("t", "[half](x)", "*\\[half\\](x)*"),
    ],
)
def test_a_task_is_called_by_its_last_line_or_else_by_its_id(
    task_id: str, line: str, label: str
) -> None:
    assert task_label(task_id, line) == label


def test_who_is_told_of_a_silent_task_is_told_in_their_language() -> None:
    facts: dict[str, Any] = {"line": "half"}

    assert "the task *half* for" in given_up("t", EN, **facts)
    assert "сутки" in given_up("t", Language("ru"), **facts)
