"""The real ``python supervisor.py``, as a process in a folder of its own."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import trio
from attrs import define, field

from actors.config import Settings

ROOT = Path(__file__).parents[2]
SUPERVISOR = str(ROOT / "supervisor.py")
LIMIT = 60.0

# The program's bytecode is kept from life to life, as on any machine that does not forbid it.
_BYTECODE = {"PYTHONPYCACHEPREFIX": str(ROOT / ".pytest_cache" / "bytecode")}


@define
class Program:
    """One program over its lives; every life runs in the same folder with the same settings.

    Args:
        log: Every log line of every life, as JSON gave it; other lines stand under ``text``.
        said: Standard output of every life.
    """

    folder: Path
    environment: Mapping[str, str]
    _nursery: trio.Nursery
    log: list[dict[str, Any]] = field(factory=list)
    said: str = ""
    _process: trio.Process | None = None
    _is_over: bool = False
    _changed: trio.Condition = field(factory=trio.Condition)

    async def start(self) -> None:
        """Start a life and wait until its tree is up."""
        await self.leave_nothing()
        seen = len(self.log)
        self._process = await trio.lowlevel.open_process(
            [sys.executable, SUPERVISOR],
            cwd=self.folder,
            env=process_environment(self.environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self._is_over = False
        self._nursery.start_soon(self._read_log, self._process)
        self._nursery.start_soon(self._read_words, self._process)
        await self.logged("tree.started", after=seen)

    async def logged(self, event: str, *, after: int = 0) -> dict[str, Any]:
        """The first log line *event* behind the first *after* lines; waits for it."""
        with trio.fail_after(LIMIT):
            async with self._changed:
                return await self._first(event, after)

    async def _first(self, event: str, after: int) -> dict[str, Any]:
        while True:
            for line in self.log[after:]:
                if line.get("event") == event:
                    return line
            assert not self._is_over, f"it ended without {event}: {self.log[after:]}"
            await self._changed.wait()

    async def say(self, line: str) -> None:
        """Write *line* to its standard input."""
        assert self._process is not None
        assert self._process.stdin is not None
        await self._process.stdin.send_all(line.encode() + b"\n")

    async def says(self, words: str) -> None:
        """Wait until its standard output holds *words*."""
        with trio.fail_after(LIMIT):
            async with self._changed:
                while words not in self.said:
                    await self._changed.wait()

    async def close_stdin(self) -> None:
        """End its standard input, as Ctrl-D does."""
        assert self._process is not None
        assert self._process.stdin is not None
        await self._process.stdin.aclose()

    async def kill(self) -> None:
        """End this life with kill -9."""
        await self.end(signal.SIGKILL)

    async def end(self, with_signal: signal.Signals = signal.SIGTERM) -> int:
        """Send *with_signal* and wait for the end; gives the exit code."""
        assert self._process is not None
        self._process.send_signal(with_signal)
        with trio.fail_after(LIMIT):
            return await self._process.wait()

    async def wait(self) -> int:
        """Wait until this life ends by itself; gives the exit code."""
        assert self._process is not None
        with trio.fail_after(LIMIT):
            return await self._process.wait()

    async def leave_nothing(self) -> None:
        """Kill it if it still runs, and close what joined us to it."""
        if self._process is None:
            return
        self._process.kill()
        await self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            if pipe is not None:
                await pipe.aclose()

    async def debug(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run ``supervisor.py debug`` with *words* against this program."""
        return await run_supervisor(
            "debug", *words, folder=self.folder, environment=self.environment
        )

    async def tree(self) -> dict[str, dict[str, Any]]:
        """The live tree, by path."""
        done = await self.debug("--json")
        assert done.returncode == 0, done.stderr
        return {actor["path"]: actor for actor in json.loads(done.stdout)["actors"]}

    async def _read_log(self, process: trio.Process) -> None:
        assert process.stderr is not None
        rest = b""
        async for chunk in process.stderr:
            *lines, rest = (rest + chunk).split(b"\n")
            async with self._changed:
                self.log.extend(_as_json(line) for line in lines)
                self._changed.notify_all()
        async with self._changed:
            self._is_over = process is self._process
            self._changed.notify_all()

    async def _read_words(self, process: trio.Process) -> None:
        assert process.stdout is not None
        async for chunk in process.stdout:
            async with self._changed:
                self.said += chunk.decode(errors="replace")
                self._changed.notify_all()


@asynccontextmanager
async def program(folder: Path, **environment: str) -> AsyncIterator[Program]:
    """A program that is not started yet; killed at the end if it still runs."""
    async with trio.open_nursery() as nursery:
        it = Program(folder, environment, nursery)
        try:
            yield it
        finally:
            with trio.CancelScope(shield=True):
                await it.leave_nothing()
            nursery.cancel_scope.cancel()


async def run_supervisor(
    *words: str, folder: Path, environment: Mapping[str, str], stdin: bytes = b""
) -> subprocess.CompletedProcess[str]:
    """Run ``supervisor.py`` with *words* to its end."""
    with trio.fail_after(LIMIT):
        done = await trio.run_process(
            [sys.executable, SUPERVISOR, *words],
            cwd=folder,
            env=process_environment(environment),
            stdin=stdin,
            capture_stdout=True,
            capture_stderr=True,
            check=False,
        )
    return subprocess.CompletedProcess(
        done.args, done.returncode, done.stdout.decode(), done.stderr.decode()
    )


def process_environment(ours: Mapping[str, str]) -> dict[str, str]:
    """The machine's environment without any setting of ours, then *ours*."""

    settings = {name.upper() for name in Settings.model_fields} | {"MATRIX_DB_PATH"}
    unwanted = settings | {"PYTHONDONTWRITEBYTECODE"}
    machine = {name: value for name, value in os.environ.items() if name not in unwanted}
    plain = {"LOG_FORMAT": "json", "NO_COLOR": "1", "COLUMNS": "100", "OPS_BIND": ""}
    return machine | _BYTECODE | plain | dict(ours)


def _as_json(line: bytes) -> dict[str, Any]:
    try:
        read = json.loads(line)
    except ValueError:
        return {"text": line.decode(errors="replace")}
    return read if isinstance(read, dict) else {"text": line.decode(errors="replace")}
