"""The program and the bare bot: real processes, each on a Bot API server of its own."""

import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path

import trio
from attrs import define, field, frozen

from actors.platform.mock_answers import plain_answer
from actors.telegram.text.render import pieces
from tests.rigs.program import SUPERVISOR, process_environment
from tests.rigs.telegram_api import TelegramApi, telegram_api
from tests.rigs.telegram_world import Person

LIMIT = 120.0
"""Seconds after which something is wrong, and not only slow."""

_ECHO = str(Path(__file__).with_name("telegram_echo.py"))


@frozen
class Kind:
    """What is started, and what it answers to a text."""

    name: str
    script: str
    answer: Callable[[str], str]


def _mock_answer(text: str) -> str:
    (piece,) = pieces(plain_answer(text, ()))
    return piece.text


OURS = Kind("ours", SUPERVISOR, _mock_answer)
BARE = Kind("bare bot", _ECHO, lambda text: text)


@frozen
class Asked:
    """What somebody wrote at *at*, by trio's clock, and the answer that has to come."""

    person: Person
    answer: str
    at: float


@define
class Bot:
    """One bot over its lives; the chats outlive them.

    Args:
        folder: Where each life without a past has a folder of its own.
    """

    kind: Kind
    api: TelegramApi
    folder: Path
    _process: trio.Process | None = None
    _here: Path = field(init=False)
    _folders: Iterator[int] = field(factory=count)

    async def begin(self) -> float:
        """Start a life without a past; when, by trio's clock."""
        self._here = self.folder / f"{self.kind.name}-{next(self._folders)}"
        self._here.mkdir()
        return await self.go_on()

    async def go_on(self) -> float:
        """Kill it and start it where it was; when it was killed, by trio's clock."""
        began = trio.current_time()
        await self.kill()
        settings = {
            "TELEGRAM_BOT_TOKEN": self.api.token,
            "TELEGRAM_API_BASE": self.api.url,
            "ACCESS_MODE": "open",
            "MOCK_LATENCY": "off",
        }
        with (self._here / "log").open("ab") as log:
            self._process = await trio.lowlevel.open_process(
                [sys.executable, self.kind.script],
                cwd=self._here,
                env=process_environment(settings),
                stdout=log,
                stderr=log,
            )
        return began

    async def kill(self) -> None:
        """Let nothing of it run."""
        if self._process is not None:
            self._process.kill()
            await self._process.wait()

    def ask(self, user_id: int, text: str) -> Asked:
        """Let somebody write *text* to it."""
        person = self.api.person(user_id)
        asked = Asked(person, self.kind.answer(text), trio.current_time())
        person.writes(text)
        return asked

    async def answered(self, asked: Asked) -> float:
        """When the whole answer stood in the chat, by trio's clock; waits for it."""
        await self._until(lambda: self._stood_at(asked) is not None)
        found = self._stood_at(asked)
        assert found is not None
        return found

    async def polled(self, *, since: float) -> float:
        """When the first poll after *since* came, by trio's clock; waits for it."""

        def polls() -> list[float]:
            return [call.at for call in self.api.calls_of("getUpdates") if call.at > since]

        await self._until(lambda: bool(polls()))
        return polls()[0]

    async def _until(self, is_so: Callable[[], bool]) -> None:
        """Wait for what must come, as long as the process lives.

        Raises:
            AssertionError: It has ended, or nothing came; with its last words.
        """
        with trio.move_on_after(LIMIT):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._watch, nursery.cancel_scope)
                await self.api.until(is_so)
                nursery.cancel_scope.cancel("it came")
        if not is_so():
            words = (self._here / "log").read_text(errors="replace")[-2000:]
            raise AssertionError(f"{self.kind.name} does not do what it must: {words}")

    async def _watch(self, waiting: trio.CancelScope) -> None:
        assert self._process is not None
        await self._process.wait()
        waiting.cancel("it has ended")

    def cpu(self) -> float:
        """CPU seconds of this life, over all its threads."""
        assert self._process is not None
        # clock_getcpuclockid(3) of a process; what /proc tells as ticks of 10 ms.
        return time.clock_gettime((~self._process.pid << 3) | 2)

    def resident_mb(self) -> float:
        """Its resident memory now."""
        return self._status("VmRSS")

    def peak_mb(self) -> float:
        """The most resident memory of this life."""
        return self._status("VmHWM")

    def _status(self, name: str) -> float:
        assert self._process is not None
        lines = Path(f"/proc/{self._process.pid}/status").read_text().splitlines()
        (kib,) = (line.split()[1] for line in lines if line.startswith(f"{name}:"))
        return int(kib) * 1024 / 1e6

    def _stood_at(self, asked: Asked) -> float | None:
        versions = (
            version
            for message in self.api.messages(asked.person)
            if message.is_from_bot
            for version in message.versions
        )
        return next((at for at, text in versions if text == asked.answer), None)


@asynccontextmanager
async def a_bot(kind: Kind, folder: Path) -> AsyncIterator[Bot]:
    """A bot that is not started yet; nothing of it runs behind the block."""
    async with telegram_api() as api:
        bot = Bot(kind, api, folder)
        try:
            yield bot
        finally:
            with trio.CancelScope(shield=True):
                await bot.kill()
