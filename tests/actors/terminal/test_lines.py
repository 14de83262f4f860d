"""Lines in: cut from bytes, read in a thread, kept until the journal has them."""

import os
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from actors.terminal import lines as lines_module
from actors.terminal.lines import LineReader, LineSource, LineSplitter, PipedLines, no_lines


def piped(data: bytes) -> list[str]:
    read_end, write_end = os.pipe()
    writer = threading.Thread(target=_write_all, args=(write_end, data))
    writer.start()
    source = PipedLines(read_end)
    read: list[str] = []
    while (some := source()) is not None:
        read.extend(some)
    writer.join()
    os.close(read_end)
    return read


def _write_all(descriptor: int, data: bytes) -> None:
    with os.fdopen(descriptor, "wb") as pipe:
        pipe.write(data)


@given(st.lists(st.binary(max_size=6)), st.integers(min_value=1, max_value=5))
def test_lines_do_not_depend_on_how_the_bytes_were_cut(words: list[bytes], size: int) -> None:
    data = b"\n".join(words)
    splitter = LineSplitter()
    chunks = [data[at : at + size] for at in range(0, len(data), size)]

    cut = [line for chunk in chunks for line in splitter.feed(chunk)] + splitter.finish()

    whole = [line.decode("utf-8", "replace") for line in data.split(b"\n")]
    assert cut == (whole[:-1] if not whole[-1] else whole)


def test_a_line_that_is_too_long_goes_on_as_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines_module, "LONGEST_LINE_BYTES", 4)
    splitter = LineSplitter()

    cut = splitter.feed(b"abcdefghij") + splitter.feed(b"k\nx") + splitter.finish()

    assert cut == ["abcd", "efgh", "ijk", "x"]


def test_a_pipe_gives_its_lines_and_the_last_needs_no_newline() -> None:
    assert piped(b"one\ntwo\nthree") == ["one", "two", "three"]


def test_an_empty_pipe_gives_nothing() -> None:
    assert piped(b"") == []


def test_a_line_of_a_megabyte_comes_whole() -> None:
    assert piped(b"x" * 1_000_000 + b"\nend\n") == ["x" * 1_000_000, "end"]


def test_bytes_that_are_no_text_are_replaced() -> None:
    assert piped(b"a\xff\xfeb\n") == ["a\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}b"]


def test_the_end_is_the_end_however_often_it_is_asked_for() -> None:
    read_end, write_end = os.pipe()
    os.close(write_end)
    source = PipedLines(read_end)

    assert [source(), source()] == [None, None]
    os.close(read_end)


def test_a_pipe_that_does_not_block_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    read_end, write_end = os.pipe()
    os.set_blocking(read_end, False)
    waits: list[object] = []

    def wait(*_: object) -> None:
        waits.append(None)
        if len(waits) == 2:
            _write_all(write_end, b"late\n")

    monkeypatch.setattr("select.select", wait)

    assert PipedLines(read_end)() == ["late"]
    os.close(read_end)


def test_an_input_that_cannot_be_read_has_ended(tmp_path: Path) -> None:
    folder = os.open(tmp_path, os.O_RDONLY)

    assert PipedLines(folder)() is None
    os.close(folder)


def test_a_closed_input_has_no_lines() -> None:
    source: LineSource = no_lines

    assert source() is None


class Typist:
    """A line source whose person types when the test says so."""

    def __init__(self) -> None:
        self.asked = threading.Semaphore(0)
        self.calls = 0
        self._typed: list[Sequence[str] | None] = []
        self._is_typed = threading.Semaphore(0)

    def type(self, *texts: str) -> None:
        self._typed.append(texts)
        self._is_typed.release()

    def leave(self) -> None:
        self._typed.append(None)
        self._is_typed.release()

    def __call__(self) -> Sequence[str] | None:
        self.calls += 1
        self.asked.release()
        self._is_typed.acquire()
        return self._typed.pop(0)


async def test_lines_are_kept_until_they_are_forgotten() -> None:
    typist = Typist()
    reader = LineReader(typist)
    typist.type("one", "two", "three")

    first = await reader.oldest(2)
    again = await reader.oldest(2)
    reader.forget(first)
    rest = await reader.oldest(2)

    assert [line.text for line in first] == ["one", "two"]
    assert again == first
    assert [line.text for line in rest] == ["three"]


async def test_no_line_is_asked_for_while_some_are_kept() -> None:
    typist = Typist()
    reader = LineReader(typist)
    typist.type("one")

    await reader.oldest(1)
    await reader.oldest(1)

    assert typist.calls == 1


async def test_a_line_that_is_read_after_its_asker_died_belongs_to_the_next_life() -> None:
    typist = Typist()
    reader = LineReader(typist)
    async with trio.open_nursery() as former_life:
        former_life.start_soon(reader.oldest, 1)
        await trio.to_thread.run_sync(typist.asked.acquire)
        former_life.cancel_scope.cancel()
    typist.type("still here")

    (line,) = await reader.oldest(1)

    assert line.text == "still here"
    assert typist.calls == 1


async def test_empty_lines_are_skipped_and_controls_are_taken_out() -> None:
    typist = Typist()
    reader = LineReader(typist)
    typist.type("", "  ", "\x00\x1b[2J")
    typist.type("he\x00llo")

    (line,) = await reader.oldest(5)

    assert line.text == "hello"


async def test_every_line_has_ids_of_its_own() -> None:
    typist = Typist()
    reader = LineReader(typist)
    typist.type("same", "same")

    one, two = await reader.oldest(2)

    assert one.event_id != two.event_id
    assert one.trace != two.trace


async def test_at_the_end_there_are_no_lines_however_often_one_asks() -> None:
    typist = Typist()
    reader = LineReader(typist)
    typist.leave()

    assert await reader.oldest(1) == ()
    assert await reader.oldest(1) == ()


async def test_a_source_that_fails_crashes_the_life_that_asks() -> None:
    def broken() -> None:
        raise LookupError("no such terminal")

    reader = LineReader(broken)

    with pytest.raises(LookupError):
        await reader.oldest(1)


async def test_what_is_not_the_oldest_is_not_forgotten() -> None:
    typist = Typist()
    reader = LineReader(typist)
    typist.type("one", "two")
    one, two = await reader.oldest(2)

    reader.forget((two,))

    assert await reader.oldest(2) == (one, two)


def test_a_line_that_comes_after_the_program_harms_nobody() -> None:
    typist = Typist()
    reader = LineReader(typist)

    async def ask_and_leave() -> None:
        with trio.move_on_after(0):
            await reader.oldest(1)

    trio.run(ask_and_leave)
    typist.asked.acquire()
    typist.type("too late")

    assert typist.calls == 1
