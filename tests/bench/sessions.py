"""Ten thousand sessions: how fast they start, show in the tree, and stop."""

import gc
from collections.abc import Iterable, Iterator
from statistics import median

import trio
import trio.testing
from attrs import define, field

from actors.kernel.supervision import Supervisor
from tests.bench.herds import SESSIONS, Work, a_pool, start
from tests.bench.pairs import Span, scaled, timed
from tests.bench.table import Finding, at_least, at_most
from tests.bench.trees import growing, silence

_ROUNDS = 5


@define
class Round:
    """What one herd took."""

    raw_start: Span = field(factory=Span)
    start: Span = field(factory=Span)
    census: Span = field(factory=Span)
    hold: Span = field(factory=Span)
    stop: Span = field(factory=Span)


def measure_sessions(share: float) -> Iterator[Finding]:
    count, rounds_wanted = scaled(SESSIONS, share), scaled(_ROUNDS, share)
    silence()
    rounds = [trio.run(_one_round, count) for _ in range(rounds_wanted + 1)][1:]
    raw = median(count / each.raw_start.cpu for each in rounds)
    yield Finding(
        f"{count:,} sessions started, per s",
        [count / each.start.cpu for each in rounds],
        digits=0,
        target=at_least(12_000),
        remark=f"{_wall(each.start for each in rounds)}; raw trio tasks {raw:,.0f}/s",
    )
    yield _span(f"tree of {count:,}, read in chunks", 60, [each.census for each in rounds])
    yield _span("longest hold of the loop by that", 5, [each.hold for each in rounds])
    yield _span(f"{count:,} sessions stopped", 1500, [each.stop for each in rounds])


def _span(name: str, limit_ms: float, spans: list[Span]) -> Finding:
    samples = [span.cpu * 1000 for span in spans]
    target = at_most(limit_ms)
    return Finding(name, samples, " ms", digits=1, target=target, remark=_wall(spans))


async def _one_round(count: int) -> Round:
    found = Round()
    found.raw_start = await _raw_start(count)
    pool = a_pool()
    try:
        async with growing([pool.spec()], freezes=True) as tree:  # as supervisor.py does
            await trio.testing.wait_all_tasks_blocked()
            with timed() as found.start:
                await start(pool, range(count))
            with timed() as found.census:
                views = await tree.supervisor.census_in_chunks()
            assert len(views) == count + 1
            del views
            found.hold = await _longest_hold(tree.supervisor)
            with timed() as found.stop:
                await tree.stop()
    finally:
        gc.unfreeze()
    return found


async def _longest_hold(supervisor: Supervisor) -> Span:
    """The longest time between two turns of a task that always wants one."""
    longest = Span()

    async def watch() -> None:
        while True:
            with timed() as turn:
                await trio.lowlevel.checkpoint()
            longest.cpu = max(longest.cpu, turn.cpu)
            longest.wall = max(longest.wall, turn.wall)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(watch)
        await trio.lowlevel.checkpoint()
        views = await supervisor.census_in_chunks()
        for _ in range(10):  # what the garbage collector put off counts, too
            views = views[:]
            await trio.lowlevel.checkpoint()
        nursery.cancel_scope.cancel()
    return longest


async def _raw_start(count: int) -> Span:
    """As many plain tasks, each with a channel, which handle one message and wait."""
    async with trio.open_nursery() as nursery:
        with timed() as span:
            for _ in range(count):
                send, receive = trio.open_memory_channel[Work](64)
                send.send_nowait(Work())
                nursery.start_soon(_read, send, receive)
            await trio.testing.wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    return span


async def _read(
    _kept_open: trio.MemorySendChannel[Work], receive: trio.MemoryReceiveChannel[Work]
) -> None:
    async for _ in receive:
        pass


def _wall(spans: Iterable[Span]) -> str:
    return f"by the wall clock {median(span.wall for span in spans) * 1000:,.0f} ms"
