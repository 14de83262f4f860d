"""Kills while identities are joined and parted: all of it happens, or nothing."""

import json
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from actors.chats.links import OFFERS, read_group
from actors.chats.slots import Chat, chats_prefix, number_of, person_key, read_chats, read_number
from protocols.ids import PersonId, SlotId, surface_of
from protocols.journal import Row
from tests.actors.chats.test_every_step import EveryStep, Snapshots
from tests.actors.chats.world import HERE, ME, ME_THERE, OTHER_ROOM, ROOM, World
from tests.fakes import MemoryJournal

PEOPLE = (ME, ME_THERE)
THERE: dict[str, Any] = {"room": HERE, "sender": ME_THERE}


async def story(world: World) -> None:
    """Both write, are joined while an answer grows, write on, and are parted again."""
    await world.write("one", "ask", "/new", "two")
    await world.write("three", room=OTHER_ROOM)
    await world.write("one", "/link", **THERE)
    await world.settle()
    await world.write("slow 1", "waits")
    await trio.sleep(0.5)
    await world.write(f"!link {code_in(world)}", "/new", "four")
    await world.write("two", "/chats", **THERE)
    await world.settle()
    await world.write("/unlink", "three", **THERE)
    await world.write("five")
    await world.settle()


def code_in(world: World) -> str:
    """The code that was given out: a kill may have cost the first."""
    (offered,) = (text for key, text in world.journal.keys.items() if key.startswith(OFFERS))
    code: str = json.loads(offered)["code"]
    return code


def a_world(clock: MockClock, **facts: Any) -> World:
    return World(clock, has_telegram=True, **facts)


def link_faults(journal: MemoryJournal) -> list[str]:
    """What is half joined or half parted, and what is in a chat that is not there."""
    return [fault for person in PEOPLE for fault in _faults_of(journal, person)]


def _faults_of(journal: MemoryJournal, person: PersonId) -> list[str]:
    linked = journal.keys.get(f"linked:{person}")
    first = person if linked is None else PersonId(json.loads(linked))
    group = [one.person for one in read_group(journal.keys.get(f"links:{first}"))]
    faults = []
    if (person in group) is not (linked is not None or bool(group)):
        faults.append(f"{person} is half linked")
    if first != person and any(key.startswith(chats_prefix(person)) for key in journal.keys):
        faults.append(f"{person} has chats beside those of {first}")
    chats = read_chats(first, tuple(journal.keys.items()))
    count = read_number(journal.keys.get(person_key(first))) or 1
    faults += [f"{slot} may come again" for slot in chats if number_of(slot) >= count]
    for row in journal.rows.values():
        if row.sender == person and row.slot is not None and not _is_in(row, chats):
            faults.append(f"row {row.id} is in {row.slot}, which is not in its room")
    if not group and any(surface_of(chat.room) != person.split(":")[0] for chat in chats.values()):
        faults.append(f"{person} has a chat on another surface")
    return faults


def _is_in(row: Row, chats: dict[SlotId, Chat]) -> bool:
    chat = None if row.slot is None else chats.get(row.slot)
    return chat is not None and chat.room == row.room


def assert_whole(world: World) -> None:
    assert world.faults == []
    assert link_faults(world.journal) == []
    assert {out.id for out in world.sent} == set(world.journal.outbox)
    assert f"linked:{ME}" not in world.journal.keys
    joined = [
        out for out in world.sent if "are the same person to me and the agent now" in out.text
    ]
    assert sorted(out.room for out in joined) == [ROOM, HERE]


async def steps_of(clock: MockClock) -> int:
    counter = EveryStep(lambda _: None)
    world = a_world(clock)
    async with world.running():
        trio.lowlevel.add_instrument(counter)
        await story(world)
        trio.lowlevel.remove_instrument(counter)
    assert_whole(world)
    return counter.steps


async def live_through_a_kill(clock: MockClock, victim: str, step: int) -> World:
    world, looked = a_world(clock), 0

    def look(number: int) -> None:
        nonlocal looked
        if looked != len(world.commits):
            looked = len(world.commits)
            assert link_faults(world.journal) == []
        alive = {view.path for view in world.tree.census()} if number == step else set()
        if victim in alive:
            world.tree.kill(victim)

    killer = EveryStep(look)
    async with world.running():
        trio.lowlevel.add_instrument(killer)
        await story(world)
        trio.lowlevel.remove_instrument(killer)
    return world


@pytest.mark.parametrize("victim", ["chats", "store", f"sessions/{ROOM}"])
async def test_a_kill_at_any_step_leaves_nothing_half_linked(
    victim: str, autojump_clock: MockClock
) -> None:
    for step in range(1 + len(victim), await steps_of(autojump_clock), 67):
        assert_whole(await live_through_a_kill(autojump_clock, victim, step))


async def test_a_commit_whose_answer_is_lost_is_not_done_twice(
    autojump_clock: MockClock,
) -> None:
    world = a_world(autojump_clock)
    async with world.running():
        await story(world)
    for number in range(1, len(world.commits)):
        world = a_world(autojump_clock, lost_answer=number)
        async with world.running():
            await story(world)

        assert_whole(world)


async def test_a_program_that_dies_at_any_step_goes_on_with_what_is_linked(
    autojump_clock: MockClock,
) -> None:
    world = a_world(autojump_clock)
    snapshots = Snapshots(world, every=53)
    camera = EveryStep(snapshots.take)
    async with world.running():
        trio.lowlevel.add_instrument(camera)
        await story(world)
        trio.lowlevel.remove_instrument(camera)
    for journal, sent in zip(snapshots.journals, snapshots.sent, strict=True):
        again = a_world(autojump_clock, journal=journal, sent=sent)
        async with again.running():
            await again.settle()

        assert again.faults == []
        assert link_faults(again.journal) == []
