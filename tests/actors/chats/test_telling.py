"""Words of the gateway for one person, where they are found."""

import pytest
from trio.testing import MockClock

from actors.chats.lasts import last_key
from actors.chats.telling import TELLING_KEY
from protocols.changes import PutKey
from protocols.chats import Tell
from protocols.ids import TELEGRAM, PersonId, RoomId
from protocols.journal import Voice
from protocols.surfaces import Surface
from tests.actors.chats.pushes import used_last
from tests.actors.chats.world import ME, OTHER_ROOM, ROOM, YOU, World

BOB = PersonId("telegram:42")


async def tell(world: World, person: PersonId, text: str = "Look here") -> bool:
    told: bool = await world.ask_directory(Tell(person, text))
    await world.settle()
    return told


async def test_somebody_is_told_where_they_wrote_last(autojump_clock: MockClock) -> None:
    async with World(autojump_clock).running() as world:
        await world.say("hello")
        await world.say("hello", room=OTHER_ROOM)

        assert await tell(world, ME)

    out = world.sent[-1]
    assert (out.room, out.voice, out.text, out.row) == (
        OTHER_ROOM,
        Voice.GATEWAY,
        "Look here",
        None,
    )
    assert world.faults == []


async def test_nobody_is_told_where_others_read(autojump_clock: MockClock) -> None:
    async with World(autojump_clock, has_telegram=True).running() as world:
        await world.say("hello", is_shared=True)
        await world.say("hello", room=RoomId("telegram/-7"), sender=BOB, is_shared=True)

        assert not await tell(world, ME)
        assert await tell(world, BOB)

    assert [out.room for out in world.sent if out.text == "Look here"] == ["telegram/42"]
    assert world.faults == []


async def test_a_command_is_no_chat_that_was_used(autojump_clock: MockClock) -> None:
    async with World(autojump_clock).running() as world:
        await world.say("/help")

        assert not await tell(world, ME)


async def test_who_never_wrote_cannot_be_told_on_matrix(autojump_clock: MockClock) -> None:
    async with World(autojump_clock).running() as world:
        assert not await tell(world, YOU)

    assert world.sent == []


async def test_who_never_wrote_is_told_in_their_private_chat_on_telegram(
    autojump_clock: MockClock,
) -> None:
    world = World(autojump_clock)
    world.surfaces[TELEGRAM] = Surface(TELEGRAM, world.matrix.address)
    async with world.running():
        assert await tell(world, BOB)

    assert [(out.room, out.text) for out in world.sent] == [("telegram/42", "Look here")]


async def test_nobody_is_told_on_a_surface_that_is_not_there(autojump_clock: MockClock) -> None:
    async with World(autojump_clock).running() as world:
        used_last(world.journal, ME, RoomId("telegram/7"))

        assert not await tell(world, ME)
        assert not await tell(world, BOB)

    assert not world.journal.outbox


async def test_linked_people_are_told_where_either_wrote_last(autojump_clock: MockClock) -> None:
    async with World(autojump_clock).running() as world:
        world.journal.keys[f"linked:{ME}"] = f'"{BOB}"'
        await world.say("hello")

        assert await tell(world, ME, "one")
        assert await tell(world, BOB, "two")

    assert [(out.room, out.text) for out in world.sent[1:]] == [(ROOM, "one"), (ROOM, "two")]


@pytest.mark.parametrize("lost_answer", range(1, 6))
async def test_a_word_whose_commit_lost_its_answer_is_said_once(
    autojump_clock: MockClock, lost_answer: int
) -> None:
    world = World(autojump_clock, lost_answer=lost_answer)
    used_last(world.journal, ME, ROOM)
    async with world.running():
        assert await tell(world, ME)

    assert world.texts == ["Look here"]
    assert TELLING_KEY not in world.journal.keys


async def test_the_last_chat_is_noted_only_where_it_changes(autojump_clock: MockClock) -> None:
    async with World(autojump_clock).running() as world:
        for room in (ROOM, ROOM, OTHER_ROOM, OTHER_ROOM):
            await world.say("hello", room=room)

    changes = [change for commit in world.commits for change in commit.changes]
    noted = [it for it in changes if isinstance(it, PutKey) and it.key == last_key(ME)]
    assert len(noted) == 2
