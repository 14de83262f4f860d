"""How often a stream is read while many others are."""

import random
from collections.abc import AsyncIterator
from contextlib import ExitStack
from itertools import pairwise

import pytest
import trio
import trio.testing
from trio.testing import MockClock

from actors.platform.pace import FIRST_READS, LONGEST_PAUSE, Pace, pause_between
from actors.platform.web_answers import events_in


def pace() -> Pace:
    return Pace(random.Random(1))


@pytest.mark.parametrize(
    ("streams", "seconds"), [(1, 0.0), (3, 0.0), (40, 0.1), (200, 0.5), (10_000, LONGEST_PAUSE)]
)
def test_the_more_streams_there_are_the_less_often_each_is_read(
    streams: int, seconds: float
) -> None:
    assert pause_between(streams) == pytest.approx(seconds)


async def read_times(ours: Pace, clock: MockClock, *, among: int, reads: int) -> list[float]:
    """When each of *reads* was made, of a body that gathers an event in each 10 ms."""
    times: list[float] = []

    async def body() -> AsyncIterator[bytes]:
        for _ in range(reads):
            await trio.sleep(0.01)
            times.append(clock.current_time())
            yield b"data: some words\n\n"

    with ExitStack() as others:
        for _ in range(among - 1):
            others.enter_context(ours.stream())
        with ours.stream() as pause:
            events = [event.data async for event in events_in(body(), 1000, pause)]
    assert events == ["some words"] * reads
    return times


async def test_first_reads_are_made_at_once_and_later_ones_when_more_has_gathered(
    autojump_clock: MockClock,
) -> None:
    reads = FIRST_READS + 100

    times = await read_times(pace(), autojump_clock, among=40, reads=reads)

    steps = [b - a for a, b in pairwise(times)]
    assert steps[: FIRST_READS - 1] == pytest.approx([0.01] * (FIRST_READS - 1))
    later = steps[FIRST_READS:]
    assert min(later) >= 0.05
    assert sum(later) / len(later) == pytest.approx(0.11, rel=0.1)


async def test_a_stream_alone_is_read_as_it_comes(autojump_clock: MockClock) -> None:
    ours = pace()
    await read_times(ours, autojump_clock, among=40, reads=1)
    began = autojump_clock.current_time()

    times = await read_times(ours, autojump_clock, among=1, reads=50)

    assert times[-1] - began == pytest.approx(0.5)


async def test_streams_that_began_together_are_not_read_together(
    autojump_clock: MockClock,
) -> None:
    ours, read_at = pace(), list[float]()

    async def read() -> None:
        with ours.stream() as pause:
            for _ in range(FIRST_READS):
                await pause()
            await trio.testing.wait_all_tasks_blocked()
            began = autojump_clock.current_time()
            await pause()
            read_at.append(autojump_clock.current_time() - began)
            await trio.sleep(LONGEST_PAUSE)  # all are read until then

    async with trio.open_nursery() as nursery:
        for _ in range(200):
            nursery.start_soon(read)

    busiest = max(sum(at <= other < at + 0.05 for other in read_at) for at in read_at)
    assert busiest < 200 / 4
    assert sum(read_at) / 200 == pytest.approx(pause_between(200), rel=0.1)
