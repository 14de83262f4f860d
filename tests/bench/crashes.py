"""Crashes: how soon the next life handles the message."""

import os
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from statistics import median

import trio
from attrs import define, field, frozen

from actors.kernel.logs import configure_logs
from actors.kernel.mailbox import Mailbox
from actors.kernel.spec import permanent
from tests.bench.pairs import in_turns, scaled
from tests.bench.table import Finding, at_most
from tests.bench.trees import AT_ONCE, growing, silence

_ROUNDS = 9
_CRASHES = 300


class ShockError(Exception):
    """What every second message does to its reader."""


@frozen
class Shock:
    """Crashes the life that gets it first, and is handled by the next."""


@define
class Meter:
    """The seconds from each crash to the next message handled."""

    took: list[float] = field(factory=list)
    crashed_at: float = 0.0
    handled: trio.Event = field(factory=trio.Event)

    def hit(self) -> None:
        if not self.crashed_at:
            self.crashed_at = time.perf_counter()
            raise ShockError
        self.took.append(time.perf_counter() - self.crashed_at)
        self.crashed_at = 0.0
        self.handled.set()


@define
class Victim:
    """Crashes on its first message, every life anew."""

    inbox: Mailbox[Shock]
    meter: Meter

    async def run(self) -> None:
        async for _ in self.inbox:
            self.meter.hit()


async def supervised_crashes(count: int) -> float:
    """The median in seconds."""
    meter, inbox = Meter(), Mailbox[Shock]("victim")
    victim = permanent("victim", Victim, inbox=inbox, meter=meter).with_options(backoff=AT_ONCE)
    async with growing([victim]):
        for _ in range(count):
            meter.handled = trio.Event()
            await inbox.address.send(Shock())
            await meter.handled.wait()
    return median(meter.took)


async def raw_crashes(count: int) -> float:
    """The same for a loop around ``try``; what was in hand is lost, so two are sent."""
    meter = Meter()
    send, receive = trio.open_memory_channel[Shock](64)

    async def live() -> None:
        async for _ in receive:
            meter.hit()

    async def live_again() -> None:
        is_over = False
        while not is_over:
            try:
                await live()
                is_over = True
            except ShockError:
                await trio.lowlevel.checkpoint()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(live_again)
        for _ in range(count):
            meter.handled = trio.Event()
            await send.send(Shock())
            await send.send(Shock())
            await meter.handled.wait()
        send.close()
    return median(meter.took)


def measure_crashes(share: float) -> Iterator[Finding]:
    """First without a report, then with one: configured logs stay configured."""
    count, rounds = scaled(_CRASHES, share), scaled(_ROUNDS, share)
    silence()
    yield _finding("crash to next message, p50", 100, count, rounds)
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        configure_logs(level="info", log_format="json", secrets=("a-token",), stream=nowhere)
        yield _finding("crash to next message, p50, with report", 300, count, rounds)


def _finding(name: str, limit: float, count: int, rounds: int) -> Finding:
    ways = partial(supervised_crashes, count), partial(raw_crashes, count)
    pairs = trio.run(partial(in_turns, *ways, rounds=rounds))
    remark = f"raw trio {median(pairs.theirs) * 1e6:.0f} µs"
    samples = [seconds * 1e6 for seconds in pairs.ours]
    return Finding(name, samples, unit=" µs", digits=0, target=at_most(limit), remark=remark)
