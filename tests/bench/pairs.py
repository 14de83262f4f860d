"""Two ways to do the same, timed in turns, so that a busy machine slows both alike."""

import gc
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from statistics import median

from attrs import Factory, define, frozen

Sample = Callable[[], Awaitable[float]]
"""Does one thing a fixed number of times and says how long it took, in seconds."""


@frozen
class Pairs:
    """What each way took, in seconds, side by side."""

    ours: tuple[float, ...]
    theirs: tuple[float, ...]

    @property
    def speeds(self) -> tuple[float, ...]:
        """Our speed as a share of theirs, pair by pair."""
        return tuple(b / a for a, b in zip(self.ours, self.theirs, strict=True))

    def rates(self, count: int) -> tuple[float, float]:
        """What each way does in a second, if a sample is *count* of it."""
        return count / median(self.ours), count / median(self.theirs)


def scaled(count: int, share: float) -> int:
    """*share* of *count*, but at least one."""
    return max(1, int(count * share))


async def in_turns(ours: Sample, theirs: Sample, *, rounds: int) -> Pairs:
    """Take *rounds* pairs, each way first every other time, after one pair that is thrown away."""
    pairs: list[tuple[float, float]] = []
    for number in range(rounds + 1):
        if number % 2:
            a, b = await _sample(ours), await _sample(theirs)
        else:
            b, a = await _sample(theirs), await _sample(ours)
        pairs.append((a, b))
    return Pairs(*zip(*pairs[1:], strict=True))


async def _sample(way: Sample) -> float:
    gc.collect()
    return await way()


@define
class Span:
    """How long a block took, in seconds.

    Args:
        cpu: On this thread's own clock, which stands still while another program has the CPU.
        wall: On everybody's.
    """

    cpu: float = 0.0
    wall: float = 0.0
    _began: tuple[float, float] = Factory(lambda: (time.thread_time(), time.perf_counter()))

    def end(self) -> None:
        self.cpu = time.thread_time() - self._began[0]
        self.wall = time.perf_counter() - self._began[1]


@contextmanager
def timed() -> Iterator[Span]:
    """Time the block."""
    span = Span()
    try:
        yield span
    finally:
        span.end()
