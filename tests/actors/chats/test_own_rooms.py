"""Stories of ``/new`` where a chat may have a room of its own."""

import json

import trio
from trio.testing import MockClock

from protocols.chats import RoomGone
from protocols.ids import RoomId
from protocols.journal import RowState
from tests.actors.chats.world import BOSS, OTHER_ROOM, ROOM, YOU, World

NEW_ROOM = RoomId(f"{ROOM}/2")


async def test_a_new_chat_opens_in_a_room_of_its_own(autojump_clock: MockClock) -> None:
    async with World(autojump_clock, opens_rooms=True).running() as world:
        await world.say("one")
        said = await world.say("/new My *plans*")
        await world.say("two", room=NEW_ROOM)
        await world.say("three")

    assert said == ["**C2** My \\*plans\\* is open in a topic of its own. Go on there."]
    welcomes = [out for out in world.sent if out.room == NEW_ROOM]
    assert welcomes[0].text == "New chat: **C2** My \\*plans\\*. Just write."
    assert (welcomes[0].row, welcomes[0].is_final) == (None, False)
    assert [turn.slot for turn in world.turns] == ["C1", "C2", "C1"]
    assert world.asked == ["My *plans*"]
    assert world.faults == []


async def test_a_room_that_has_an_address_is_linked_where_it_was_asked_for(
    autojump_clock: MockClock,
) -> None:
    link = "https://matrix.to/#/{room}"
    async with World(autojump_clock, opens_rooms=True, room_link=link).running() as world:
        await world.say("one")
        (said,) = await world.say("/new My *plans*")

    address = "<https://matrix.to/#/%21r%3As/2>"
    assert said == (
        "**C2** My \\*plans\\* is open in a room of its own: "
        f"[My \\*plans\\*]({address}). Accept my invitation, and go on there."
    )


async def test_a_room_without_a_name_is_called_as_its_slot(autojump_clock: MockClock) -> None:
    async with World(autojump_clock, opens_rooms=True).running() as world:
        await world.say("/new")

    assert world.asked == ["C1"]


async def test_where_no_room_can_be_opened_the_chat_begins_here(autojump_clock: MockClock) -> None:
    async with World(autojump_clock, opens_rooms=True).running() as world:
        await world.say("one")
        said = await world.say("/new nowhere", "two")

    assert said == ["New chat: **C2** nowhere. !chats lists the others.", "echo two"]
    assert [turn.slot for turn in world.turns] == ["C1", "C2"]
    assert world.faults == []


async def test_a_surface_that_does_not_say_in_time_leaves_the_chat_here(
    autojump_clock: MockClock,
) -> None:
    async with World(autojump_clock, opens_rooms=True).running() as world:
        await world.say("one")
        said = await world.say("/new late")

    assert said == ["New chat: **C2** late. !chats lists the others."]


async def test_an_empty_chat_is_as_good_as_a_new_one_also_in_its_own_room(
    autojump_clock: MockClock,
) -> None:
    async with World(autojump_clock, opens_rooms=True).running() as world:
        await world.say("one")
        await world.say("/new")
        said = await world.say("/new again", room=NEW_ROOM)

    assert said == ["This chat is still new: **C2** again. Just write."]
    assert len(world.opened) == 1


async def test_what_was_written_after_a_new_chat_waits_for_it_and_stays_in_order(
    autojump_clock: MockClock,
) -> None:
    async with World(autojump_clock, opens_rooms=True, has_buttons=True).running() as world:
        await world.say("fail")
        await world.write("/new wait nowhere", "two", "/new wait", "three")
        await world.write("four", sender=YOU)
        await world.press("retry:1")
        await world.write("elsewhere", room=OTHER_ROOM)
        await world.write("/status", "/stop", "/settings", sender=BOSS)
        await trio.sleep(1)
        meanwhile = [turn.text for turn in world.turns]
        are_commands_answered = [row.state for row in world.rows[-3:]] == [RowState.ANSWERED] * 3
        await world.settle()

    assert meanwhile == ["fail", "elsewhere"]
    assert are_commands_answered
    assert [(turn.text, turn.slot) for turn in world.turns[2:]] == [
        ("two", "C3"),
        ("three", "C3"),
        ("four", "C1"),
        ("fail", "C1"),
    ]
    assert world.faults == []


async def test_a_crash_in_between_opens_no_second_room(autojump_clock: MockClock) -> None:
    async with World(autojump_clock, opens_rooms=True).running() as world:
        await world.say("one")
        await world.write("/new wait", "two")
        for _ in range(3):
            await trio.sleep(1)
            world.tree.kill("chats")
        await world.settle()

    assert list(world.opened.values()) == [NEW_ROOM]
    assert json.loads(world.journal.keys["matrix_room:!r:s/2"]) == "C2"
    assert [turn.slot for turn in world.turns] == ["C1", "C1"]
    assert sum("Just write" in text for text in world.texts) == 1
    assert world.faults == []


async def test_a_room_that_goes_takes_along_what_waits_there(autojump_clock: MockClock) -> None:
    async with World(autojump_clock, opens_rooms=True).running() as world:
        await world.say("one")
        await world.write("/new wait", "two")
        await trio.sleep(1)
        await world.chats.address.send(RoomGone(ROOM, "left"))
        await world.chats.address.send(RoomGone(OTHER_ROOM, "left"))
        await world.settle()

    assert world.states == [RowState.ANSWERED, RowState.ANSWERED, RowState.FAILED]
    assert world.rows[2].reason == "room is gone: left"
    assert world.faults == []


async def test_the_numbers_of_chats_stay_apart_while_a_room_is_opened(
    autojump_clock: MockClock,
) -> None:
    async with World(autojump_clock, opens_rooms=True).running() as world:
        await world.say("one")
        await world.write("/new wait")
        await trio.sleep(1)
        await world.write("first words", room=OTHER_ROOM)
        await world.settle()
        await world.say("in the new one", room=NEW_ROOM)

    assert [turn.slot for turn in world.turns] == ["C1", "C2", "C3"]


async def test_a_thread_that_is_a_room_has_a_chat_of_its_own(autojump_clock: MockClock) -> None:
    threads = [RoomId(f"{ROOM}/$one"), RoomId(f"{ROOM}/$two")]
    async with World(autojump_clock).running() as world:
        for room in (ROOM, *threads, ROOM, *threads):
            await world.say("ask", room=room)

    assert [turn.slot for turn in world.turns] == ["C1", "C2", "C3"] * 2
    assert [turn.resume is None for turn in world.turns] == [True] * 3 + [False] * 3
    assert json.loads(world.journal.keys["matrix_room:!r:s/$one"]) == "C2"
    assert world.faults == []
