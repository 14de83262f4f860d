from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import trio

from actors.chats.replies import MOST_WAITING
from tests.rigs.program import program
from tests.rigs.telegram_api import TelegramApi, telegram_api
from tests.rigs.telegram_world import Person

_ANN = 4211
_GROUP = -1001


def _settings(api: TelegramApi, **more: str) -> dict[str, str]:
    return {
        "TELEGRAM_BOT_TOKEN": api.token,
        "TELEGRAM_API_BASE": api.url,
        "ACCESS_MODE": "open",
        "MOCK_LATENCY": "off",
    } | more


async def test_a_person_is_answered_in_a_private_chat(tmp_path: Path) -> None:
    async with telegram_api() as api, program(tmp_path, **_settings(api)) as it:
        await it.start()
        ann = api.person(_ANN)

        ann.writes("hello there")

        with trio.fail_after(30):
            answers = await api.answered(ann, lambda said: any("hello there" in a for a in said))
        assert await it.end() == 0
    assert len(answers) == 1
    assert not api.violations


async def test_a_long_answer_comes_in_pieces_in_order(tmp_path: Path) -> None:
    async with telegram_api() as api, program(tmp_path, **_settings(api)) as it:
        await it.start()
        ann = api.person(_ANN)

        ann.writes("mock:long")

        with trio.fail_after(60):
            await api.answered(ann, lambda said: len(said) >= 3)
            ann.writes("and now?")
            await api.answered(ann, lambda said: any("and now?" in a for a in said))
        assert await it.end() == 0
    assert all(len(text.encode("utf-16-le")) <= 2 * 4096 for text in api.answers(ann))
    assert not api.violations


async def test_topics_are_rooms_of_their_own(tmp_path: Path) -> None:
    async with telegram_api() as api, program(tmp_path, **_settings(api)) as it:
        forum = api.supergroup(_GROUP, topics={7: "Seven", 8: "Eight"})
        await it.start()
        ann = api.person(_ANN)

        ann.writes("/status@rig_bot", chat=forum, thread=7)
        ann.writes("/status@rig_bot", chat=forum, thread=8)

        with trio.fail_after(30):
            await api.answered(forum, lambda said: len(said) == 1, thread=7)
            await api.answered(forum, lambda said: len(said) == 1, thread=8)
        assert await it.end() == 0


async def test_a_stranger_is_paired(tmp_path: Path) -> None:
    settings = "pairing"
    async with (
        telegram_api() as api,
        program(tmp_path, **_settings(api, ACCESS_MODE=settings)) as it,
    ):
        await it.start()
        ann = api.person(_ANN)
        ann.writes("let me in")
        with trio.fail_after(30):
            await api.answered(ann, lambda said: any("debug pair" in a for a in said))
        word = api.answers(ann)[0].split("debug pair ")[1].split()[0].strip("`.")

        paired = await it.debug("pair", word)

        assert paired.returncode == 0, paired.stderr
        ann.writes("and now?")
        with trio.fail_after(30):
            await api.answered(ann, lambda said: any("and now?" in a for a in said))
        assert await it.end() == 0


async def test_a_wrong_token_parks_the_poller_and_the_program_goes_on(tmp_path: Path) -> None:
    async with telegram_api() as api:
        settings = _settings(api, TELEGRAM_BOT_TOKEN="42:wrong-token")
        async with program(tmp_path, **settings) as it:
            await it.start()
            await it.logged("actor.parked")

            tree = await it.tree()

            assert tree["telegram.in"]["state"] == "parked"
            assert "TELEGRAM_BOT_TOKEN" in tree["telegram.in"]["note"]
            assert await it.end() == 0
    assert "wrong-token" not in str(it.log)


@pytest.mark.parametrize(
    ("people", "each", "kills"), [(3, 6, 2), pytest.param(20, 15, 8, marks=pytest.mark.full)]
)
async def test_kill_9_loses_nothing_and_repeats_at_most_the_piece_in_the_air(
    tmp_path: Path, people: int, each: int, kills: int
) -> None:
    async with telegram_api() as api, program(tmp_path, **_settings(api)) as it:
        everybody = [api.person(_ANN + number) for number in range(people)]

        def shown() -> int:
            return sum(len(api.answers(person)) for person in everybody)

        await it.start()
        with trio.fail_after(900):
            for life in range(kills):
                few_wait = partial(_are_said, life * each - (MOST_WAITING - each))
                for person in everybody:
                    await api.answered(person, few_wait)
                for person in everybody:
                    for words in _words(person, life, each):
                        person.writes(words)
                await api.until(partial(_has_grown, shown, shown() + people // 2))
                await it.kill()
                await it.start()
            for person in everybody:
                last = _words(person, kills - 1, each)[-1]
                await api.answered(person, partial(_is_said, last))
        assert await it.end() == 0

    repeats = 0
    for person in everybody:
        said = api.answers(person)
        asked = [words for life in range(kills) for words in _words(person, life, each)]
        found = [[place for place, text in enumerate(said) if words in text] for words in asked]
        assert all(found)
        assert [places[0] for places in found] == sorted(places[0] for places in found)
        repeats += sum(len(places) - 1 for places in found)
    assert repeats <= kills
    assert not api.violations
    assert not api.calls_in_penalty


def _words(person: Person, life: int, each: int) -> list[str]:
    return [f"life-{life}-message-{number:02}-of-{person.id}" for number in range(each)]


def _has_grown(shown: Callable[[], int], beyond: int) -> bool:
    return shown() > beyond


def _are_said(number: int, said: list[str]) -> bool:
    """So much that nothing more is refused as too many: what is repeated counts once."""
    return len(set(said)) >= number


def _is_said(words: str, said: list[str]) -> bool:
    return any(words in text for text in said)
