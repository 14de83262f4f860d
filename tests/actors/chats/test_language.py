"""Each person is spoken to in the language of their app."""

import pytest
from trio.testing import MockClock

from actors.chats.access import AccessPolicy
from actors.chats.manner import manner_for
from actors.kernel.mailbox import Mailbox
from actors.words import Word
from actors.words.russian import RUSSIAN
from protocols.chats import Pair
from protocols.ids import Language
from protocols.surfaces import Surface, SurfaceMessage
from tests.actors.chats.rows import a_row
from tests.actors.chats.world import MATRIX, YOU, World


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("/start", Word.START),
        ("/status", Word.STATUS_IDLE),
        ("/stop", Word.NOTHING_RUNS),
        ("/retry", Word.RETRYING_NOTHING),
        ("/qqqqq", Word.UNKNOWN_COMMAND),
        (" ", Word.EMPTY),
    ],
)
async def test_a_russian_app_is_answered_in_russian(
    text: str, word: Word, autojump_clock: MockClock
) -> None:
    async with World(autojump_clock).running() as world:
        said = await world.say(text, language="ru-RU")

    assert said == [RUSSIAN[word].format(prefix="!")]


async def test_each_of_two_people_in_a_room_is_answered_in_their_language(
    autojump_clock: MockClock,
) -> None:
    async with World(autojump_clock).running() as world:
        await world.write("fail")
        await world.write("fail", sender=YOU, language="ru")
        await world.settle()

    mine, yours = world.texts
    assert "!retry tries again" in mine
    assert RUSSIAN[Word.FAILED_CUT].format(prefix="!") in yours


async def test_the_bridge_is_told_in_which_language_to_speak(autojump_clock: MockClock) -> None:
    async with World(autojump_clock).running() as world:
        await world.say("hello", language="ru-RU")
        await world.say("hello", language="")

    assert [turn.language for turn in world.turns] == ["ru-RU", ""]


async def test_a_stranger_is_let_in_with_a_word_in_their_language(
    autojump_clock: MockClock,
) -> None:
    async with World(autojump_clock, policy=AccessPolicy("pairing")).running() as world:
        await world.say("hello", language="ru")
        await world.ask_directory(Pair("CODE0001"))
        await world.settle()

    assert world.texts[-1] == RUSSIAN[Word.LET_IN].format(prefix="!")


def test_words_name_the_prefix_that_reaches_us() -> None:
    mailbox = Mailbox[SurfaceMessage]("matrix")
    surface = Surface(MATRIX, mailbox.address, ("/", "!"), has_buttons=True)

    manner = manner_for(a_row(language=Language("de")), surface)

    assert (manner.prefix, manner.language, manner.has_buttons) == ("!", "de", True)
    assert manner.say(Word.LET_IN) == "You are in. Write to me, or see !help."
