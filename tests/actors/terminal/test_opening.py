"""The whole terminal, as a person sees it: a program in a pseudo-terminal."""

import io
import os
import pty
import re
import signal
import sys
import termios
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import trio
from attrs import Factory, define

from actors.terminal.interrupts import InterruptSwitch
from actors.terminal.lines import LineReader, no_lines
from actors.terminal.live import LiveScreen
from actors.terminal.opening import Terminal, log_place, open_terminal
from actors.terminal.screen import PlainScreen

ROOT = Path(__file__).parents[3]
LIMIT = 10.0
PROMPT = "\n> "
CTRL_C, CTRL_D, ARROW_UP = "\x03", "\x04", "\x1b[A"


@define
class Window:
    """What a person types into the terminal and sees in it."""

    process: trio.Process
    history: Path
    _keyboard: int
    _program_side: int
    _settings: list[Any]
    raw: bytes = b""
    _seen: int = 0
    _more: trio.Event = Factory(trio.Event)

    @property
    def shown(self) -> str:
        """What was written, without colours and cursor movements."""
        text = self.raw.decode("utf-8", "replace").replace("\r\n", "\n")
        return re.sub(r"\x1b\[[0-?]*[ -/]*[@-~]", "", text)

    def type(self, keys: str | bytes) -> None:
        os.write(self._keyboard, keys if isinstance(keys, bytes) else keys.encode())

    async def sees(self, words: str) -> str:
        """What is new up to *words*."""
        with trio.move_on_after(LIMIT):
            while self.shown.find(words, self._seen) < 0:
                await self._more.wait()
        at = self.shown.find(words, self._seen)
        assert at >= 0, f"{words!r} is not in {self.shown[self._seen :]!r}"
        start, self._seen = self._seen, at + len(words)
        return self.shown[start : self._seen]

    async def ends(self) -> int:
        with trio.fail_after(LIMIT):
            return await self.process.wait()

    def is_as_found(self) -> bool:
        return termios.tcgetattr(self._program_side) == self._settings

    async def look(self) -> None:
        while True:
            await trio.lowlevel.wait_readable(self._keyboard)
            with suppress(BlockingIOError):
                self.raw += os.read(self._keyboard, 65536)
            more, self._more = self._more, trio.Event()
            more.set()


@pytest.fixture
async def window(tmp_path: Path) -> AsyncIterator[Window]:
    keyboard, program_side = pty.openpty()
    os.set_blocking(keyboard, False)
    termios.tcsetwinsize(program_side, (24, 100))
    history = tmp_path / "state" / "history"
    process = await trio.lowlevel.open_process(
        [sys.executable, "-m", "tests.actors.terminal.chat_at_terminal", str(history)],
        stdin=program_side,
        stdout=program_side,
        stderr=program_side,
        cwd=ROOT,
        env={**os.environ, "TERM": "xterm-256color", "INPUTRC": "/dev/null"},
        start_new_session=True,
    )
    settings = termios.tcgetattr(program_side)
    window = Window(process, history, keyboard, program_side, settings)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(window.look)
        yield window
        process.kill()
        await process.wait()
        nursery.cancel_scope.cancel()
    os.close(keyboard)
    os.close(program_side)


async def test_a_person_is_greeted_answered_and_ends_with_ctrl_d(window: Window) -> None:
    greeting = await window.sees("> ")
    window.type("hello\r")
    answer = await window.sees(PROMPT)
    window.type(CTRL_D)

    assert await window.ends() == 0
    assert "You are talking to the stage." in greeting
    assert "Ctrl-D ends." in greeting
    assert "You said: hello" in answer
    assert "**" not in answer
    assert window.is_as_found()


async def test_an_answer_grows_in_place_and_ctrl_c_stops_it(window: Window) -> None:
    await window.sees("> ")
    window.type("slow\r")
    growing = await window.sees("counting sheep")
    window.type(CTRL_C)
    end = await window.sees(PROMPT)
    window.type(CTRL_D)

    assert await window.ends() == 0
    assert "Growing slowly" in growing
    assert "As far as it came." in end
    assert "Stopped." in end


async def test_ctrl_c_at_the_prompt_keeps_the_line_and_twice_ends(window: Window) -> None:
    await window.sees("> ")
    window.type("half a li")
    await window.sees("half a li")
    window.type(CTRL_C)
    hint = await window.sees("> half a li")
    window.type("ne\r")
    answer = await window.sees(PROMPT)
    window.type(CTRL_C)
    await window.sees("again.")
    window.type(CTRL_C)

    assert await window.ends() == 0
    assert "Ctrl-D ends, or press Ctrl-C again." in hint
    assert "You said: half a line" in answer
    assert window.is_as_found()


async def test_a_line_that_is_typed_over_a_crash_is_answered(window: Window) -> None:
    await window.sees("> ")
    window.type("over the cra")
    await window.sees("over the cra")
    window.process.send_signal(signal.SIGUSR2)
    window.type("sh\r")

    answer = await window.sees(PROMPT)

    assert "You said: over the crash" in answer
    assert window.shown.count("You are talking") == 1


async def test_words_that_nobody_asked_for_stand_above_the_prompt(window: Window) -> None:
    await window.sees("> ")
    window.process.send_signal(signal.SIGUSR1)
    unasked = await window.sees(PROMPT)
    window.type("still here\r")
    answer = await window.sees(PROMPT)

    assert "Words that nobody asked for." in unasked
    assert "You said: still here" in answer


async def test_history_comes_back_and_is_for_the_owner_alone(window: Window) -> None:
    await window.sees("> ")
    window.type("remember me\r")
    await window.sees(PROMPT)
    window.type(ARROW_UP + "\r")

    answer = await window.sees(PROMPT)

    assert "You said: remember me" in answer
    assert window.history.read_text().splitlines() == ["remember me"]
    assert window.history.stat().st_mode & 0o777 == 0o600
    assert window.history.parent.stat().st_mode & 0o777 == 0o700


async def test_bytes_that_are_no_text_are_answered(window: Window) -> None:
    await window.sees("> ")
    window.type(b"a\xff\xfeb\r")

    answer = await window.sees(PROMPT)

    assert "You said: a" in answer


async def test_an_answer_cannot_take_over_the_terminal(window: Window) -> None:
    await window.sees("> ")
    window.type("hostile\r")

    answer = await window.sees(PROMPT)

    assert "nice" in answer
    assert b"\x1b]" not in window.raw
    assert b"\x07" not in window.raw


async def test_a_pasted_text_of_several_lines_is_one_message(window: Window) -> None:
    await window.sees("> ")
    window.type("\x1b[200~first\nsecond\x1b[201~\r")

    answer = await window.sees(PROMPT)

    *_, first, second = answer.removesuffix(PROMPT).split("\n")[:-1]
    assert (first.strip(), second.strip()) == ("You said: first", "second")


async def test_a_terminal_that_is_ended_from_outside_is_left_as_found(window: Window) -> None:
    await window.sees("> ")
    window.type("half a li")
    await window.sees("half a li")
    window.process.terminate()

    assert await window.ends() == 0
    assert window.is_as_found()
    assert window.shown.endswith("> half a li\n")


# Without a person.


async def test_without_a_terminal_on_both_ends_lines_are_read(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "in").write_bytes(b"one\n")
    with (tmp_path / "in").open() as stdin, (tmp_path / "out").open("w") as stdout:
        monkeypatch.setattr("sys.stdin", stdin)
        monkeypatch.setattr("sys.stdout", stdout)

        terminal = open_terminal(history=None, agent="the mock agent")
        lines = await terminal.reader.oldest(10)

    assert [line.text for line in lines] == ["one"]
    assert not terminal.is_interactive
    assert isinstance(terminal.screen, PlainScreen)


def test_with_a_terminal_on_both_ends_there_is_a_person(monkeypatch: pytest.MonkeyPatch) -> None:
    keyboard, program_side = pty.openpty()
    with os.fdopen(program_side) as stdin, os.fdopen(os.dup(program_side), "w") as stdout:
        monkeypatch.setattr("sys.stdin", stdin)
        monkeypatch.setattr("sys.stdout", stdout)

        terminal = open_terminal(history=None, agent="the mock agent")

    assert terminal.is_interactive
    assert isinstance(terminal.screen, LiveScreen)
    assert terminal.lines_ahead == 1
    os.close(keyboard)


def test_amid_a_chat_only_errors_are_logged_and_out_of_its_way() -> None:
    here = io.StringIO()
    terminal = Terminal(LineReader(no_lines), PlainScreen(1), InterruptSwitch(), log_lines=here)

    assert log_place(terminal, "info") == ("error", here)


@pytest.mark.parametrize("logs_are_here", [True, False])
def test_logs_are_amid_the_chat_where_they_go_to_its_terminal(
    monkeypatch: pytest.MonkeyPatch, *, logs_are_here: bool
) -> None:
    keyboard, program_side = pty.openpty()
    with os.fdopen(program_side) as stdin, os.fdopen(os.dup(program_side), "w") as stdout:
        monkeypatch.setattr("sys.stdin", stdin)
        monkeypatch.setattr("sys.stdout", stdout)
        monkeypatch.setattr("sys.stderr", stdout if logs_are_here else io.StringIO())

        terminal = open_terminal(history=None, agent="the mock agent")

    assert (terminal.log_lines is not None) == logs_are_here
    os.close(keyboard)


def test_without_a_chat_logs_are_as_configured() -> None:
    terminal = Terminal(LineReader(no_lines), PlainScreen(1), InterruptSwitch(is_interactive=False))

    assert log_place(None, "info") == ("info", sys.stderr)
    assert log_place(terminal, "debug") == ("debug", sys.stderr)


async def test_closed_standard_streams_are_an_empty_input_and_no_output(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sys.stdin", None)
    monkeypatch.setattr("sys.stdout", None)

    terminal = open_terminal(history=None, agent="the mock agent")

    assert await terminal.reader.oldest(10) == ()
    assert not terminal.is_interactive
