from typing import Any

import pytest

from tests.rigs.telegram_api import TelegramApi
from tests.rigs.telegram_client import ANN, GROUP, Bot

NEW = [{"command": "new", "description": "Start anew"}]
RUSSIAN = [{"command": "new", "description": "Начать заново"}]
DEBUG = [{"command": "debug", "description": "Show the tree"}]


async def test_a_menu_is_kept_by_scope_and_language(bot: Bot) -> None:
    assert await bot.call("setMyCommands", commands=NEW, language_code="ru") is True
    assert await bot.call("getMyCommands", language_code="ru") == NEW
    assert await bot.call("getMyCommands") == []
    assert await bot.call("deleteMyCommands", language_code="ru") is True
    assert await bot.call("getMyCommands", language_code="ru") == []


async def test_a_person_sees_their_language_before_others(api: TelegramApi, bot: Bot) -> None:
    await bot.call("setMyCommands", commands=NEW)
    await bot.call("setMyCommands", commands=RUSSIAN, language_code="ru")

    assert api.menu(api.person(ANN)) == {"new": "Start anew"}
    assert api.menu(api.person(43, language="ru")) == {"new": "Начать заново"}


async def test_the_nearest_scope_is_seen(api: TelegramApi, bot: Bot) -> None:
    group, ann, bob = api.group(GROUP), api.person(ANN), api.person(43)
    await bot.call("setMyCommands", commands=NEW)
    await bot.call("setMyCommands", commands=DEBUG, scope={"type": "chat", "chat_id": str(ANN)})
    await bot.call("setMyCommands", commands=RUSSIAN, scope={"type": "all_group_chats"})

    assert (list(api.menu(ann)), list(api.menu(bob))) == (["debug"], ["new"])
    assert api.menu(ann, group) == {"new": "Начать заново"}
    member = {"type": "chat_member", "chat_id": GROUP, "user_id": ANN}
    await bot.call("setMyCommands", commands=DEBUG, scope=member)
    assert (list(api.menu(ann, group)), list(api.menu(bob, group))) == (["debug"], ["new"])


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"commands": [{"command": "New!"}]}, "BOT_COMMAND_INVALID"),
        ({"commands": [{"command": "n"}]}, "BOT_COMMAND_DESCRIPTION_INVALID"),
        ({"commands": [{}] * 101}, "BOT_COMMANDS_TOO_MUCH"),
        ({"language_code": "en-US"}, "invalid language code specified"),
        ({"scope": {"type": "chat", "chat_id": 43}}, "chat not found"),
        ({"scope": {"type": "chat", "chat_id": 44}}, "chat not found"),
        (
            {"scope": {"type": "everywhere"}},
            "can't parse BotCommandScope: Unsupported type specified",
        ),
    ],
)
async def test_bad_menus_are_refused(
    api: TelegramApi, bot: Bot, params: dict[str, Any], words: str
) -> None:
    api.person(43)  # who never wrote to the bot

    assert await bot.call("setMyCommands", **{"commands": NEW, **params}) == f"Bad Request: {words}"
