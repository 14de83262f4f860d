"""What is asked about stays so over crashes, kills and restarts, and nothing comes twice."""

from collections import Counter
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from actors.chats.access import AccessPolicy
from protocols.journal import RowState
from protocols.store import HELD_BACK, SummariseJournal
from tests.actors.chats.absences import (
    ASKED,
    FIVE,
    HOUR,
    IGNORED,
    a_world,
    come_back,
    said_in,
    states,
    waiting,
)
from tests.actors.chats.test_every_step import EveryStep
from tests.actors.chats.world import HERE, ME_THERE, OTHER_ROOM, World


async def test_another_life_holds_it_back_and_asks_nothing(autojump_clock: MockClock) -> None:
    before = a_world(autojump_clock)
    async with before.running() as world:
        await come_back(world, *waiting(world, *FIVE))
    after = a_world(autojump_clock, journal=before.journal)
    async with after.running() as world:
        await come_back(world, *waiting(world, "all", ago=1.0))
        await world.settle()

    assert world.texts == ["I answer all of them: 5.", *(f"echo {text}" for text in FIVE)]
    assert world.faults == []


async def test_where_it_is_switched_off_meanwhile_all_is_answered(
    autojump_clock: MockClock,
) -> None:
    before = a_world(autojump_clock, has_buttons=True)
    async with before.running() as world:
        rows = await come_back(world, *waiting(world, *FIVE))
    async with World(autojump_clock, journal=before.journal, has_buttons=True).running() as world:
        await world.settle()
        await world.press(f"wait:{rows[-1]}:all")
        await world.settle()

    assert world.texts == [f"echo {text}" for text in FIVE]
    assert [answer.is_refused for answer in world.answers] == [True]
    assert not any(key.startswith(HELD_BACK) for key in world.journal.keys)
    assert world.faults == []


async def test_a_question_about_nothing_is_forgotten_by_the_next_life(
    autojump_clock: MockClock,
) -> None:
    before = a_world(autojump_clock)
    async with before.running() as world:
        rows = await come_back(world, *waiting(world, *FIVE))
        await world.redact(*rows)
        await world.settle()
    async with a_world(autojump_clock, journal=before.journal).running():
        await trio.sleep(1)

    assert not any(key.startswith("catch_up:") for key in before.journal.keys)


async def test_a_second_absence_asks_again_about_all_that_waits(
    autojump_clock: MockClock,
) -> None:
    before = a_world(autojump_clock)
    async with before.running() as world:
        await come_back(world, *waiting(world, *FIVE))
    await trio.sleep(24 * HOUR)
    after = a_world(autojump_clock, journal=before.journal)
    async with after.running() as world:
        await come_back(world, *waiting(world, "a", "b", "c", "d"))
        (asked,) = world.texts
        assert asked.startswith(ASKED.format(9))
    again = a_world(autojump_clock, journal=before.journal)
    async with again.running() as world:
        said = await world.say("all")

    assert said == ["I answer all of them: 9.", *(f"echo {it}" for it in (*FIVE, *"abcd"))]
    assert world.faults == []


async def test_a_life_without_its_surface_forgets_no_question(
    autojump_clock: MockClock,
) -> None:
    there: dict[str, Any] = {"room": HERE, "sender": ME_THERE}
    before = a_world(autojump_clock, has_telegram=True)
    async with before.running() as world:
        await come_back(world, *waiting(world, *FIVE, **there))
    async with a_world(autojump_clock, journal=before.journal).running():
        await trio.sleep(60)
    assert f"{HELD_BACK}{HERE} {ME_THERE}" in before.journal.keys
    after = a_world(autojump_clock, journal=before.journal, has_telegram=True)
    async with after.running() as world:
        await trio.sleep(60)
        said = await world.say("last", **there)

    assert said == ["I answer the last one. Left unanswered: 4.", "echo five"]
    assert sum("While I was away" in out.text for out in world.journal.outbox.values()) == 1
    assert not any(key.startswith(HELD_BACK) for key in world.journal.keys)
    assert world.faults == []


async def test_what_its_person_says_nothing_about_is_nothing_that_waits_for_us(
    autojump_clock: MockClock,
) -> None:
    async with a_world(autojump_clock).running() as world:
        await come_back(world, *waiting(world, *FIVE))
        summary = await world.store.address.ask(SummariseJournal())

    assert summary.oldest_unfinished_at is None
    assert summary.rows == {"received": 5}


async def test_who_lost_access_meanwhile_is_a_stranger_again(autojump_clock: MockClock) -> None:
    before = a_world(autojump_clock)
    async with before.running() as world:
        rows = await come_back(world, *waiting(world, *FIVE))
    policy = AccessPolicy("allowlist")
    async with a_world(autojump_clock, journal=before.journal, policy=policy).running() as world:
        await world.settle()

    kinds = Counter(states(world, rows))
    assert kinds == {RowState.REFUSED: 1, IGNORED: 4}


@pytest.mark.parametrize("word", ["all", "last", "none"])
@pytest.mark.parametrize("is_pressed", [True, False])
async def test_a_lost_answer_asks_and_answers_nothing_twice(
    word: str, autojump_clock: MockClock, *, is_pressed: bool
) -> None:
    async def story(world: World) -> None:
        rows = await come_back(world, *waiting(world, *FIVE))
        await world.write("new")
        await trio.sleep(1)
        await (world.press(f"wait:{rows[-1]}:{word}") if is_pressed else world.write(word))
        await world.settle()
        await world.say("all")

    world = a_world(autojump_clock, has_buttons=True)
    async with world.running():
        await story(world)
    for number in range(1, len(world.commits)):
        world = a_world(autojump_clock, has_buttons=True, lost_answer=number)
        async with world.running():
            await story(world)
            lives = {view.path: view.restarts for view in world.tree.census()}

        assert lives["chats"] == 0
        assert world.faults == []
        assert sum("While I was away" in out.text for out in world.journal.outbox.values()) == 1
        turns = dict.fromkeys(turn.text for turn in world.turns)
        wanted = {"all": FIVE, "last": FIVE[-1:], "none": ()}[word]
        assert list(turns) == ["new", *wanted, "all"]


@pytest.mark.parametrize("victim", ["chats", "store"])
async def test_a_kill_at_any_moment_drops_nothing_and_asks_once(
    victim: str, autojump_clock: MockClock
) -> None:
    for moment in range(0, 80, 3):
        world = a_world(autojump_clock)
        async with world.running():
            await world.arrive(*waiting(world, *FIVE))
            await world.arrive(*waiting(world, "a", "b", room=OTHER_ROOM))
            await trio.sleep(moment / 10)
            world.tree.kill(victim)
            await trio.sleep(20)
            said = await world.say("all")

        assert said == ["I answer all of them: 5.", *(f"echo {text}" for text in FIVE)]
        assert said_in(world, OTHER_ROOM) == ["echo a", "echo b"]
        assert sum("While I was away" in text for text in world.texts) == 1
        assert world.faults == []


async def choose(world: World) -> None:
    """Five are asked about, a new one is answered, then all are wanted and one more is said."""
    await world.arrive(*waiting(world, *FIVE))
    await trio.sleep(10)
    await world.write("new", "all", "more")
    await world.settle()


async def choose_with_a_kill(clock: MockClock, victim: str, step: int) -> int:
    """One such story in which *victim* is killed before a *step*; how many steps there were."""
    world = a_world(clock)
    killer = EveryStep(lambda number: world.tree.kill(victim) if number == step else None)
    async with world.running():
        trio.lowlevel.add_instrument(killer)
        await choose(world)
        trio.lowlevel.remove_instrument(killer)

    texts = [out.text for out in world.journal.outbox.values()]
    answered = [text for text in texts if text.startswith("echo")]
    assert Counter(answered) == Counter(f"echo {text}" for text in ("new", *FIVE, "more"))
    assert [text for text in answered if text[5:] in FIVE] == [f"echo {text}" for text in FIVE]
    assert sum("While I was away" in text for text in texts) == 1
    assert texts.count("I answer all of them: 5.") == 1
    assert world.faults == []
    return killer.steps


@pytest.mark.parametrize("victim", ["chats", "store", "matrix"])
async def test_a_kill_at_any_step_answers_all_of_it_once(
    victim: str, autojump_clock: MockClock
) -> None:
    for step in range(len(victim), await choose_with_a_kill(autojump_clock, victim, 0), 13):
        await choose_with_a_kill(autojump_clock, victim, step)
