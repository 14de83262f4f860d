"""Words that were decided and not said do not count."""

import pytest
import trio
from trio.testing import MockClock

from tests.actors.chats.world import World


@pytest.mark.parametrize("delay", [1.05 + number * 0.01 for number in range(12)])
async def test_a_page_that_conflicts_leaves_nobody_untold(
    autojump_clock: MockClock, delay: float
) -> None:
    async with World(autojump_clock, has_buttons=True, seconds_per_batch=0.01).running() as world:
        await world.say("first")
        await world.write("slow 1", "queued", message_id="q")
        await trio.sleep(delay)
        edit = world.arrival("other words", message_id="q", edits="q")
        await world.arrive(edit, *(world.arrival("/help") for _ in range(61)))
        await world.settle()

    told = [row for row in world.rows if row.reason == "flood; was told"]
    assert len(told) == 1
