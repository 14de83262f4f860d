"""The menu and the bot's own words are in the person's language."""

import unicodedata
from collections.abc import Mapping
from pathlib import Path

from tests.e2e.telegram_chat import ANN, BEN, telegram_chat
from tests.rigs.telegram_faults import Json
from tests.rigs.telegram_world import MenuKey


async def test_the_menu_is_there_in_both_languages_and_debug_for_admins_alone(
    tmp_path: Path,
) -> None:
    async with telegram_chat(tmp_path, ADMINS=f"telegram:{ANN}") as chat:
        ann, ben = chat.api.person(ANN), chat.api.person(BEN, language="ru-RU")
        ann.writes("hello-there")
        await chat.hears(ann, "hello-there")
        await chat.it.kill()
        await chat.it.start()
        await chat.sees(lambda: len(_menus(chat.api.world.commands)) >= 6)

        ben.writes("/status")

        await chat.sees(lambda: any(map(_is_russian, chat.api.answers(ben))))
        menus = _menus(chat.api.world.commands)
        await chat.end()
    for (scope, language), commands in menus.items():
        assert ("debug" in commands) == (scope == "chat")
        assert _is_russian(" ".join(commands.values())) == (language == "ru")
    assert {"new", "chats", "stop", "retry", "settings"} <= set(menus["all_private_chats", "ru"])


async def test_a_stranger_is_spoken_to_in_their_language_until_they_are_in(tmp_path: Path) -> None:
    async with telegram_chat(tmp_path, ACCESS_MODE="pairing") as chat:
        ben = chat.api.person(BEN, language="ru")
        ben.writes("привет")
        knocked = await chat.hears(ben, "debug pair")
        code = knocked[0].partition("debug pair ")[2].split()[0]

        await chat.it.debug("pair", code)
        await chat.sees(lambda: len(chat.api.answers(ben)) >= 2)
        ben.writes("mock:cut")

        said = await chat.hears(ben, "/retry")
        await chat.end()
    assert all(_is_russian(text) for text in said)


def _menus(kept: Mapping[MenuKey, list[Json]]) -> dict[tuple[str, str], dict[str, str]]:
    """What each command is said to do, by scope and language."""
    return {
        (key.scope, key.language): {one["command"]: one["description"] for one in commands}
        for key, commands in kept.items()
    }


def _is_russian(text: str) -> bool:
    return any("CYRILLIC" in unicodedata.name(char, "") for char in text)
