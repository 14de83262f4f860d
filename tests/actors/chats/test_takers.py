"""A question that stands again after words failed has one answer, whoever is quicker."""

import pytest
import trio
from trio.testing import MockClock

from tests.actors.chats.world import World


@pytest.mark.parametrize("delay", [number * 0.003 for number in range(0, 30, 2)])
async def test_a_question_that_stands_again_is_taken_once(
    autojump_clock: MockClock, delay: float
) -> None:
    async with World(autojump_clock, has_buttons=True, seconds_per_batch=0.01).running() as world:
        await world.say("ask")
        (words,) = await world.write("fail two")
        await world.begins(words)
        await world.write("three")
        await trio.sleep(delay)
        await world.write("yes")
        await world.settle()

    takers = [(turn.row, turn.resume.choice) for turn in world.turns if turn.resume is not None]
    assert len(takers) == 2, takers  # the words that failed, and one after them
