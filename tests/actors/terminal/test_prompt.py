"""The prompt at a terminal; line editing itself is tried in test_opening.py."""

import os
import pty
import readline
import stat
import termios
from collections.abc import Iterator
from pathlib import Path

import pytest
from attrs import define

from actors.terminal.prompt import Prompt


@define
class Keyboard:
    """The person's end of a terminal that is this process' standard input."""

    _end: int
    _program_side: int
    is_gone: bool = False

    def type(self, keys: str) -> None:
        os.write(self._end, keys.encode())

    def echoes(self) -> bool:
        return bool(termios.tcgetattr(self._program_side)[3] & termios.ECHO)

    def hang_up(self) -> None:
        self.is_gone = True
        os.close(self._end)


@pytest.fixture
def keyboard(monkeypatch: pytest.MonkeyPatch) -> Iterator[Keyboard]:
    end, program_side = pty.openpty()
    keyboard = Keyboard(end, program_side)
    with os.fdopen(program_side) as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        yield keyboard
    readline.clear_history()
    if not keyboard.is_gone:
        os.close(end)


def test_typing_is_shown_only_while_a_line_is_asked_for(keyboard: Keyboard) -> None:
    prompt = Prompt(None)
    keyboard.type("hello\n")

    line = prompt()

    assert line == ["hello"]
    assert not keyboard.echoes()


def test_the_terminal_is_left_as_it_was_found(keyboard: Keyboard) -> None:
    prompt = Prompt(None)
    keyboard.type("hello\n")
    prompt()

    prompt.restore()

    assert keyboard.echoes()


def test_ctrl_d_ends_with_a_line_of_its_own(
    keyboard: Keyboard, capsys: pytest.CaptureFixture[str]
) -> None:
    prompt = Prompt(None)
    keyboard.type("\x04")

    line = prompt()
    prompt.restore()

    assert line is None
    assert capsys.readouterr().out == "> \n"


def test_a_terminal_that_is_gone_is_the_end(keyboard: Keyboard) -> None:
    prompt = Prompt(None)
    keyboard.hang_up()

    line = prompt()
    prompt.restore()

    assert line is None


@pytest.mark.usefixtures("keyboard")
def test_a_terminal_that_fails_is_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    prompt = Prompt(None)

    def fail(words: str) -> str:
        raise OSError(words)

    monkeypatch.setattr("builtins.input", fail)

    assert prompt() is None


def test_there_is_nothing_behind_a_prompt_that_is_not_shown(keyboard: Keyboard) -> None:
    prompt = Prompt(None)

    assert prompt.typed() is None
    assert prompt.words == "> "
    assert not keyboard.echoes()


def test_what_is_typed_so_far_stands_behind_the_prompt(
    keyboard: Keyboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    prompt = Prompt(None)
    seen: list[str | None] = []

    def ask(words: str) -> str:
        seen.append(prompt.typed())
        return words

    monkeypatch.setattr("builtins.input", ask)

    prompt()

    assert seen == [""]
    assert not keyboard.echoes()


def test_history_of_earlier_runs_is_read_and_kept_for_the_owner_alone(
    keyboard: Keyboard, tmp_path: Path
) -> None:
    history = tmp_path / "state" / "history"
    history.parent.mkdir()
    history.write_text("earlier\n")

    prompt = Prompt(history)
    keyboard.type("later\nlast\n")
    prompt()
    readline.add_history("later")
    prompt()

    assert history.read_text() == "earlier\nlater\n"
    assert stat.S_IMODE(history.stat().st_mode) == 0o600


def test_a_history_that_cannot_be_opened_is_left_out(keyboard: Keyboard, tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file, not a folder")

    prompt = Prompt(tmp_path / "state" / "history")
    keyboard.type("hello\n")

    assert prompt() == ["hello"]
    assert (tmp_path / "state").read_text() == "a file, not a folder"


def test_a_history_that_cannot_be_written_is_left_out(keyboard: Keyboard, tmp_path: Path) -> None:
    history = tmp_path / "state" / "history"
    prompt = Prompt(history)
    keyboard.type("one\ntwo\n")
    prompt()
    history.unlink()
    history.parent.rmdir()

    assert prompt() == ["two"]
    assert not history.parent.exists()
