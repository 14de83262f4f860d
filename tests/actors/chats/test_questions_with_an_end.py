"""Stories of questions whose answer the agent wants soon."""

import pytest
import trio
from trio.testing import MockClock

from protocols.journal import Button
from protocols.platform import Resume
from tests.actors.chats.world import YOU, World

LONG_ID = "{" * 2**16


async def test_an_approval_in_time_goes_back_with_all_that_the_agent_needs(
    autojump_clock: MockClock,
) -> None:
    async with World(autojump_clock, has_buttons=True).running() as world:
        await world.say("ask-within 60")
        buttons = world.sent[-1].keyboard
        await world.press("confirm:1:0")
        await world.settle()

    assert buttons == ((Button("Approve", "confirm:1:0"), Button("Reject", "confirm:1:1")),)
    assert world.turns[-1].resume == Resume(LONG_ID, "approve")
    assert world.sent[-2].text == "**Approve** (Somebody)"
    assert world.faults == []


@pytest.mark.parametrize("word", ["reject", "нет", "👎"])
async def test_a_rejection_may_be_a_word(word: str, autojump_clock: MockClock) -> None:
    async with World(autojump_clock).running() as world:
        said = await world.say("ask-within 60")
        await world.say(word)

    assert said == ["Really?\n\nReply **approve** / **reject**."]
    assert world.turns[-1].resume == Resume(LONG_ID, "reject")


async def test_after_the_agent_s_own_end_a_press_says_that_the_question_has_expired(
    autojump_clock: MockClock,
) -> None:
    async with World(autojump_clock, has_buttons=True).running() as world:
        await world.say("ask-within 60")
        await trio.sleep(61)
        await world.press("confirm:1:0")
        await world.settle()

    (answer,) = world.answers
    assert answer.text == "This question has expired. Please send your request again."
    assert answer.is_refused
    assert len(world.turns) == 1


async def test_after_the_agent_s_own_end_words_are_a_plain_message(
    autojump_clock: MockClock,
) -> None:
    async with World(autojump_clock, has_buttons=True).running() as world:
        await world.say("ask-within 60")
        await trio.sleep(61)
        said = await world.say("approve")

    assert world.turns[-1].resume is None
    assert said == ["echo approve"]


async def test_an_answer_that_waited_beyond_the_end_is_not_sent_back_as_one(
    autojump_clock: MockClock,
) -> None:
    async with World(autojump_clock).running() as world:
        await world.say("ask-within 60")
        await world.write("slow 100", sender=YOU)
        await world.write("approve")
        await world.settle()

    assert [turn.text for turn in world.turns[1:]] == ["slow 100", "approve"]
    assert world.turns[-1].resume is None
    assert world.faults == []
