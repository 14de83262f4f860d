"""The bot's menus of commands: which there are, and which of them somebody sees.

Source:
    Bot API, "Determining list of commands": the first of the scopes that has commands, each with
    the person's language before no language; TDLib, ``validate_bot_language_code``.
"""

import re
from collections.abc import Iterator

from tests.rigs.telegram_faults import Json, bad_request
from tests.rigs.telegram_messages import Chat
from tests.rigs.telegram_params import as_int, as_json
from tests.rigs.telegram_people import Person
from tests.rigs.telegram_targets import Method
from tests.rigs.telegram_world import MenuKey, World

_MAX_COMMANDS = 100
_EVERYWHERE = frozenset(
    {"default", "all_private_chats", "all_group_chats", "all_chat_administrators"}
)
_IN_ONE_CHAT = frozenset({"chat", "chat_administrators", "chat_member"})


def menu_of(world: World, person: Person, chat: Chat) -> list[Json]:
    """The commands that *person* sees in *chat*, where they are no administrator."""
    for scope, chat_id, user_id in _scopes(person, chat):
        for language in (person.language, ""):
            if commands := world.commands.get(MenuKey(scope, chat_id, user_id, language)):
                return commands
    return []


def _scopes(person: Person, chat: Chat) -> Iterator[tuple[str, int, int]]:
    if chat.is_group:
        yield "chat_member", chat.id, person.id
    yield "chat", chat.id, 0
    yield ("all_group_chats" if chat.is_group else "all_private_chats"), 0, 0
    yield "default", 0, 0


def set_my_commands(world: World, params: Json) -> bool:
    key = _key(world, params)
    commands = as_json(params.get("commands")) or []
    if len(commands) > _MAX_COMMANDS:
        raise bad_request("BOT_COMMANDS_TOO_MUCH")
    for one in commands:
        if not re.fullmatch("[a-z0-9_]{1,32}", str(one.get("command"))):
            raise bad_request("BOT_COMMAND_INVALID")
        if not 1 <= len(str(one.get("description", ""))) <= 256:
            raise bad_request("BOT_COMMAND_DESCRIPTION_INVALID")
    world.commands[key] = commands
    world.on_change()
    return True


def get_my_commands(world: World, params: Json) -> list[Json]:
    return world.commands.get(_key(world, params), [])


def delete_my_commands(world: World, params: Json) -> bool:
    world.commands.pop(_key(world, params), None)
    return True


MENU_METHODS: dict[str, Method] = {
    "deletemycommands": delete_my_commands,
    "getmycommands": get_my_commands,
    "setmycommands": set_my_commands,
}


def _key(world: World, params: Json) -> MenuKey:
    """Which menu a call is about.

    Raises:
        RefusedError: No such scope, no such language, or a chat that the bot does not know.
    """
    scope = as_json(params.get("scope")) or {"type": "default"}
    kind, language = scope.get("type"), str(params.get("language_code") or "")
    if kind not in _EVERYWHERE | _IN_ONE_CHAT:
        raise bad_request("can't parse BotCommandScope: Unsupported type specified")
    if not re.fullmatch("([a-z]{2})?", language):
        raise bad_request("invalid language code specified")
    if kind in _EVERYWHERE:
        return MenuKey(kind, 0, 0, language)
    chat = world.chats.get(as_int(scope.get("chat_id")))
    if chat is None or not (chat.is_group or chat.messages):
        raise bad_request("chat not found")
    return MenuKey(kind, chat.id, as_int(scope.get("user_id")), language)
