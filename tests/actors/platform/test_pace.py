"""How often a stream is read while many others are."""

import random

import pytest
import trio
from trio.testing import MockClock

from actors.platform.open_turn import OpenTurn
from actors.platform.pace import LONGEST_PAUSE, MOST_AT_ONCE, Pace, pause_between
from protocols.platform import StreamFinished, TextDelta
from protocols.turns import RunTurn, TurnFinished
from tests.actors.platform.scripted import ScriptedClient, Shown, Step, runner_for, turn


@pytest.mark.parametrize(
    ("turns", "seconds"), [(1, 0.0), (4, 0.0), (50, 0.1), (200, 0.4), (10_000, LONGEST_PAUSE)]
)
def test_the_more_turns_run_the_less_often_each_is_read(turns: int, seconds: float) -> None:
    assert pause_between(turns) == pytest.approx(seconds)


async def test_what_had_gathered_is_read_without_a_pause(autojump_clock: MockClock) -> None:
    pace = Pace(lambda: 0.5)
    await pace.keep(0.4)

    for _ in range(100):
        await pace.keep(0.4)
    gathered_at = autojump_clock.current_time()
    await trio.sleep(0.05)
    await pace.keep(0.4)

    assert gathered_at == pytest.approx(0.4)
    assert autojump_clock.current_time() == pytest.approx(0.85)


async def test_streams_that_began_together_are_not_read_together(
    autojump_clock: MockClock,
) -> None:
    generator, read_at = random.Random(1), list[float]()

    async def read() -> None:
        await Pace(generator.random).keep(0.4)
        read_at.append(autojump_clock.current_time())

    async with trio.open_nursery() as nursery:
        for _ in range(200):
            nursery.start_soon(read)

    busiest = max(sum(at <= other < at + 0.04 for other in read_at) for at in read_at)
    assert busiest < 200 / 4
    assert sum(read_at) / 200 == pytest.approx(0.4, rel=0.1)


async def test_who_has_very_much_at_once_lets_others_in_between(
    autojump_clock: MockClock,  # noqa: ARG001  # no time passes
) -> None:
    seen: list[str] = []

    async def read(name: str) -> None:
        pace = Pace(random.random)
        for _ in range(200):
            await pace.keep(0.0)
            seen.append(name)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(read, "a")
        nursery.start_soon(read, "b")

    turns = [name for name, before in zip(seen, [None, *seen], strict=False) if name != before]
    assert len(turns) >= 200 / MOST_AT_ONCE


async def run_among_many(client: ScriptedClient, *, turns: int) -> list[float]:
    """When each of *turns* at once is over, all reading the same script."""
    runner, over = runner_for(client), list[float]()

    async def run(number: int) -> None:
        question = RunTurn(turn(number), Shown())
        outcome = await runner.outcome_of(OpenTurn.asked_by(question, at=trio.current_time()))
        assert outcome == TurnFinished("Hello")
        over.append(trio.current_time())

    async with trio.open_nursery() as nursery:
        for number in range(turns):
            nursery.start_soon(run, number)
    return over


async def test_a_first_word_waits_for_no_pause_and_an_end_for_a_short_one(
    autojump_clock: MockClock,  # noqa: ARG001  # time passes at once
) -> None:
    quiet: list[Step] = [TextDelta("")] * 10
    steps: list[Step] = []
    for part in quiet:
        steps += [0.02, part]
    script = [*steps, TextDelta("Hel"), TextDelta("lo"), StreamFinished()]

    over = await run_among_many(ScriptedClient([script]), turns=100)

    assert min(over) >= 0.199
    assert max(over) <= 0.2 + pause_between(100) + 0.01


async def test_a_turn_alone_is_read_as_it_comes(
    autojump_clock: MockClock,  # noqa: ARG001  # time passes at once
) -> None:
    script: list[Step] = [TextDelta("Hel"), 0.05, TextDelta("lo"), 0.05, StreamFinished()]

    assert await run_among_many(ScriptedClient([script]), turns=1) == [pytest.approx(0.1)]
