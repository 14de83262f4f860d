"""Memory: what a session weighs that waits, and a room whose session has retired."""

import gc
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from resource import getpagesize

import trio
import trio.testing

from tests.bench.herds import SESSIONS, a_pool, start
from tests.bench.pairs import scaled
from tests.bench.table import Finding, at_most
from tests.bench.trees import growing, silence

_WARM_UP = 200
_AT_ONCE = 100


def measure_memory(share: float) -> Iterator[Finding]:
    """Resident memory first, while the process is fresh; then once more, object by object."""
    count = scaled(SESSIONS, share)
    silence()
    resident, _ = _run(count, _resident_bytes)
    tracemalloc.start()
    idle, retired = _run(count, _traced_bytes)
    tracemalloc.stop()
    objects, process = "its objects, by tracemalloc", "what the process grew by"
    yield Finding("idle session", [idle], " KB", target=at_most(6.5), remark=objects)
    yield Finding("idle session, resident", [resident], " KB", target=at_most(6.5), remark=process)
    yield Finding("retired room", [retired], " KB", target=at_most(0.4), remark=objects)


def _run(count: int, size_bytes: Callable[[], int]) -> tuple[float, float]:
    clock = trio.testing.MockClock(autojump_threshold=0)
    return trio.run(_weigh, count, size_bytes, clock=clock)


async def _weigh(count: int, size_bytes: Callable[[], int]) -> tuple[float, float]:
    """KB of each session that waits, and of each that has retired."""
    pool = a_pool()
    async with growing([pool.spec()]):
        await start(pool, range(count, count + _WARM_UP))
        await trio.sleep(2 * pool.idle)
        before = _settled(size_bytes)
        for first in range(0, count, _AT_ONCE):
            await start(pool, range(first, min(first + _AT_ONCE, count)))
        idle = _settled(size_bytes) - before
        await trio.sleep(2 * pool.idle)
        assert not pool.children()
        retired = _settled(size_bytes) - before
    return idle / count / 1000, retired / count / 1000


def _settled(size_bytes: Callable[[], int]) -> int:
    gc.collect()
    return size_bytes()


def _traced_bytes() -> int:
    return tracemalloc.get_traced_memory()[0]


def _resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * getpagesize()
