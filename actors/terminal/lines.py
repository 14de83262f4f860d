"""The lines that a person types or pipes in, kept until the journal has them."""

import os
import select
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import islice
from uuid import uuid4

import structlog
import trio
from attrs import Factory, define, field, frozen
from outcome import Error, Outcome

from actors.terminal.clean import printable
from protocols.ids import EventId, TraceId

log = structlog.get_logger("terminal.lines")

LineSource = Callable[[], Sequence[str] | None]
"""Blocks until there are lines; None at the end of the input."""

LONGEST_LINE_BYTES = 1_048_576
_CHUNK_BYTES = 65_536


@frozen
class Line:
    """One line as it was read; its ids are made once, so that the journal takes it once."""

    text: str = field(repr=False)
    event_id: EventId = Factory(lambda: EventId(str(uuid4())))
    trace: TraceId = Factory(lambda: TraceId(uuid4().hex))
    read_at: float = Factory(time.time)


@define
class LineSplitter:
    """Bytes in, whole lines out; never more than one line of the longest size is held.

    What is longer than ``LONGEST_LINE_BYTES`` goes on as the next line.
    """

    _rest: bytearray = Factory(bytearray)

    def feed(self, chunk: bytes) -> list[str]:
        """The lines that *chunk* completes."""
        *whole, rest = (bytes(self._rest) + chunk).split(b"\n")
        while len(rest) > LONGEST_LINE_BYTES:
            whole.append(rest[:LONGEST_LINE_BYTES])
            rest = rest[LONGEST_LINE_BYTES:]
        self._rest = bytearray(rest)
        return [line.decode("utf-8", "replace") for line in whole]

    def finish(self) -> list[str]:
        """What stood after the last newline."""
        rest, self._rest = self._rest, bytearray()
        return [rest.decode("utf-8", "replace")] if rest else []


@define
class PipedLines:
    """The line source without a person: a pipe or a file, read as bytes.

    ``sys.stdin`` is not used: a thread that waits in it holds a lock that ends the interpreter
    with a fatal error (CPython issue 26037).
    """

    _descriptor: int
    _splitter: LineSplitter = Factory(LineSplitter)
    _has_ended: bool = False

    def __call__(self) -> list[str] | None:
        """At least one line, as many as came at once."""
        while not self._has_ended:
            chunk = self._read()
            self._has_ended = not chunk
            if lines := self._splitter.feed(chunk) if chunk else self._splitter.finish():
                return lines
        return None

    def _read(self) -> bytes:
        while True:
            try:
                select.select([self._descriptor], [], [])
                return os.read(self._descriptor, _CHUNK_BYTES)
            except BlockingIOError:
                continue
            except OSError as error:
                log.warning("input.failed", reason=os.strerror(error.errno or 0))
                return b""


def no_lines() -> None:
    """The line source where standard input is closed."""


@define
class LineReader:
    """Reads lines in a thread and keeps them; made once, handed to every life of the surface.

    A thread that waits for a person cannot be cancelled: what it reads after its asker's death
    belongs to the next life.
    """

    _source: LineSource
    _kept: deque[Line] = Factory(deque)
    _is_reading: bool = False
    _has_ended: bool = False
    _failure: Error | None = None
    _changed: trio.Event = Factory(trio.Event)

    async def oldest(self, limit: int) -> tuple[Line, ...]:
        """The oldest lines that are not yet forgotten, at least one; none at the end."""
        while not self._kept and not self._has_ended:
            self._read_on()
            await self._changed.wait()
            if self._failure is not None:
                failure, self._failure = self._failure, None
                failure.unwrap()
        return tuple(islice(self._kept, limit))

    def forget(self, lines: Sequence[Line]) -> None:
        """The journal has *lines*, which are the oldest."""
        for line in lines:
            if self._kept and self._kept[0] is line:
                self._kept.popleft()

    def _read_on(self) -> None:
        if self._is_reading:
            return
        self._is_reading = True
        self._changed = trio.Event()
        token = trio.lowlevel.current_trio_token()

        def hand_over(outcome: Outcome[Sequence[str] | None]) -> None:
            with suppress(trio.RunFinishedError):
                token.run_sync_soon(self._take, outcome)

        trio.lowlevel.start_thread_soon(self._source, hand_over, name="terminal input")

    def _take(self, outcome: Outcome[Sequence[str] | None]) -> None:
        self._is_reading = False
        if isinstance(outcome, Error):
            self._failure = outcome
        elif (texts := outcome.unwrap()) is None:
            self._has_ended = True
        else:
            cleaned = (printable(text) for text in texts)
            self._kept.extend(Line(text) for text in cleaned if text.strip())
        self._changed.set()
