"""A disk that is slow makes everything late and nothing else."""

import trio
from trio.testing import MockClock

from protocols.journal import RowState
from tests.actors.chats.world import OTHER_ROOM, World


async def test_a_store_that_takes_its_time_crashes_nobody(autojump_clock: MockClock) -> None:
    async with World(autojump_clock, seconds_per_batch=9.0).running() as world:
        await trio.sleep(100)
        await world.write("one", "two", "/status", "fail")
        await world.write("one", "/new", "/retry", room=OTHER_ROOM)
        await world.settle(within=1000)
        lives = {view.path: view.life for view in world.tree.census()}

    assert set(lives.values()) == {1}
    assert world.rows[0].attempts == 1
    assert world.faults == []


async def test_a_stop_is_obeyed_while_the_store_is_slow(autojump_clock: MockClock) -> None:
    async with World(autojump_clock, seconds_per_batch=5.0).running() as world:
        await trio.sleep(100)
        await world.write("hang", "next")
        await trio.sleep(100)
        await world.write("/stop")
        await world.settle(within=200)

    assert world.states == [RowState.STOPPED, RowState.ANSWERED, RowState.ANSWERED]
    assert world.texts[0].startswith("part")
    assert world.faults == []
