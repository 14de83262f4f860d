"""The program and the bare bot on Matrix: real processes, each on a homeserver of its own."""

import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import trio
from attrs import define, field, frozen

from tests.rigs.program import ROOT, SUPERVISOR, process_environment

LIMIT = 300.0
"""Seconds after which something is wrong, and not only slow."""

_ECHO = str(Path(__file__).with_name("matrix_echo.py"))


@frozen
class Kind:
    """What is started."""

    name: str
    script: str


OURS = Kind("ours", SUPERVISOR)
BARE = Kind("bare bot", _ECHO)


@frozen
class Round:
    """What a round of messages took.

    Args:
        waits: Seconds from each message to its answer.
        cpu: CPU seconds of the process for each answer.
        requests: How many the bot made for each answer, its syncs among them.
    """

    waits: tuple[float, ...] = ()
    cpu: float = 0.0
    requests: float = 0.0


@define(eq=False)
class Bot:
    """One bot and its homeserver, both running."""

    kind: Kind
    _process: trio.Process
    _stub: "_Stub"

    async def round(self, room: str, number: int) -> Round:
        """Have *number* messages answered in *room*, ``plain`` or ``sealed``."""
        before = self.cpu()
        found = await self._stub.ask(f"{room} {number}")
        cpu = (self.cpu() - before) / number
        return Round(tuple(found["waits"]), cpu, found["requests"])

    def cpu(self) -> float:
        """CPU seconds of the process, over all its threads."""
        # clock_getcpuclockid(3) of a process; what /proc tells as ticks of 10 ms.
        return time.clock_gettime((~self._process.pid << 3) | 2)


@define
class _Stub:
    process: trio.Process
    _read: bytes = field(default=b"")

    async def ask(self, line: str) -> dict[str, Any]:
        assert self.process.stdin is not None
        await self.process.stdin.send_all(f"{line}\n".encode())
        found: dict[str, Any] = json.loads(await self.line())
        return found

    async def line(self) -> str:
        """Its next line.

        Raises:
            AssertionError: It has ended.
        """
        assert self.process.stdout is not None
        with trio.fail_after(LIMIT):
            while b"\n" not in self._read:
                read = await self.process.stdout.receive_some()
                assert read, "the homeserver has ended: the bot did not answer"
                self._read += read
        line, _, self._read = self._read.partition(b"\n")
        return line.decode()


@asynccontextmanager
async def a_bot(kind: Kind, folder: Path) -> AsyncIterator[Bot]:
    """A bot that has answered once in each room; nothing of it runs behind the block."""
    here = folder / kind.name
    here.mkdir()
    async with _process("-m", "tests.bench.matrix_stub", where=ROOT) as homeserver:
        stub = _Stub(homeserver)
        settings = {
            "MATRIX_HOMESERVER": await stub.line(),
            "MATRIX_USER_ID": "@bot:stub",
            "MATRIX_PASSWORD": "password",
            "ACCESS_MODE": "open",
            "MOCK_LATENCY": "off",
        }
        async with _process(kind.script, where=here, **settings) as process:
            bot = Bot(kind, process, stub)
            for room in ("plain", "sealed"):
                await bot.round(room, 1)
            yield bot


@asynccontextmanager
async def _process(*words: str, where: Path, **settings: str) -> AsyncIterator[trio.Process]:
    with (where / "log" if settings else Path("/dev/null")).open("ab") as log:
        process = await trio.lowlevel.open_process(
            [sys.executable, *words],
            cwd=where,
            env=process_environment(settings),
            stdin=subprocess.PIPE,
            stdout=log if settings else subprocess.PIPE,
            stderr=log if settings else None,
        )
        try:
            yield process
        finally:
            process.kill()
            with trio.CancelScope(shield=True):
                await process.wait()
