"""Kills at every step: nothing lost, nothing doubled, order kept."""

import copy
from collections.abc import Callable

import pytest
import trio
from attrs import define, field
from trio.testing import MockClock

from protocols.store import OutboxRow, RowState
from tests.actors.chats.world import BOSS, OTHER_ROOM, ROOM, World
from tests.fakes import MemoryJournal

STRIDE = 7
VICTIMS = ("chats", "store", "platform", "matrix", "sessions", f"sessions/{ROOM}")


@define(eq=False)
class EveryStep(trio.abc.Instrument):
    """Calls *at* before each step of any task, with the step's number."""

    at: Callable[[int], None]
    steps: int = field(init=False, default=0)

    def before_task_step(self, task: trio.lowlevel.Task) -> None:  # noqa: ARG002  # trio's name
        self.steps += 1
        self.at(self.steps)


async def story(world: World) -> None:
    """A busy minute: messages, commands, a failure, a retry, a question, a stop, a new chat."""
    await world.write("one", "ask", "/new", "two", "/chats")
    await world.write("one", "/status", "hang", room=OTHER_ROOM)
    await trio.sleep(0.3)
    await world.write("yes", "fail", "/retry", "/rename it", "three")
    await world.write("/stop", "/debug", "two", room=OTHER_ROOM, sender=BOSS)
    await trio.sleep(1)
    await world.write("/stop", room=OTHER_ROOM)
    await world.settle()


async def steps_of_the_story(clock: MockClock) -> int:
    counter = EveryStep(lambda _: None)
    world = World(clock)
    async with world.running():
        trio.lowlevel.add_instrument(counter)
        await story(world)
        trio.lowlevel.remove_instrument(counter)
    assert world.faults == []
    return counter.steps


async def live_through_a_kill(clock: MockClock, victim: str, step: int) -> World:
    world = World(clock)

    def kill(number: int) -> None:
        alive = {view.path for view in world.tree.census()} if number == step else set()
        if victim in alive:
            world.tree.kill(victim)

    killer = EveryStep(kill)
    async with world.running():
        trio.lowlevel.add_instrument(killer)
        await story(world)
        trio.lowlevel.remove_instrument(killer)
    return world


def assert_nothing_is_lost_or_doubled(world: World) -> None:
    assert world.faults == []
    assert all(row.state is not RowState.SET_ASIDE for row in world.rows)
    once = {out.id for out in world.sent}
    assert once == set(world.journal.outbox)


@pytest.mark.parametrize("victim", VICTIMS)
async def test_a_kill_at_any_step_loses_and_doubles_nothing(
    victim: str, autojump_clock: MockClock
) -> None:
    steps = await steps_of_the_story(autojump_clock)
    for step in range(1 + VICTIMS.index(victim), steps, STRIDE):
        world = await live_through_a_kill(autojump_clock, victim, step)

        assert_nothing_is_lost_or_doubled(world)


@pytest.mark.full
@pytest.mark.parametrize("victim", VICTIMS)
async def test_a_kill_at_every_step_loses_and_doubles_nothing(
    victim: str, autojump_clock: MockClock
) -> None:
    steps = await steps_of_the_story(autojump_clock)
    for step in range(1, steps):
        world = await live_through_a_kill(autojump_clock, victim, step)

        assert_nothing_is_lost_or_doubled(world)


async def test_a_commit_whose_answer_is_lost_is_not_done_twice(
    autojump_clock: MockClock,
) -> None:
    world = World(autojump_clock)
    async with world.running():
        await story(world)
    for number in range(1, len(world.commits)):
        world = World(autojump_clock, lost_answer=number)
        async with world.running():
            await story(world)

        assert_nothing_is_lost_or_doubled(world)


@define
class Snapshots:
    """What is durable before each step: what a kill -9 leaves of the program."""

    world: World
    every: int
    journals: list[MemoryJournal] = field(factory=list)
    sent: list[list[OutboxRow]] = field(factory=list)

    def take(self, step: int) -> None:
        if step % self.every == 0:
            journal = copy.copy(self.world.journal)
            for name in ("rows", "outbox", "keys", "cursors", "letters", "seen"):
                setattr(journal, name, copy.copy(getattr(journal, name)))
            self.journals.append(journal)
            self.sent.append(list(self.world.sent))


async def die_and_live_again(clock: MockClock, every: int) -> None:
    world = World(clock)
    snapshots = Snapshots(world, every)
    camera = EveryStep(snapshots.take)
    async with world.running():
        trio.lowlevel.add_instrument(camera)
        await story(world)
        trio.lowlevel.remove_instrument(camera)
    for journal, sent in zip(snapshots.journals, snapshots.sent, strict=True):
        again = World(clock, journal=journal, sent=sent)
        async with again.running():
            with trio.move_on_after(20):
                await again.settle()
            # What hangs for ever was to be stopped by a word that the first life never heard.
            await again.write("/stop", room=OTHER_ROOM)
            await again.settle()

        assert_nothing_is_lost_or_doubled(again)


async def test_a_program_that_dies_at_any_step_ends_its_story_in_the_next_life(
    autojump_clock: MockClock,
) -> None:
    await die_and_live_again(autojump_clock, every=STRIDE)


@pytest.mark.full
async def test_a_program_that_dies_at_every_step_ends_its_story_in_the_next_life(
    autojump_clock: MockClock,
) -> None:
    await die_and_live_again(autojump_clock, every=1)


async def steps_of_a_stop(clock: MockClock, kill_at: int) -> int:
    """One stop behind three messages, with the directory killed at a step; how many there were."""
    world = World(clock)
    killer = EveryStep(lambda step: world.tree.kill("chats") if step == kill_at else None)
    async with world.running():
        await world.write("hang", "slow 2", "slow 2")
        await trio.sleep(1)
        trio.lowlevel.add_instrument(killer)
        await world.write("/stop")
        await world.settle()
        trio.lowlevel.remove_instrument(killer)
    assert world.states == [RowState.STOPPED, *[RowState.ANSWERED] * 3], kill_at
    return killer.steps


async def test_one_stop_stops_one_message_whenever_the_directory_is_killed(
    autojump_clock: MockClock,
) -> None:
    for kill_at in range(1, await steps_of_a_stop(autojump_clock, kill_at=0)):
        await steps_of_a_stop(autojump_clock, kill_at)
