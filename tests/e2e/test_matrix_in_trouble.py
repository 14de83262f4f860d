"""Kills, faults of the network and lost keys on Matrix: one answer for each, and readable."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random

import pytest
import trio
from attrs import frozen

from tests.e2e.matrix_chat import matrix_chat, settings_for
from tests.rigs.journal import read_journal
from tests.rigs.matrix_faults import (
    KEYS_CLAIM,
    KEYS_QUERY,
    KEYS_UPLOAD,
    SEND,
    SYNC,
    TO_DEVICE,
    Fault,
    bad_gateway,
    garbage,
    half,
    reset,
    server_error,
    slow,
    too_many,
)
from tests.rigs.matrix_human import Human, human
from tests.rigs.matrix_proxy import matrix_proxy
from tests.rigs.matrix_shown import Shown
from tests.rigs.program import Program, program
from tests.rigs.synapse import Synapse

_UNANSWERED = 6
"""So many messages of a room may wait; far fewer than are refused as too many."""

_KEYS = (KEYS_UPLOAD, KEYS_QUERY, KEYS_CLAIM, TO_DEVICE)
_CHANCES: dict[Fault, float] = {
    server_error(): 0.02,
    bad_gateway(after=True): 0.02,
    reset(): 0.02,
    reset(after=True): 0.02,
    garbage(): 0.01,
    half(): 0.02,
    too_many(0.5): 0.02,
    slow(0.2): 0.05,
}


@frozen
class Talk:
    """One person in one room, and what they say."""

    person: Human
    room: str
    words: list[str]

    async def go_on(self, bot: str) -> None:
        """Say it all, never far ahead of the answers."""
        for sent, text in enumerate(self.words):
            await self._answers(bot, sent - _UNANSWERED)
            await self.person.send(self.room, text)

    async def end(self, bot: str) -> list[Shown]:
        """All that *bot* said, once it is as much as was asked."""
        return await self._answers(bot, len(self.words))

    async def _answers(self, bot: str, number: int) -> list[Shown]:
        shown = await self.person.watch(
            self.room, lambda shown: sum(one.sender == bot for one in shown) >= number
        )
        return [one for one in shown if one.sender == bot]


@pytest.mark.parametrize(
    ("rooms", "each", "kills"), [(2, 10, 2), pytest.param(6, 50, 10, marks=pytest.mark.full)]
)
async def test_kills_and_faults_lose_and_double_nothing_and_everything_is_readable(
    tmp_path: Path, synapse: Synapse, rooms: int, each: int, kills: int
) -> None:
    account = await trio.to_thread.run_sync(synapse.register, "bot")
    bot = account.user_id
    talks = [await _talk(synapse, bot, number, each) for number in range(rooms)]
    with trio.fail_after(150 + 15 * each):
        async with (
            matrix_proxy(synapse.url) as proxy,
            program(tmp_path, **settings_for(account, proxy.url)) as it,
        ):
            await it.start()
            for talk in talks:
                await talk.person.watch_member(talk.room, bot, "join")
            proxy.by_chance(_CHANCES, seed=4, patterns=(SYNC, SEND, *_KEYS, "/rooms/"))
            async with _killing(it, kills, Random(4)), trio.open_nursery() as nursery:
                for talk in talks:
                    nursery.start_soon(talk.go_on, bot)
            said = [await talk.end(bot) for talk in talks]
            proxy.mend()
            assert await it.end() == 0

    assert read_journal(tmp_path / "surfaces.db").faults == []
    for talk, shown in zip(talks, said, strict=True):
        assert len(shown) == each
        assert all(words in one.text for words, one in zip(talk.words, shown, strict=True))
        assert all(one.is_readable for one in await talk.person.seen(talk.room))
    assert proxy.faults["429"] > 0 or kills < 10
    assert [call.name for call in proxy.in_penalty] == []


@pytest.mark.parametrize(
    ("faults", "rounds"),
    [
        ((server_error(), too_many(0.3)), 2),
        pytest.param(
            (server_error(), too_many(0.3), reset(), bad_gateway(after=True)),
            4,
            marks=pytest.mark.full,
        ),
    ],
    ids=["two", "four"],
)
async def test_keys_are_shared_whatever_the_server_says_meanwhile(
    tmp_path: Path, synapse: Synapse, faults: tuple[Fault, ...], rounds: int
) -> None:
    async with matrix_proxy(synapse.url) as proxy:
        here = {"MATRIX_HOMESERVER": proxy.url}
        async with matrix_chat(tmp_path, synapse, is_encrypted=True, **here) as chat:
            for pattern in _KEYS:
                for fault in faults:
                    proxy.fail(fault, pattern)
            await chat.start()
            people = [chat.person]
            for number in range(rounds):
                ben = await human(synapse, "ben")
                await chat.person.invite(chat.room, ben.user_id)
                await ben.join(chat.room)
                people += [ben, await people[-1].on_another_device()]
                await chat.say(f"round-{number}")
                for person in people:
                    await chat.finds(f"round-{number}", by=person)
            seen = await chat.sees(bool)
            await chat.end()

    assert all(one.is_readable and one.is_encrypted for one in seen)
    assert len(seen) == rounds
    for pattern in _KEYS:
        found = {call.fault for call in proxy.calls_of(pattern)}
        assert found >= {fault.name for fault in faults}
    assert proxy.in_penalty == []


@pytest.mark.full
async def test_files_pass_through_a_bad_network(tmp_path: Path, synapse: Synapse) -> None:
    async with matrix_proxy(synapse.url) as proxy:
        here = {"MATRIX_HOMESERVER": proxy.url}
        async with matrix_chat(tmp_path, synapse, is_encrypted=True, **here) as chat:
            await chat.start()
            for fault in (half(), server_error(), reset()):
                proxy.fail(fault, r"^GET /_matrix/client/v1/media/download/")
                proxy.fail(fault, r"^POST /_matrix/media/v3/upload")
            await chat.person.send_file(
                chat.room, bytes(300_000), name="zeros.bin", more={"body": "mock:file comes"}
            )
            said = await chat.hears("zeros.bin")
            shown = await chat.sees(lambda said: any("info" in one.content for one in said))
            data = await chat.person.download(next(one for one in shown if "info" in one.content))
            await chat.end()
    assert "300000 bytes" in said[0]
    assert data == b"The mock agent wrote this.\n"
    assert sum("info" in one.content for one in shown) == 1


async def _talk(synapse: Synapse, bot: str, number: int, each: int) -> Talk:
    """Every second room is encrypted, and its key changes often."""
    person = await human(synapse)
    person.rotation = 7
    room = await person.create_room([bot], is_encrypted=number % 2 == 1)
    return Talk(person, room, [f"room-{number}-message-{one:03}" for one in range(each)])


@asynccontextmanager
async def _killing(it: Program, kills: int, chance: Random) -> AsyncIterator[None]:
    """Kill and start the program while the block runs, *kills* times in all."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_kill_at_random, it, kills, chance)
        yield


async def _kill_at_random(it: Program, kills: int, chance: Random) -> None:
    for _ in range(kills):
        # Real seconds: a kill at any moment of a start, a sync, a turn or a send.
        await trio.sleep(chance.uniform(0.3, 4.0))
        await it.kill()
        await it.start()
