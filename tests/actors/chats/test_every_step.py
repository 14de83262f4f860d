"""Kills at every step: nothing lost, nothing doubled, order kept."""

import copy
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import trio
from attrs import define, field
from trio.testing import MockClock

from protocols.ids import RemoteId
from protocols.journal import OutboxRow, RowState
from tests.actors.chats.fake_surface import photo
from tests.actors.chats.world import BOSS, ME, OTHER_ROOM, ROOM, World
from tests.fakes import MemoryJournal

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


async def story_with_buttons(world: World) -> None:
    """Files, edits, presses of every kind, a redaction, and a chat in a room of its own."""
    await world.write("fail", files=(photo(), photo("slow 0.2")))
    await world.write("ask", room=OTHER_ROOM)
    await world.settle()
    await world.press("retry:1", "retry:1")
    await world.write("/retry")
    await world.press("confirm:2:0", "confirm:2:1", room=OTHER_ROOM)
    await world.write("yes", room=OTHER_ROOM)
    await world.settle()
    _, settings, chats = await world.write("slow 0.5", "/settings", "/chats")
    await world.write("first words", message_id=RemoteId("e"))
    await trio.sleep(0.2)
    await world.edit("e", "second words")
    await world.settle()
    (edit,) = await world.edit("e", "third words")
    await world.settle()
    await world.press(f"anew:{edit}", f"set:{settings}:1:code", f"chat:{chats}:C1")
    _, gone = await world.write("slow 0.2", "never mind")
    await world.redact(gone)
    *_, hanging = await world.write("/new wait", "after it", "hang")
    await world.begins(hanging)
    await world.press(f"stop:{hanging}")
    await world.settle()


Story = Callable[[World], Awaitable[None]]


def a_world(clock: MockClock, **facts: Any) -> World:
    return World(clock, has_buttons=True, opens_rooms=True, **facts)


async def steps_of(story: Story, clock: MockClock) -> int:
    counter = EveryStep(lambda _: None)
    world = a_world(clock)
    async with world.running():
        trio.lowlevel.add_instrument(counter)
        await story(world)
        trio.lowlevel.remove_instrument(counter)
    assert_nothing_is_lost_or_doubled(world)
    return counter.steps


async def live_through_a_kill(story: Story, clock: MockClock, victim: str, step: int) -> World:
    world = a_world(clock)

    def kill(number: int) -> None:
        alive = {view.path for view in world.tree.census()} if number == step else set()
        if victim in alive:
            world.tree.kill(victim)

    killer = EveryStep(kill)
    async with world.running():
        trio.lowlevel.add_instrument(killer)
        await story(world)
        trio.lowlevel.remove_instrument(killer)
    assert_no_press_waits(world)
    return world


def assert_nothing_is_lost_or_doubled(world: World) -> None:
    assert world.faults == []
    assert all(row.state is not RowState.SET_ASIDE for row in world.rows)
    once = {out.id for out in world.sent}
    assert once == set(world.journal.outbox)
    assert_decided_once(world)


def assert_decided_once(world: World) -> None:
    """What is answered, run again or opened is so once, however often it was asked for."""
    resumes = {(turn.resume.interrupt_id, turn.run_id) for turn in world.turns if turn.resume}
    assert len(resumes) == len({interrupt for interrupt, _ in resumes})
    failing = {turn.run_id for turn in world.turns if turn.text == "fail" and turn.files}
    assert len(failing) <= 2
    assert len({row.slot for row in world.rows if row.sender == ME} - {None}) <= 4
    assert len(world.opened) <= 1


def assert_no_press_waits(world: World) -> None:
    pressed = {row.press.id for row in world.rows if row.press is not None}
    assert pressed == {answer.press_id for answer in world.answers}


STRIDES: dict[Story, int] = {story: 11, story_with_buttons: 31}
STORIES = pytest.mark.parametrize("story", STRIDES)


@STORIES
@pytest.mark.parametrize("victim", VICTIMS)
async def test_a_kill_at_any_step_loses_and_doubles_nothing(
    victim: str, story: Story, autojump_clock: MockClock
) -> None:
    steps = await steps_of(story, autojump_clock)
    for step in range(1 + VICTIMS.index(victim), steps, STRIDES[story]):
        world = await live_through_a_kill(story, autojump_clock, victim, step)

        assert_nothing_is_lost_or_doubled(world)


@pytest.mark.full
@STORIES
@pytest.mark.parametrize("victim", VICTIMS)
async def test_a_kill_at_every_step_loses_and_doubles_nothing(
    victim: str, story: Story, autojump_clock: MockClock
) -> None:
    steps = await steps_of(story, autojump_clock)
    for step in range(1, steps):
        world = await live_through_a_kill(story, autojump_clock, victim, step)

        assert_nothing_is_lost_or_doubled(world)


@STORIES
async def test_a_commit_whose_answer_is_lost_is_not_done_twice(
    story: Story, autojump_clock: MockClock
) -> None:
    world = a_world(autojump_clock)
    async with world.running():
        await story(world)
    for number in range(1, len(world.commits)):
        world = a_world(autojump_clock, lost_answer=number)
        async with world.running():
            await story(world)

        assert_nothing_is_lost_or_doubled(world)
        assert_no_press_waits(world)


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


async def die_and_live_again(story: Story, clock: MockClock, every: int) -> None:
    world = a_world(clock)
    snapshots = Snapshots(world, every)
    camera = EveryStep(snapshots.take)
    async with world.running():
        trio.lowlevel.add_instrument(camera)
        await story(world)
        trio.lowlevel.remove_instrument(camera)
    for journal, sent in zip(snapshots.journals, snapshots.sent, strict=True):
        again = a_world(clock, journal=journal, sent=sent)
        async with again.running():
            with trio.move_on_after(20):
                await again.settle()
            # What hangs for ever was to be stopped by a word that the first life never heard.
            await again.write("/stop", room=OTHER_ROOM)
            await again.write("/stop")
            await again.settle()

        assert_nothing_is_lost_or_doubled(again)


@STORIES
async def test_a_program_that_dies_at_any_step_ends_its_story_in_the_next_life(
    story: Story, autojump_clock: MockClock
) -> None:
    await die_and_live_again(story, autojump_clock, every=STRIDES[story])


@pytest.mark.full
@STORIES
async def test_a_program_that_dies_at_every_step_ends_its_story_in_the_next_life(
    story: Story, autojump_clock: MockClock
) -> None:
    await die_and_live_again(story, autojump_clock, every=1)


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
