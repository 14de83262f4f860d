from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random

import pytest
import trio

from tests.rigs.matrix_settings import matrix_settings
from tests.rigs.program import Program, program
from tests.rigs.synapse import Person, Synapse

_UNANSWERED = 6
"""So many messages of a room may wait; far fewer than are refused as too many."""


@pytest.mark.parametrize(
    ("rooms", "each", "kills"),
    [(2, 8, 2), pytest.param(5, 40, 10, marks=pytest.mark.full)],
)
async def test_every_message_is_answered_once_and_in_order(
    tmp_path: Path, synapse: Synapse, rooms: int, each: int, kills: int
) -> None:
    settings = matrix_settings(synapse)
    bot = settings["MATRIX_USER_ID"]
    chance = Random(20)
    chats: list[tuple[Person, str]] = []

    async with program(tmp_path, **settings) as it:
        await it.start()
        for _ in range(rooms):
            person = await trio.to_thread.run_sync(synapse.person)
            chats.append((person, await person.create_room([bot])))
        with trio.fail_after(600):
            for person, room in chats:
                await person.watch_member(room, bot, "join")
            async with _killing(it, kills, chance), trio.open_nursery() as nursery:
                for number, (person, room) in enumerate(chats):
                    nursery.start_soon(_converse, person, room, bot, _words(number, each))
            for person, room in chats:
                await person.watch_answers(room, bot, each)
            assert await it.end() == 0

    for number, (person, room) in enumerate(chats):
        answers = await person.answers(room, bot)
        assert len(answers) == each
        for words, answer in zip(_words(number, each), answers, strict=True):
            assert words in answer


def _words(room: int, each: int) -> list[str]:
    return [f"room-{room}-message-{number:03}" for number in range(each)]


async def _converse(person: Person, room: str, bot: str, words: list[str]) -> None:
    for sent, text in enumerate(words):
        await person.watch_answers(room, bot, sent - _UNANSWERED)
        await person.send(room, text)


@asynccontextmanager
async def _killing(it: Program, kills: int, chance: Random) -> AsyncIterator[None]:
    """Kill and start the program while the block runs, *kills* times in all."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_kill_at_random, it, kills, chance)
        yield


async def _kill_at_random(it: Program, kills: int, chance: Random) -> None:
    for _ in range(kills):
        # Real seconds: a kill at any moment of a start, a sync, a turn or a send.
        await trio.sleep(chance.uniform(0.1, 3.0))
        await it.kill()
        await it.start()
