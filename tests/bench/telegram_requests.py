"""The same requests over three HTTP sessions, in turns."""

import subprocess
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

import trio
from attrs import define, field, frozen

from tests.rigs.program import ROOT, process_environment
from tests.rigs.telegram_api import TelegramApi, telegram_api
from tests.rigs.telegram_limits import LIMITLESS

WAYS = {
    "trio": "httpx2 on trio",
    "trio-asyncio": "aiohttp on trio-asyncio",
    "asyncio": "aiohttp on asyncio",
}
"""By the word for ``telegram_ways``: ours, aiogram's own as trio would use it, and as it is."""

_CHAT = 42
_LIMIT = 120.0


@frozen
class Sending:
    """What requests took, one after the other: for each the CPU seconds, and how many a second."""

    cpu: float
    rate: float


@define
class Sender:
    """The process that sends; it does one thing after the other."""

    process: trio.Process
    _read: bytes = field(default=b"")

    async def sent(self, way: str, count: int) -> Sending:
        """Send *count* messages; what one took."""
        assert self.process.stdin is not None
        await self.process.stdin.send_all(f"{way} {count}\n".encode())
        with trio.fail_after(_LIMIT):
            cpu, wall = (float(seconds) for seconds in (await self._line()).split())
        return Sending(cpu / count, count / wall)

    async def _line(self) -> bytes:
        assert self.process.stdout is not None
        while b"\n" not in self._read:
            read = await self.process.stdout.receive_some()
            assert read, "the process that sends has ended"
            self._read += read
        line, _, self._read = self._read.partition(b"\n")
        return line


@asynccontextmanager
async def _a_sender(api: TelegramApi) -> AsyncIterator[Sender]:
    process = await trio.lowlevel.open_process(
        [sys.executable, "-m", "tests.bench.telegram_ways", api.url, api.token, str(_CHAT)],
        cwd=ROOT,
        env=process_environment({}),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        yield Sender(process)
    finally:
        process.kill()
        with trio.CancelScope(shield=True):
            await process.wait()


async def sendings(rounds: int, count: int) -> Mapping[str, Sequence[Sending]]:
    """What *count* messages took in each round, by way; each is first in its turn."""
    found: dict[str, list[Sending]] = {way: [] for way in WAYS}
    async with telegram_api(limits=LIMITLESS) as api, _a_sender(api) as sender:
        api.person(_CHAT).writes("/start")
        for number in range(rounds):
            first = number % len(WAYS)
            for way in (*WAYS, *WAYS)[first : first + len(WAYS)]:
                found[way].append(await sender.sent(way, count))
    return found
