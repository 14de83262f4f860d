"""The journal: durable writes in groups, one by one, and what the disk itself can do."""

import os
import time
from collections.abc import Iterator
from functools import partial
from itertools import count as count_from
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory, gettempdir

import trio
from attrs import define, field

from actors.kernel.mailbox import Mailbox
from actors.kernel.spec import permanent
from actors.store.actor import StoreActor
from protocols.ids import EventId, PersonId, RoomId, SurfaceName, TraceId
from protocols.journal import Arrival, Cursor
from protocols.mail import Address
from protocols.store import Journal, StoreMessage
from tests.bench.pairs import Pairs, in_turns, scaled
from tests.bench.table import Finding, at_least
from tests.bench.trees import growing, silence

_ROUNDS = 9
_ASKERS = 100
_WRITES_EACH = 30
_WRITES_ALONE = 300
_FSYNCS = 300
_BLOCK = bytes(4096)


@define
class Desk:
    """Journals one message after the other, each a new one in one of a thousand rooms."""

    store: Address[StoreMessage]
    _numbers: Iterator[int] = field(init=False, factory=count_from)

    async def write(self, count: int) -> None:
        for _ in range(count):
            await self.store.ask(self._next(), within=60)

    def _next(self) -> Journal:
        number = next(self._numbers)
        arrival = Arrival(
            event_id=EventId(f"$event{number}:example.org"),
            room=RoomId(f"matrix/!room{number % 1000}:example.org"),
            sender=PersonId(f"matrix:@person{number % 1000}:example.org"),
            sender_name="A person",
            text=f"What is the answer to question {number}?",
            sent_at=1_700_000_000.0 + number,
            trace=TraceId(f"{number:032x}"),
        )
        return Journal(SurfaceName("matrix"), (arrival,), Cursor("matrix", f"s{number}"))


@define
class Bench:
    """Seconds per durable write, three ways."""

    desk: Desk
    file: int
    share: float

    async def grouped(self) -> float:
        each = scaled(_WRITES_EACH, self.share)
        began = time.perf_counter()
        async with trio.open_nursery() as nursery:
            for _ in range(_ASKERS):
                nursery.start_soon(self.desk.write, each)
        return (time.perf_counter() - began) / (each * _ASKERS)

    async def alone(self) -> float:
        writes = scaled(_WRITES_ALONE, self.share)
        began = time.perf_counter()
        await self.desk.write(writes)
        return (time.perf_counter() - began) / writes

    async def fsyncs(self) -> float:
        """Append a block and wait for the disk, as a log does, in this thread."""
        rounds = scaled(_FSYNCS, self.share)
        began = time.perf_counter()
        for _ in range(rounds):
            os.write(self.file, _BLOCK)
            os.fsync(self.file)
        return (time.perf_counter() - began) / rounds


def measure_journal(share: float) -> Iterator[Finding]:
    silence()
    with TemporaryDirectory() as folder:
        alone, disk, lone = trio.run(_measure, Path(folder), share)
    grouped, single = alone.rates(1)
    fsyncs = 1 / median(disk.theirs)
    yield Finding(
        "journal, 100 askers / one by one",
        alone.speeds,
        target=at_least(5),
        digits=1,
        remark=f"{grouped:,.0f}/s against {single:,.0f}/s",
    )
    remark = f"the disk of {gettempdir()} does {fsyncs:,.0f} fsyncs/s of 4 KiB"
    yield Finding("journal, 100 askers / fsyncs of the disk", disk.speeds, remark=remark)
    yield Finding("journal, one by one / fsyncs of the disk", lone.speeds, remark="one fsync each")


async def _measure(folder: Path, share: float) -> tuple[Pairs, Pairs, Pairs]:
    inbox = Mailbox[StoreMessage]("store")
    file = os.open(folder / "plain", os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    bench = Bench(Desk(inbox.address), file, share)
    turns = partial(in_turns, rounds=scaled(_ROUNDS, share))
    async with growing([permanent("store", StoreActor, inbox=inbox, path=folder / "s.db")]):
        alone = await turns(bench.grouped, bench.alone)
        disk = await turns(bench.grouped, bench.fsyncs)
        lone = await turns(bench.alone, bench.fsyncs)
    os.close(file)
    return alone, disk, lone
