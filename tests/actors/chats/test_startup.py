"""What the directory does with a backlog in which somebody opened a chat."""

import pytest
import trio
from trio.testing import MockClock

from protocols.store import Journal
from tests.actors.chats.world import MATRIX, World
from tests.fakes import MemoryJournal, MemoryStoreAddress


@pytest.mark.parametrize("seconds_per_batch", [0.0, 0.01])
@pytest.mark.parametrize("name", ["nowhere", "wait nowhere"])
async def test_a_backlog_behind_a_new_chat_is_written_in_that_chat(
    autojump_clock: MockClock, seconds_per_batch: float, name: str
) -> None:
    journal = MemoryJournal()
    async with World(autojump_clock, journal=journal, opens_rooms=True).running() as world:
        await world.say("one")
    words = [f"m{number}" for number in range(8)]
    world = World(
        autojump_clock, journal=journal, opens_rooms=True, seconds_per_batch=seconds_per_batch
    )
    arrivals = tuple(map(world.arrival, (f"/new {name}", *words)))
    MemoryStoreAddress(journal).tell(Journal(MATRIX, arrivals))
    async with world.running():
        await trio.sleep(10)
        await world.settle()

    assert [(turn.text, turn.slot) for turn in world.turns] == [(word, "C2") for word in words]
    assert world.faults == []
