"""A running turn where the platform is parked: nobody waits for a restart that nobody begins."""

import pytest
import trio
from trio.testing import MockClock

from protocols.ids import RoomId
from protocols.journal import RowState
from tests.actors.chats.world import World


async def test_a_turn_in_the_hands_of_a_platform_that_parks_ends_at_once_and_says_why(
    autojump_clock: MockClock,
) -> None:
    async with World(autojump_clock).running() as world:
        started_at = trio.current_time()
        said = await world.say("park")
        took = trio.current_time() - started_at

    assert "does not accept my key" in said[0]
    assert took < 0.5
    assert world.states == [RowState.FAILED]
    assert world.faults == []


async def test_further_turns_end_at_once_too_as_long_as_it_is_parked(
    autojump_clock: MockClock,
) -> None:
    async with World(autojump_clock).running() as world:
        await world.say("park")
        started_at = trio.current_time()
        said = await world.say("hello", "again")
        took = trio.current_time() - started_at

    assert len(said) == 2
    assert all("does not accept my key" in text for text in said)
    assert took < 0.5
    assert len(world.turns) == 1
    assert world.faults == []


@pytest.mark.parametrize("word", ["hang", "slow 9"])
async def test_a_turn_beside_the_one_that_parks_the_platform_keeps_what_came(
    word: str, autojump_clock: MockClock
) -> None:
    async with World(autojump_clock).running() as world:
        await world.write(word, room=RoomId("matrix/!other:example.org"))
        await trio.sleep(1)
        await world.say("park")
        await world.settle()

    (text,) = [text for text in world.texts if text.startswith("part")]
    assert "does not accept my key" in text
    assert world.states == [RowState.FAILED] * 2
    assert world.faults == []
