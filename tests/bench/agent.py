"""200 answers that stream at once: how soon a new chat gets its first word meanwhile.

The real store, directory, sessions, bridge and HTTP client in this process; the agent is a
process of its own. In the place of Telegram stands an actor that writes down when a draft or an
answer would have been sent: what Telegram itself costs is measured by ``telegram``.
"""

import random
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from math import ceil
from pathlib import Path
from tempfile import TemporaryDirectory

import trio
from attrs import define

from actors.chats import AccessPolicy, ChatDirectory, ChatSession
from actors.kernel import Mailbox, Pool, permanent
from actors.kernel.supervision import Supervisor
from actors.platform.bridge import PlatformBridge
from actors.platform.modes import platform_opener
from actors.platform.settings import AgentSettings
from actors.store.actor import StoreActor
from protocols.chats import DirectoryMessage, RowsArrived, SessionMessage
from protocols.ids import TELEGRAM, EventId, PersonId, RoomId, RowId, TraceId
from protocols.journal import Arrival
from protocols.mail import Address
from protocols.store import Journal, StoreMessage
from protocols.surfaces import Deliver, ShowDraft, Surface, SurfaceMessage
from protocols.turns import PlatformMessage
from tests.bench.pairs import scaled
from tests.bench.table import Finding, at_most
from tests.bench.trees import silence

STREAMS = 200
_WORDS = 400
_WORDS_A_SECOND = 8
_ROUNDS = 3
_WARM_UP = 2.0


@define
class Watcher:
    """In the place of a surface: when the first word of each row came."""

    inbox: Mailbox[SurfaceMessage]
    seen: dict[RowId, float]

    async def run(self) -> None:
        async for message in self.inbox:
            match message:
                case ShowDraft(row=row, text=text) if text:
                    self.seen.setdefault(row, time.perf_counter())
                case Deliver(row_done=row) if row is not None:
                    self.seen.setdefault(row, time.perf_counter())
                case _:
                    pass


@define
class Gateway:
    """The program without its surfaces."""

    store: Address[StoreMessage]
    chats: Address[DirectoryMessage]
    seen: dict[RowId, float]
    _number: int = 0

    async def write(self, text: str, *, sender: int) -> tuple[RowId, float]:
        """A message in a chat of its own: its row, and when it was handed over."""
        self._number += 1
        began = time.perf_counter()
        arrival = Arrival(
            EventId(str(self._number)),
            RoomId(f"{TELEGRAM}/{sender}"),
            PersonId(f"{TELEGRAM}:{sender}"),
            "Ann",
            text,
            time.time(),
            TraceId(f"{self._number:032x}"),
        )
        journaled = await self.store.ask(Journal(TELEGRAM, (arrival,)))
        self.chats.try_send(RowsArrived())
        return journaled.rows[0].id, began

    async def until_seen(self, rows: int) -> None:
        """Wait until so many *rows* have had their first word."""
        with trio.fail_after(30):
            while len(self.seen) < rows:  # noqa: ASYNC110
                await trio.sleep(0.05)


def measure_agent(share: float) -> Iterator[Finding]:
    """First words with and without the streams, in turns."""
    silence()
    idle: list[float] = []
    busy: list[float] = []
    events: list[float] = []
    for _ in range(scaled(_ROUNDS, share)):
        idle.append(_p99(trio.run(_first_words, 0, scaled(_WORDS, share))[0]))
        waits, rate = trio.run(_first_words, STREAMS, scaled(_WORDS, share))
        busy.append(_p99(waits))
        events.append(rate)
    yield Finding(
        f"first word of a new chat, p99, {STREAMS} streams", busy, " ms", target=at_most(150)
    )
    ratios = [a / b for a, b in zip(busy, idle, strict=True)]
    yield Finding("the same / an idle program", ratios)
    yield Finding("first word of a new chat, p99, idle", idle, " ms")
    yield Finding("CPU of the program meanwhile, of one core", events, " %", digits=0)


def _p99(waits: list[float]) -> float:
    return sorted(waits)[ceil(0.99 * len(waits)) - 1] * 1000


async def _first_words(streams: int, words: int) -> tuple[list[float], float]:
    """The waits of *words* new chats in seconds while *streams* run; and the CPU, in per cent."""
    generator = random.Random(words)
    with TemporaryDirectory() as folder:
        async with _agent() as url, _gateway(Path(folder), url) as gateway:
            for number in range(streams):
                await gateway.write("stream", sender=10_000 + number)
            await gateway.until_seen(streams)
            await trio.sleep(_WARM_UP)
            cpu, began = time.process_time(), time.perf_counter()
            asked: list[tuple[RowId, float]] = []
            for number in range(words):
                asked.append(await gateway.write("hello", sender=20_000 + number))
                await trio.sleep(generator.expovariate(_WORDS_A_SECOND))
            await gateway.until_seen(streams + words)
            share = (time.process_time() - cpu) / (time.perf_counter() - began)
            return [gateway.seen[row] - at for row, at in asked], 100 * share


@asynccontextmanager
async def _agent() -> AsyncIterator[str]:
    command = [sys.executable, "-m", "tests.bench.agent_stub"]
    process = await trio.lowlevel.open_process(command, stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        yield (await process.stdout.receive_some()).decode().strip()
    finally:
        process.kill()
        with trio.CancelScope(shield=True):
            await process.wait()


@asynccontextmanager
async def _gateway(folder: Path, url: str) -> AsyncIterator[Gateway]:
    store = Mailbox[StoreMessage]("store", capacity=1024)
    platform = Mailbox[PlatformMessage]("platform", capacity=256)
    out = Mailbox[SurfaceMessage]("telegram.out", capacity=256)
    chats = Mailbox[DirectoryMessage]("chats")
    surfaces = {TELEGRAM: Surface(TELEGRAM, out.address, draft_every=1.5)}
    seen: dict[RowId, float] = {}
    agent = platform_opener(AgentSettings("production", url=url, secret="token"), store.address)
    sessions = Pool[SessionMessage](
        "sessions",
        lambda room, inbox: ChatSession(
            RoomId(room), inbox, store.address, platform.address, surfaces
        ),
        idle=900.0,
        shutdown=1.0,
        role="ChatSession",
    )
    talk = (store.address, platform.address, sessions, surfaces, AccessPolicy("open"))
    limits = (folder / "files", 60.0, 2 * STREAMS)
    rows = [
        permanent("store", StoreActor, store, folder / "s.db"),
        permanent("platform", PlatformBridge, platform, agent, store.address, *limits),
        permanent("telegram.out", Watcher, out, seen),
        sessions.spec(),
        permanent("chats", ChatDirectory, chats, *talk, lambda: ""),
    ]
    supervisor = Supervisor(rows, freezes=True)  # as supervisor.py does
    async with trio.open_nursery() as nursery:
        nursery.start_soon(supervisor.run)
        yield Gateway(store.address, chats.address, seen)
        supervisor.stop("measured")
