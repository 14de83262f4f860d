"""Which message may be what crashes the directory."""

import trio
from trio.testing import MockClock

from actors.chats.suspects import MOST_TRIES, SUSPECT_KEY, remember_suspect, tries_before
from protocols.ids import RowId
from protocols.journal import RowState
from tests.actors.chats.world import BOSS, OTHER_ROOM, World


def test_the_first_crash_is_not_noted_and_still_counts() -> None:
    assert tries_before(RowId(1), None) == 1


def test_each_further_try_of_the_same_message_counts() -> None:
    noted = remember_suspect(RowId(1), 1).value

    assert tries_before(RowId(1), noted) == 2
    assert tries_before(RowId(2), noted) == 1


async def test_a_message_that_crashes_the_directory_is_set_aside_and_the_rest_go_on(
    autojump_clock: MockClock,
) -> None:
    def broken_tree() -> str:
        raise ZeroDivisionError

    async with World(autojump_clock, tree_text=broken_tree).running() as world:
        await world.write("one", "/debug", "two", sender=BOSS)
        await world.write("three", room=OTHER_ROOM)
        await world.settle()
        lives = {view.path: view.life for view in world.tree.census()}

    assert [row.state for row in world.rows] == [
        RowState.ANSWERED,
        RowState.SET_ASIDE,
        RowState.ANSWERED,
        RowState.ANSWERED,
    ]
    assert f"I tried this message {MOST_TRIES} times" in "".join(world.texts)
    assert lives["chats"] == MOST_TRIES + 1
    assert SUSPECT_KEY not in world.journal.keys
    assert world.faults == []


async def test_who_is_killed_while_nothing_is_wrong_suspects_nobody(
    autojump_clock: MockClock,
) -> None:
    async with World(autojump_clock).running() as world:
        await world.write("hang", "/stop")
        for _ in range(5):
            world.tree.kill("chats")
            await trio.sleep(1)
        await world.settle()

    assert world.states == [RowState.STOPPED, RowState.ANSWERED]
    assert SUSPECT_KEY not in world.journal.keys
