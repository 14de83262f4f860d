"""The screen of a person."""

import io
import re
from collections.abc import Iterator
from typing import Any

import pytest
from attrs import define
from rich.console import Console

from actors.terminal.live import LiveScreen, LogLines
from protocols.journal import Voice


@define
class Prompt:
    """A prompt that the test opens and closes."""

    line: str | None = None
    words: str = "> "

    def typed(self) -> str | None:
        return self.line


@define
class Glass:
    """A screen whose output can be read."""

    screen: LiveScreen
    prompt: Prompt
    paper: io.StringIO

    def raw(self) -> str:
        return self.paper.getvalue()

    def shown(self) -> str:
        return re.sub(r"\x1b\[[0-?]*[ -/]*[@-~]", "", self.raw())


@pytest.fixture
def glass() -> Iterator[Glass]:
    paper, prompt = io.StringIO(), Prompt()
    console = Console(file=paper, width=60, height=10, force_terminal=True, color_system="256")
    glass = Glass(LiveScreen(console, prompt, "the \x1b[2Jmock agent"), prompt, paper)
    yield glass
    glass.screen.close()


def test_the_greeting_says_who_answers_and_how_to_end_once(glass: Glass) -> None:
    glass.screen.greet()
    glass.screen.greet()

    assert glass.shown().count("You are talking to the mock agent.") == 1
    assert "Ctrl-D ends." in glass.shown()


def test_an_answer_is_drawn(glass: Glass) -> None:
    glass.screen.answer("**bold**", Voice.AGENT, is_old=False)

    assert "bold" in glass.shown()
    assert "*" not in glass.shown()


def test_what_stands_around_an_answer_is_dim(glass: Glass) -> None:
    around: dict[str, Any] = {"folded": "I *think*,\x1b[2J\nso.", "footer": "*56 out*"}

    glass.screen.answer("Hi", Voice.AGENT, is_old=False, **around)

    assert re.sub(r" *\n", "\n", glass.shown()) == "💭 I *think*,\nso.\n\nHi\n\n56 out\n\n"
    dim = re.findall(r"\x1b\[(?:2|2;3|3;2)m([^\x1b]+)", glass.raw())
    assert [words.strip() for words in dim] == ["💭 I *think*,", "so.", "56 out"]


def test_an_answer_from_before_says_so(glass: Glass) -> None:
    glass.screen.answer("words", Voice.GATEWAY, is_old=True)

    assert "An answer from before:" in glass.shown()


def test_a_question_from_before_is_shown_short(glass: Glass) -> None:
    glass.screen.recall("short")
    glass.screen.recall("first\nsecond")

    lines = glass.shown().splitlines()
    assert lines[0] == "Asked before, answered now: short"
    assert lines[1] == "Asked before, answered now: first …"


def test_a_draft_shows_its_end_and_what_the_agent_does(glass: Glass) -> None:
    glass.screen.draft("", "")
    glass.screen.draft("\n\n".join(f"paragraph {n}" for n in range(50)), "reading \x1b[2Jfiles")

    assert "thinking …" in glass.shown()
    assert "reading files" in glass.shown()
    assert "paragraph 49" in glass.shown()
    assert "paragraph 0" not in glass.shown()
    assert "\x1b[2J" not in glass.raw()


def test_the_answer_takes_the_place_of_its_draft(glass: Glass) -> None:
    glass.screen.draft("half an", "")
    glass.screen.answer("whole", Voice.AGENT, is_old=False)

    assert glass.screen._live is None
    assert glass.shown().rstrip().endswith("whole")


def test_no_draft_moves_under_a_prompt(glass: Glass) -> None:
    glass.prompt.line = ""

    glass.screen.draft("half an", "")

    assert glass.raw() == ""


@pytest.mark.parametrize(("line", "start"), [("", "\r\x1b[K"), ("half a li", "\n")])
def test_words_stand_above_the_prompt_and_it_is_shown_again(
    glass: Glass, line: str, start: str
) -> None:
    glass.prompt.line = line

    glass.screen.hint("Ctrl-D ends.")

    assert glass.raw().startswith(start)
    assert glass.shown().endswith(f"Ctrl-D ends.\n> {line}")


def test_an_answer_too_long_to_draw_is_shown_as_it_was_written(glass: Glass) -> None:
    glass.screen.answer("**bold** " * 20_000, Voice.AGENT, is_old=False)

    assert glass.shown().count("**bold**") == 20_000


def test_rest_without_a_draft_changes_nothing(glass: Glass) -> None:
    glass.screen.rest()

    assert glass.raw() == ""


@pytest.mark.parametrize(("line", "start"), [("", "\r\x1b[K"), ("half a li", "\n")])
def test_log_lines_stand_above_the_prompt(glass: Glass, line: str, start: str) -> None:
    glass.prompt.line = line
    stream = LogLines(glass.screen)

    written = stream.write("actor.crashed path=matrix\n")

    assert written == 26
    assert stream.isatty()
    assert glass.raw() == f"{start}actor.crashed path=matrix\n> {line}"


def test_log_lines_take_a_draft_away_for_the_next_one_to_come_back(glass: Glass) -> None:
    glass.screen.draft("half an", "")

    LogLines(glass.screen).write("actor.crashed\n")
    glass.screen.draft("half an answer", "")

    assert glass.shown().count("actor.crashed\n") == 1
    assert "half an answer" in glass.shown().partition("actor.crashed")[2]
