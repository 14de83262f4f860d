"""Answers for a pipe or a file."""

import os
import threading
from typing import Any

import pytest

from actors.terminal.screen import PlainScreen
from protocols.journal import Voice


def printed(*answers: str, **around: Any) -> bytes:
    read_end, write_end = os.pipe()
    parts: list[bytes] = []
    reader = threading.Thread(target=_read_all, args=(read_end, parts))
    reader.start()
    screen = PlainScreen(write_end)
    for answer in answers:
        screen.answer(answer, Voice.AGENT, is_old=False, **around)
    os.close(write_end)
    reader.join()
    return b"".join(parts)


def _read_all(descriptor: int, parts: list[bytes]) -> None:
    with os.fdopen(descriptor, "rb") as pipe:
        parts.append(pipe.read())


def test_an_answer_is_printed_as_it_is_and_one_newline() -> None:
    assert printed("**bold** ünï", "next\n") == "**bold** ünï\nnext\n".encode()


def test_reasoning_is_quoted_above_an_answer_and_its_footer_stands_below() -> None:
    assert printed("Hi\n", folded="I think,\nso\x1b[2J.", footer="*56 out*") == (
        b"> I think,\n> so.\n\nHi\n\n*56 out*\n"
    )
    assert printed("", footer="*56 out*") == b"*56 out*\n"


def test_no_escape_sequence_is_printed() -> None:
    assert printed("\x1b[31mred\x1b[0m \ud800") == "red \N{REPLACEMENT CHARACTER}\n".encode()


def test_an_answer_larger_than_the_pipe_comes_whole() -> None:
    assert printed("x" * 1_000_000) == b"x" * 1_000_000 + b"\n"


def test_only_answers_are_printed() -> None:
    read_end, write_end = os.pipe()
    screen = PlainScreen(write_end)

    screen.greet()
    screen.recall("asked before")
    screen.draft("half an", "thinking")
    screen.hint("Ctrl-D ends")
    screen.rest()
    screen.close()

    os.close(write_end)
    assert os.read(read_end, 100) == b""
    os.close(read_end)


def test_a_reader_that_left_breaks_the_pipe() -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)

    with pytest.raises(BrokenPipeError):
        PlainScreen(write_end).answer("hello", Voice.AGENT, is_old=False)

    os.close(write_end)


def test_a_full_pipe_that_does_not_block_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    read_end, write_end = os.pipe()
    os.set_blocking(write_end, False)
    filled = os.write(write_end, b"." * 1_000_000)
    waits: list[object] = []

    def wait(*_: object) -> None:
        waits.append(None)
        if len(waits) == 2:
            os.read(read_end, filled)

    monkeypatch.setattr("select.select", wait)

    PlainScreen(write_end).answer("at last", Voice.AGENT, is_old=False)

    assert os.read(read_end, 100) == b"at last\n"
    os.close(read_end)
    os.close(write_end)
