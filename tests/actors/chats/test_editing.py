"""Stories of edited messages."""

import trio
from attrs import evolve
from trio.testing import MockClock

from actors.chats.access import AccessPolicy
from actors.chats.editing import REWORDED
from actors.chats.page import MOST_CHARACTERS
from actors.chats.presses import EDIT_OFFERED
from protocols.ids import RemoteId
from protocols.journal import Amends, Button, RowState
from protocols.platform import Resume
from tests.actors.chats.fake_surface import photo
from tests.actors.chats.world import OTHER_ROOM, YOU, World


async def test_an_edit_of_a_waiting_message_replaces_its_words(autojump_clock: MockClock) -> None:
    async with World(autojump_clock).running() as world:
        await world.write("slow 5", "befor")
        await trio.sleep(1)
        await world.edit("m2", "before")
        await world.settle()

    assert world.texts == ["echo slow 5", "echo before"]
    assert (world.states[2], world.rows[2].reason) == (RowState.IGNORED, REWORDED)
    assert world.faults == []


async def test_an_edit_in_the_same_batch_as_its_message_replaces_its_words(
    autojump_clock: MockClock,
) -> None:
    async with World(autojump_clock).running() as world:
        arrivals = [world.arrival("a", message_id=RemoteId("m1"))] + [
            world.arrival(text, message_id=RemoteId("m1"), edits=RemoteId("m1"))
            for text in ("b", "a", "c")
        ]
        await world.arrive(*arrivals)
        await world.settle()

    assert world.texts == ["echo c"]
    assert world.states[1:] == [RowState.IGNORED] * 3
    assert world.faults == []


async def test_an_edit_that_only_empties_a_message_leaves_it(autojump_clock: MockClock) -> None:
    async with World(autojump_clock).running() as world:
        await world.write("slow 5", "words")
        await trio.sleep(1)
        await world.edit("m2", "")
        await world.settle()

    assert world.texts == ["echo slow 5", "echo words"]
    assert world.rows[2].reason == "edit without words"


async def test_a_picture_that_loses_its_caption_is_still_answered(
    autojump_clock: MockClock,
) -> None:
    async with World(autojump_clock).running() as world:
        await world.write("slow 5")
        await trio.sleep(1)
        await world.write("caption", files=(photo(),))
        await world.edit("m2", " ")
        await world.settle()

    assert world.texts[-1] == "echo  with 1 files"


async def test_an_edit_while_its_turn_runs_is_offered_and_answered_on_a_press(
    autojump_clock: MockClock,
) -> None:
    async with World(autojump_clock, has_buttons=True).running() as world:
        await world.write("slow 5", files=(photo(),))
        await trio.sleep(1)
        await world.edit("m1", "fast")
        await trio.sleep(1)
        offer = world.sent[-1]
        await world.press("anew:2", place="$s1")
        await world.settle()

    assert offer.text.startswith("You changed your message")
    assert offer.keyboard == ((Button("🔁 Answer the new text", "anew:2"),),)
    assert world.rows[1].reason == EDIT_OFFERED
    assert world.texts[-2:] == ["echo slow 5 with 1 files", "echo fast with 1 files"]
    (amended,) = (out for out in world.sent if out.amends is not None)
    assert amended.amends == Amends(world.rows[1].id, RemoteId("$s1"))
    assert (amended.text, amended.keyboard) == ("*The new text is answered below.*", ())
    assert [turn.slot for turn in world.turns] == ["C1", "C1"]
    assert world.states == [RowState.ANSWERED] * 3
    assert world.faults == []


async def test_an_edit_that_comes_again_is_offered_once(autojump_clock: MockClock) -> None:
    async with World(autojump_clock, has_buttons=True).running() as world:
        await world.say("one")
        await world.edit("m1", "two", "two")
        await world.settle()
        await world.edit("m1", "two")
        await world.settle()
        await world.press("anew:2", "anew:3", "anew:4")
        await world.settle()
        await world.edit("m1", "two")
        await world.settle()

    assert [turn.text for turn in world.turns] == ["one", "two"]
    assert [world.rows[number].reason for number in (1, 2, 3, -1)] == [
        EDIT_OFFERED,
        *["edit whose words were offered before"] * 3,
    ]
    assert world.faults == []


async def test_a_newer_edit_withdraws_the_offer_before(autojump_clock: MockClock) -> None:
    async with World(autojump_clock, has_buttons=True).running() as world:
        await world.say("one")
        await world.edit("m1", "two")
        await world.settle()
        shown = next(out for out in world.journal.outbox.values() if out.row == 2)
        await world.edit("m1", "three", "four")
        await world.settle()
        await world.press("anew:2", "anew:3", "anew:4")
        await world.settle()

    assert [turn.text for turn in world.turns] == ["one", "four"]
    assert [row.decided for row in world.rows[1:4]] == ["withdrawn", "withdrawn", "anew"]
    first = next(out for out in world.sent if out.amends is not None)
    assert shown.remote_id is not None
    assert first.amends == Amends(world.rows[1].id, shown.remote_id)
    assert (first.text, first.keyboard) == ("", ())
    assert world.faults == []


async def test_an_edit_back_withdraws_the_offer_and_a_further_one_offers_anew(
    autojump_clock: MockClock,
) -> None:
    async with World(autojump_clock, has_buttons=True).running() as world:
        await world.say("one")
        for text in ("two", "one", "two"):
            await world.edit("m1", text)
            await world.settle()
        await world.press("anew:2", "anew:4")
        await world.settle()

    assert [row.reason for row in world.rows[1:4]] == [
        EDIT_OFFERED,
        "edit that changes no words",
        EDIT_OFFERED,
    ]
    assert [turn.row for turn in world.turns] == [1, 6]
    assert world.faults == []


async def test_an_edit_with_a_new_picture_is_answered_with_that(autojump_clock: MockClock) -> None:
    async with World(autojump_clock, has_buttons=True).running() as world:
        await world.say("look", files=(photo(),))
        await world.edit("m1", "look here", files=(photo(name="dog.jpg"),))
        await world.settle()
        await world.press("anew:2")
        await world.settle()

    assert [file.name for file in world.turns[1].files] == ["dog.jpg"]


async def test_only_the_newest_message_of_a_person_is_offered_a_new_answer(
    autojump_clock: MockClock,
) -> None:
    async with World(autojump_clock, has_buttons=True).running() as world:
        await world.say("one")
        await world.say("two", "/help")
        await world.say("three", sender=YOU)
        await world.edit("m1", "one more")
        await world.edit("m2", "two more")
        await world.settle()

    assert [row.reason for row in world.rows[4:]] == ["edit of an older message", EDIT_OFFERED]
    assert world.faults == []


async def test_an_answer_anew_goes_on_in_the_chat_of_the_message(
    autojump_clock: MockClock,
) -> None:
    async with World(autojump_clock, has_buttons=True).running() as world:
        await world.say("one")
        await world.edit("m1", "one more")
        await world.settle()
        await world.say("/new")
        await world.press("anew:2")
        await world.settle()

    assert [turn.slot for turn in world.turns] == ["C1", "C1"]


async def test_an_edit_that_outlived_its_message_is_answered_in_the_current_chat(
    autojump_clock: MockClock,
) -> None:
    async with World(autojump_clock, has_buttons=True).running() as world:
        await world.say("one")
        (edit,) = await world.edit("m1", "one more")
        await world.settle()
        forgotten = evolve(world.rows[0], message_id=RemoteId(""))
        world.journal.rows[forgotten.id] = forgotten
        await world.press(f"anew:{edit}")
        await world.settle()

    assert world.texts[-1] == "echo one more"


async def test_without_buttons_a_late_edit_is_left(autojump_clock: MockClock) -> None:
    async with World(autojump_clock).running() as world:
        await world.say("one")
        await world.edit("m1", "one more")
        await world.settle()

    assert world.states == [RowState.ANSWERED, RowState.IGNORED]
    assert world.texts == ["echo one"]


async def test_in_private_the_edit_of_something_unknown_is_left(autojump_clock: MockClock) -> None:
    async with World(autojump_clock).running() as world:
        await world.edit("m77", "hello")
        await world.settle()

    assert world.states == [RowState.IGNORED]
    assert world.faults == []


async def test_in_a_group_a_message_may_become_one_for_us_by_an_edit_once(
    autojump_clock: MockClock,
) -> None:
    async with World(autojump_clock).running() as world:
        await world.edit("m77", "slow 1", "slow 2", is_shared=True)
        await world.settle()
        await world.edit("m77", "slow 3", is_shared=True)
        await world.settle()

    assert world.texts == ["echo slow 2"]
    assert world.states == [RowState.ANSWERED, RowState.IGNORED, RowState.IGNORED]
    assert world.faults == []


async def test_a_message_that_was_too_long_may_be_shortened(autojump_clock: MockClock) -> None:
    async with World(autojump_clock).running() as world:
        await world.say("x" * (MOST_CHARACTERS + 1))
        await world.edit("m1", "short")
        await world.settle()

    assert world.states == [RowState.REFUSED, RowState.ANSWERED]
    assert world.texts[-1] == "echo short"


async def test_an_edit_that_is_too_long_is_refused_and_the_message_kept(
    autojump_clock: MockClock,
) -> None:
    async with World(autojump_clock, has_buttons=True).running() as world:
        await world.write("slow 5", "two")
        await trio.sleep(1)
        await world.edit("m2", "x" * (MOST_CHARACTERS + 1))
        await world.settle()
        await world.edit("m2", "y" * (MOST_CHARACTERS + 1))
        await world.settle()

    assert world.states[2:] == [RowState.REFUSED] * 2
    assert "echo two" in world.texts
    assert world.faults == []


async def test_an_edit_of_a_command_is_left(autojump_clock: MockClock) -> None:
    async with World(autojump_clock, has_buttons=True).running() as world:
        await world.say("/help")
        await world.edit("m1", "/status")
        await world.settle()

    assert world.rows[1].reason == "edit of a command"


async def test_an_edit_of_a_retry_leaves_the_words_that_are_run_again(
    autojump_clock: MockClock,
) -> None:
    async with World(autojump_clock, has_buttons=True).running() as world:
        await world.say("fail")
        await world.write("slow 5")
        await trio.sleep(1)
        await world.write("/retry", message_id=RemoteId("r"))
        await world.edit("r", "hello")
        await world.settle()

    assert [turn.text for turn in world.turns] == ["fail", "slow 5", "fail"]
    assert world.rows[3].reason == "edit of a /retry"
    assert world.faults == []


async def test_too_many_offers_are_a_flood(autojump_clock: MockClock) -> None:
    async with World(autojump_clock, has_buttons=True).running() as world:
        await world.say("one")
        for number in range(100):
            await world.edit("m1", f"one {number}")
        await world.settle()

    assert world.states.count(RowState.IGNORED) > 30
    assert world.faults == []


async def test_an_edit_of_another_room_s_message_with_the_same_id_is_another_message(
    autojump_clock: MockClock,
) -> None:
    async with World(autojump_clock).running() as world:
        await world.write("slow 5", "here")
        await world.edit("m2", "there", room=OTHER_ROOM, is_shared=True)
        await world.settle()

    assert "echo here" in world.texts
    assert "echo there" in world.texts


async def test_an_edit_changes_what_a_waiting_yes_answers(autojump_clock: MockClock) -> None:
    async with World(autojump_clock, has_buttons=True).running() as world:
        await world.say("ask me")
        await world.write("slow 5", sender=YOU)
        await trio.sleep(1)
        await world.write("yes")
        await trio.sleep(1)
        await world.edit("m3", "no")
        await world.settle()

    assert world.turns[-1].resume == Resume("i-1", "no")
    assert [out.text for out in world.sent if out.amends] == [
        "**Yes** (Somebody)",
        "**No** (Somebody)",
    ]
    assert world.faults == []


async def test_an_edit_by_a_stranger_is_a_knock(autojump_clock: MockClock) -> None:
    async with World(autojump_clock, policy=AccessPolicy("pairing")).running() as world:
        await world.edit("m1", "hello")
        await world.settle()

    assert world.states == [RowState.REFUSED]
    assert "CODE0001" in world.texts[0]
    assert world.faults == []
