"""People on Telegram whose agent goes wrong in every way: each hears why, once, and can retry.

One program for each way to reach an agent over HTTP; each fault has a chat of its own, and all
happen at once.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest
import trio

from tests.e2e.telegram_chat import TelegramChat, telegram_settings
from tests.rigs.faulty_agent import FAULTS, HARMLESS, FaultyAgent, faulty_agent, settings_for
from tests.rigs.faulty_agent_words import BEGINS, ENDS, RAW
from tests.rigs.program import LIMIT, program, run_supervisor
from tests.rigs.telegram_api import telegram_api
from tests.rigs.telegram_limits import LIMITLESS
from tests.rigs.telegram_world import Person
from tests.rigs.tls import untrusted_server
from tests.rigs.wire import Wire, wire_to

_BEN = 6000
_IDLE = 7.0
_SLACK = 6.0
"""Until the first sign of life, from which on the silence counts, on a busy machine."""

_SETTLES = 1.0
_WRONG = "Something went wrong at the agent"
_CLUMSY = _WRONG, "broke off", "took too long"
_HEARS = {
    "500": ("too busy",),
    "429": ("too busy",),
    "401": ("does not accept my key",),
    "hang": ("took too long",),
    "stall": ("took too long",),
    "cut": ("broke off", "took too long"),
    "truncated": _CLUMSY,
    "empty": _CLUMSY,
    "garbage": (_WRONG,),
    "html": (_WRONG,),
    "redirect": ("did not take this message",),
    "type": (_WRONG,),
    "gigabyte": _CLUMSY,
    "huge": _CLUMSY,
    "noise": _CLUMSY,
    "silence": (*_CLUMSY, "cannot reach"),
}
_KEPT = {"stall", "cut", "truncated", "huge", "noise"}
"""Faults behind the first words of an answer, which stay."""


def test_every_fault_is_tried() -> None:
    assert _HEARS.keys() | HARMLESS == FAULTS.keys()


@pytest.mark.parametrize("mode", ["production", "openai", "agui"])
async def test_every_fault_is_explained_once_and_can_be_retried(tmp_path: Path, mode: str) -> None:
    async with _chatting(tmp_path, mode) as (agent, wire, chat):
        people = {word: chat.api.person(5000 + place) for place, word in enumerate(FAULTS)}
        async with trio.open_nursery() as nursery:
            for word, person in people.items():
                nursery.start_soon(_goes_wrong, chat, person, word)
            nursery.start_soon(_goes_well, chat, agent)
        ended = [line for line in chat.it.log if line.get("event") == "turn.ended"]
        agent.cure(*FAULTS)
        async with trio.open_nursery() as nursery:
            for word in _HEARS:
                nursery.start_soon(_retries, chat, people[word])
        wire.cut()
        await _cannot_be_reached(chat)
        wire.mend()
        await _retries(chat, chat.api.person(_BEN))
        tree = await chat.it.tree()
        await chat.end()

    assert len(ended) == len(FAULTS) + 1
    assert max(one["seconds"] for one in ended) < _IDLE + _SLACK
    well = [one["seconds"] for one in ended if one["outcome"] == "TurnFinished"]
    assert len(well) == len(HARMLESS) + 1
    assert max(well) < _IDLE
    assert tree["platform"]["restarts"] == 0
    assert RAW not in str(chat.it.log)


def _settings(mode: str, url: str) -> dict[str, str]:
    return {"PLATFORM_IDLE_LIMIT": f"{_IDLE:g}"} | settings_for(mode, url)


@asynccontextmanager
async def _chatting(
    folder: Path, mode: str
) -> AsyncIterator[tuple[FaultyAgent, Wire, TelegramChat]]:
    """An agent, the line to it, and a program that people talk to."""
    async with faulty_agent(mode) as agent, wire_to(agent.port) as wire:
        wire.mend()
        # How much a bot may say is another story, and on a busy machine a close one.
        async with (
            telegram_api(limits=LIMITLESS) as api,
            program(folder, **telegram_settings(api, **_settings(mode, wire.url))) as it,
        ):
            await it.start()
            yield agent, wire, TelegramChat(api, it)


async def _goes_wrong(chat: TelegramChat, person: Person, word: str) -> None:
    person.writes(f"fault:{word}")
    await chat.sees(partial(_has_ended, chat, person))
    await trio.sleep(_SETTLES)  # nothing more may come

    (said,) = chat.api.answers(person)
    assert (ENDS in said) is (word in HARMLESS), (word, said)
    assert (BEGINS.strip() in said) is (word in _KEPT | HARMLESS), (word, said)
    assert word in HARMLESS or any(why in said for why in _HEARS[word]), (word, said)
    assert all(raw not in said for raw in (RAW, "<", "xxx", "\ufffd")), (word, said)


def _has_ended(chat: TelegramChat, person: Person) -> bool:
    said = "".join(chat.api.answers(person))
    return "/retry" in said or ENDS in said


async def _goes_well(chat: TelegramChat, agent: FaultyAgent) -> None:
    """Somebody else is answered while the agent hangs for another."""
    with trio.fail_after(LIMIT):
        await agent.is_asked("hang")
    person = chat.api.person(_BEN)
    person.writes("hello")
    await chat.hears(person, ENDS)


async def _retries(chat: TelegramChat, person: Person) -> None:
    before = len(chat.api.answers(person))
    person.writes("/retry")
    await chat.sees(lambda: any(ENDS in said for said in chat.api.answers(person)[before:]))


async def _cannot_be_reached(chat: TelegramChat) -> None:
    person = chat.api.person(_BEN)
    person.writes("are you there?")
    await chat.hears(person, "cannot reach the agent")


@pytest.mark.parametrize("mode", ["production", "openai", "agui"])
async def test_an_agent_that_is_nowhere_is_explained(tmp_path: Path, mode: str) -> None:
    settings = _settings(mode, "http://agent.invalid")

    done = await run_supervisor(folder=tmp_path, environment=settings, stdin=b"hello\n")

    assert done.returncode == 0
    assert done.stdout.count("cannot reach the agent") == 1


@pytest.mark.parametrize("mode", ["production", "openai", "agui"])
async def test_an_agent_that_nobody_vouches_for_is_explained(tmp_path: Path, mode: str) -> None:
    async with untrusted_server(tmp_path) as url:
        done = await run_supervisor(
            folder=tmp_path, environment=_settings(mode, url), stdin=b"hello\n"
        )

    assert done.returncode == 0
    assert done.stdout.count("cannot reach the agent") == 1
