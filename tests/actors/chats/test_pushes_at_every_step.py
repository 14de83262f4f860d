"""Kills at every step while the platform pushes: nothing lost, nothing doubled."""

import pytest
import trio
from trio.testing import MockClock

from protocols.journal import Arrival, RowState
from tests.actors.chats.pushes import DONE, ERROR, PROGRESS, a_user, arrival_of, event, used_last
from tests.actors.chats.test_every_step import EveryStep, Snapshots
from tests.actors.chats.world import ME, ROOM, World
from tests.fakes import MemoryJournal

VICTIMS = ("chats", "store", "matrix")

FIRST, SECOND, THIRD = (
    (event(PROGRESS, "one", seq=1), event(DONE, "u is done", task_id="u")),
    (event(PROGRESS, "two", seq=2), event(ERROR, "no luck", task_id="v")),
    (event(DONE, "t is done"), event(DONE, "again", task_id="u")),
)
SAID = ["t is done", "u is done", "The task `v` failed: no luck", "echo hello"]


def arrivals() -> list[tuple[Arrival, ...]]:
    """What is pushed, by the same webhook ids each time."""
    return [
        tuple(arrival_of(what, f"msg-{page}-{number}") for number, what in enumerate(events))
        for page, events in enumerate((FIRST, SECOND, THIRD))
    ]


def a_world(clock: MockClock, journal: MemoryJournal | None = None) -> World:
    world = World(clock) if journal is None else World(clock, journal=journal)
    a_user(world.journal, ME)
    used_last(world.journal, ME, ROOM)
    return world


async def story(world: World) -> None:
    first, second, third = arrivals()
    await world.write("hello")
    await world.arrive(*first)
    await trio.sleep(0.1)
    await world.arrive(*second)
    await trio.sleep(6)
    await world.arrive(*third)
    await world.settle()


def assert_said_once(world: World) -> None:
    assert world.faults == []
    assert sorted(out.text for out in world.journal.outbox.values()) == sorted(SAID)
    assert all(row.state is not RowState.SET_ASIDE for row in world.rows)
    assert not world.journal.letters


async def steps_of(clock: MockClock, victim: str = "", step: int = 0) -> int:
    """The story with *victim* killed at a *step*; how many steps there were."""
    world = a_world(clock)

    def at(number: int) -> None:
        if number == step and victim in {view.path for view in world.tree.census()}:
            world.tree.kill(victim)

    killer = EveryStep(at)
    async with world.running():
        trio.lowlevel.add_instrument(killer)
        await story(world)
        trio.lowlevel.remove_instrument(killer)
    assert_said_once(world)
    return killer.steps


async def kill_often(clock: MockClock, victim: str, every: int) -> None:
    steps = await steps_of(clock)
    for step in range(1 + VICTIMS.index(victim), steps, every):
        await steps_of(clock, victim, step)


@pytest.mark.parametrize("victim", VICTIMS)
async def test_a_kill_at_any_step_loses_and_doubles_no_push(
    victim: str, autojump_clock: MockClock
) -> None:
    await kill_often(autojump_clock, victim, every=5)


@pytest.mark.full
@pytest.mark.parametrize("victim", VICTIMS)
async def test_a_kill_at_every_step_loses_and_doubles_no_push(
    victim: str, autojump_clock: MockClock
) -> None:
    await kill_often(autojump_clock, victim, every=1)


async def test_what_is_delivered_again_after_the_program_died_is_said_once(
    autojump_clock: MockClock,
) -> None:
    world = a_world(autojump_clock)
    snapshots = Snapshots(world, every=5)
    camera = EveryStep(snapshots.take)
    async with world.running():
        trio.lowlevel.add_instrument(camera)
        await story(world)
        trio.lowlevel.remove_instrument(camera)
    for journal in snapshots.journals:
        again = a_world(autojump_clock, journal)
        async with again.running():
            if not any(row.text == "hello" for row in again.rows):
                await again.write("hello")
            for page in arrivals():
                await again.arrive(*page)
            await again.settle()

        assert_said_once(again)
