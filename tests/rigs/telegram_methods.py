"""What each method of the Bot API does, with Telegram's own words where it refuses."""

import json
import re
from collections.abc import Callable
from typing import Any

import trio

from tests.rigs.telegram_faults import Json, RefusedError, bad_request
from tests.rigs.telegram_messages import Chat, Message, message_json
from tests.rigs.telegram_params import as_bool, as_int, as_json
from tests.rigs.telegram_text import checked_markup, formatted
from tests.rigs.telegram_updates import MAX_LIMIT, MAX_TIMEOUT
from tests.rigs.telegram_world import World

MESSAGES = frozenset({"sendmessage", "editmessagetext", "sendmessagedraft"})
NOT_MODIFIED = (
    "message is not modified: specified new message content and reply markup are exactly the same "
    "as a current content and reply markup of the message"
)
_GENERAL = 1
_MAX_COMMANDS = 100
_MAX_CALLBACK_TEXT = 200
_ACTIONS = frozenset(
    {
        *("typing", "upload_photo", "record_video", "upload_video", "record_voice"),
        *("upload_voice", "upload_document", "choose_sticker", "find_location"),
        *("record_video_note", "upload_video_note"),
    }
)
# Bot API, ReactionTypeEmoji: nothing else is taken, so neither ❌ nor ✅.
_EMOJI = (
    "❤ 👍 👎 🔥 🥰 👏 😁 🤔 🤯 😱 🤬 😢 🎉 🤩 🤮 💩 🙏 👌 🕊 🤡 🥱 🥴 😍 🐳 ❤\u200d🔥 🌚 "
    "🌭 💯 🤣 ⚡ 🍌 🏆 💔 🤨 😐 🍓 🍾 💋 🖕 😈 😴 😭 🤓 👻 👨\u200d💻 👀 🎃 🙈 😇 😨 🤝 ✍ "
    "🤗 🫡 🎅 🎄 ☃ 💅 🤪 🗿 🆒 💘 🙉 🦄 😘 💊 🙊 😎 👾 🤷\u200d♂ 🤷 🤷\u200d♀ 😡"
)
_REACTIONS = frozenset(_EMOJI.split())


def chat_of(world: World, params: Json) -> Chat:
    """The chat that is written to.

    Raises:
        RefusedError: There is none, it has moved, or the bot may not write there.
    """
    if params.get("chat_id") in (None, ""):
        raise bad_request("chat_id is empty")
    chat = world.chats.get(as_int(params["chat_id"]))
    if chat is None:
        raise bad_request("chat not found")
    if chat.migrated_to:
        raise bad_request(
            "group chat was upgraded to a supergroup chat", {"migrate_to_chat_id": chat.migrated_to}
        )
    if chat.closed:
        raise RefusedError(403, f"Forbidden: {chat.closed}")
    if not chat.messages and not chat.is_group:
        raise RefusedError(403, "Forbidden: bot can't initiate conversation with a user")
    return chat


def send_message(world: World, params: Json) -> Json:
    text, entities = _formatted(params)
    chat = chat_of(world, params)
    thread = _thread(chat, params)
    markup = checked_markup(as_json(params.get("reply_markup")))
    message = world.add(
        chat, world.bot, text, entities,
        thread=thread, reply_to=_answered(chat, params), markup=markup,
    )  # fmt: skip
    return message_json(chat, message)


def edit_message_text(world: World, params: Json) -> Json:
    message = _own_message(world, params, "edit")
    text, entities = _formatted(params, too_long="MESSAGE_TOO_LONG")
    markup = checked_markup(as_json(params.get("reply_markup")))
    _replace(world, message, text, entities, markup)
    return message_json(world.chats[message.chat_id], message)


def edit_message_reply_markup(world: World, params: Json) -> Json:
    message = _own_message(world, params, "edit")
    markup = checked_markup(as_json(params.get("reply_markup")))
    _replace(world, message, message.text, message.entities, markup)
    return message_json(world.chats[message.chat_id], message)


def delete_message(world: World, params: Json) -> bool:
    message = _own_message(world, params, "delete")
    del world.chats[message.chat_id].messages[message.message_id]
    world.on_change()
    return True


def send_message_draft(world: World, params: Json) -> bool:
    chat = chat_of(world, params)
    if chat.is_group:
        raise bad_request("TEXTDRAFT_PEER_INVALID")
    if not as_int(params.get("draft_id")):
        raise bad_request("RANDOM_ID_INVALID")
    _thread(chat, params)
    chat.drafts[as_int(params["draft_id"])] = _formatted(params)[0]
    world.on_change()
    return True


def send_chat_action(world: World, params: Json) -> bool:
    chat = chat_of(world, params)
    if params.get("action") not in _ACTIONS:
        raise bad_request("wrong parameter action in request")
    if as_int(params.get("message_thread_id")) != _GENERAL:
        _thread(chat, params)
    return True


def answer_callback_query(world: World, params: Json) -> bool:
    if len(str(params.get("text") or "")) > _MAX_CALLBACK_TEXT:
        raise bad_request("MESSAGE_TOO_LONG")
    until = world.callbacks.pop(str(params.get("callback_query_id")), 0.0)
    if until <= trio.current_time():
        raise bad_request("query is too old and response timeout expired or query ID is invalid")
    return True


def set_my_commands(world: World, params: Json) -> bool:
    commands = as_json(params.get("commands")) or []
    if len(commands) > _MAX_COMMANDS:
        raise bad_request("BOT_COMMANDS_TOO_MUCH")
    for one in commands:
        if not re.fullmatch("[a-z0-9_]{1,32}", str(one.get("command"))):
            raise bad_request("BOT_COMMAND_INVALID")
        if not 1 <= len(str(one.get("description", ""))) <= 256:
            raise bad_request("BOT_COMMAND_DESCRIPTION_INVALID")
    world.commands[_scope(params)] = commands
    world.on_change()
    return True


def get_my_commands(world: World, params: Json) -> list[Json]:
    return world.commands.get(_scope(params), [])


def delete_my_commands(world: World, params: Json) -> bool:
    world.commands.pop(_scope(params), None)
    return True


def set_message_reaction(world: World, params: Json) -> bool:
    chat = chat_of(world, params)
    message = chat.messages.get(as_int(params.get("message_id")))
    if message is None:
        raise bad_request("message to react not found")
    reactions = as_json(params.get("reaction")) or []
    if len(reactions) > 1:
        raise bad_request("REACTIONS_TOO_MANY")
    if any(one.get("emoji") not in _REACTIONS for one in reactions):
        raise bad_request("REACTION_INVALID")
    message.reaction = reactions
    world.on_change()
    return True


def get_me(world: World, _params: Json) -> Json:
    return world.bot | {
        "can_join_groups": True,
        "can_read_all_group_messages": True,
        "supports_inline_queries": False,
    }


def get_chat(world: World, params: Json) -> Json:
    return chat_of(world, params).as_json() | {"accent_color_id": 0, "max_reaction_count": 11}


def set_webhook(world: World, params: Json) -> bool:
    world.webhook = str(params.get("url") or "")
    if world.webhook:
        world.updates.end_poll()
    return True


def delete_webhook(world: World, params: Json) -> bool:
    world.webhook = ""
    if as_bool(params.get("drop_pending_updates")):
        world.updates.drop()
    return True


def get_webhook_info(world: World, _params: Json) -> Json:
    return {
        "url": world.webhook,
        "has_custom_certificate": False,
        "pending_update_count": len(world.updates.pending),
    }


async def get_updates(world: World, params: Json) -> list[Any]:
    """One poll; the only method that waits."""
    if world.webhook:
        raise RefusedError(
            409,
            "Conflict: can't use getUpdates method while webhook is active; "
            "use deleteWebhook to delete the webhook first",
        )
    if "allowed_updates" in params:
        kinds = as_json(params["allowed_updates"])
        world.updates.allowed = frozenset(kinds if isinstance(kinds, list) else ())
    return await world.updates.get(
        as_int(params.get("offset")),
        limit=as_int(params.get("limit"), default=MAX_LIMIT),
        timeout=min(max(as_int(params.get("timeout")), 0), MAX_TIMEOUT),
    )


METHODS: dict[str, Callable[[World, Json], Any]] = {
    "answercallbackquery": answer_callback_query,
    "deletemessage": delete_message,
    "deletemycommands": delete_my_commands,
    "deletewebhook": delete_webhook,
    "editmessagereplymarkup": edit_message_reply_markup,
    "editmessagetext": edit_message_text,
    "getchat": get_chat,
    "getme": get_me,
    "getmycommands": get_my_commands,
    "getwebhookinfo": get_webhook_info,
    "sendchataction": send_chat_action,
    "sendmessage": send_message,
    "sendmessagedraft": send_message_draft,
    "setmessagereaction": set_message_reaction,
    "setmycommands": set_my_commands,
    "setwebhook": set_webhook,
}


def _formatted(params: Json, too_long: str = "message is too long") -> tuple[str, list[Json]]:
    if params.get("parse_mode"):
        # The rig reads no markup: what is tested sends entities.
        raise bad_request("can't parse entities: unsupported parse_mode")
    return formatted(params.get("text"), as_json(params.get("entities")), too_long=too_long)


def _thread(chat: Chat, params: Json) -> int:
    thread = as_int(params.get("message_thread_id"))
    if thread and thread not in chat.topics:
        raise bad_request("message thread not found")
    return thread


def _answered(chat: Chat, params: Json) -> int:
    reply = as_json(params.get("reply_parameters")) or {}
    answered = as_int(reply.get("message_id", params.get("reply_to_message_id")))
    if not answered or answered in chat.messages:
        return answered
    if as_bool(reply.get("allow_sending_without_reply")):
        return 0
    raise bad_request("message to be replied not found")


def _own_message(world: World, params: Json, what: str) -> Message:
    chat = chat_of(world, params)
    message_id = as_int(params.get("message_id"))
    if not message_id:
        raise bad_request("message identifier is not specified")
    message = chat.messages.get(message_id)
    if message is None:
        raise bad_request(f"message to {what} not found")
    if not message.is_from_bot and (what == "edit" or chat.is_group):
        raise bad_request(f"message can't be {what.rstrip('e')}ed")
    return message


def _replace(
    world: World, message: Message, text: str, entities: list[Json], markup: Json | None
) -> None:
    if (text, entities, markup) == (message.text, message.entities, message.markup):
        raise bad_request(NOT_MODIFIED)
    world.replace(message, text, entities, markup)


def _scope(params: Json) -> tuple[str, str]:
    scope = as_json(params.get("scope")) or {"type": "default"}
    return json.dumps(scope, sort_keys=True), str(params.get("language_code") or "")
