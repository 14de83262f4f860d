"""Which notes are forgotten."""

import trio
from trio.testing import MockClock

from actors.chats.notes import context_key, question_key
from actors.chats.tidying import TIDY_EVERY, Tidying
from protocols.ids import RowId
from protocols.journal import RowState
from tests.actors.chats.fake_surface import photo
from tests.actors.chats.world import ME, ROOM, World
from tests.fakes import MemoryJournal, MemoryStoreAddress

FIRST, SECOND = context_key(ROOM, RowId(2)), context_key(ROOM, RowId(4))
QUESTION = question_key(ROOM, ME)


def notes(world: World) -> set[str]:
    return {key for key in world.journal.keys if key.startswith("confirm:")}


async def retries_that_failed(world: World) -> None:
    """Two rows, 2 and 4, that have the files of earlier ones; and an open question."""
    for _ in range(2):
        await world.say("fail", files=(photo(),))
        await world.say("/retry")
    await world.say("ask")


async def test_the_note_of_a_failed_retry_goes_when_the_journal_has_forgotten_it(
    autojump_clock: MockClock,
) -> None:
    async with World(autojump_clock).running() as world:
        await retries_that_failed(world)
        before = notes(world)
        del world.journal.rows[RowId(2)]
        await trio.sleep(TIDY_EVERY)

    assert before == {FIRST, SECOND, QUESTION}
    assert notes(world) == {SECOND, QUESTION}


async def test_a_new_life_forgets_at_once(autojump_clock: MockClock) -> None:
    async with World(autojump_clock).running() as world:
        await retries_that_failed(world)
        del world.journal.rows[RowId(2)]
        world.tree.kill("chats")
        await trio.sleep(1)

    assert FIRST not in notes(world)


async def test_what_waits_keeps_its_note(autojump_clock: MockClock) -> None:
    async with World(autojump_clock).running() as world:
        await world.say("fail", files=(photo(),))
        await world.write("slow 5", "/retry")
        await trio.sleep(1)
        world.tree.kill("chats")
        await world.settle()

    assert world.turns[-1].files
    assert world.states[-1] is RowState.FAILED


async def test_a_note_that_nobody_can_read_is_left() -> None:
    keys = {"confirm:matrix/!r:s #": "what nobody can read", "confirm:matrix/!r:s #7": "nor this"}
    journal = MemoryJournal(keys=dict(keys))

    tidied = await Tidying(MemoryStoreAddress(journal)).tidy()

    assert tidied == 1
    assert list(journal.keys) == ["confirm:matrix/!r:s #"]
