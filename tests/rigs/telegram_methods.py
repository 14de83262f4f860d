"""What each method of the Bot API does, with Telegram's own words where it refuses."""

from typing import Any

import trio

from tests.rigs.telegram_faults import Json, RefusedError, bad_request
from tests.rigs.telegram_file_methods import FILE_METHODS
from tests.rigs.telegram_menus import MENU_METHODS
from tests.rigs.telegram_params import as_bool, as_int, as_json
from tests.rigs.telegram_targets import Method, chat_of, thread_of
from tests.rigs.telegram_text_methods import TEXT_METHODS
from tests.rigs.telegram_topic_methods import TOPIC_METHODS
from tests.rigs.telegram_updates import MAX_LIMIT, MAX_TIMEOUT
from tests.rigs.telegram_world import CallbackAnswer, World

# What shows something in the chat. Telegram counts it as a message, and all edits of it, too.
SENDS = frozenset({"sendmessage", *FILE_METHODS})
_MESSAGES = SENDS | {
    "sendmessagedraft",
    *("editmessagetext", "editmessagecaption", "editmessagereplymarkup"),
}
_GENERAL = 1
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


def send_chat_action(world: World, params: Json) -> bool:
    chat = chat_of(world, params)
    if params.get("action") not in _ACTIONS:
        raise bad_request("wrong parameter action in request")
    if as_int(params.get("message_thread_id")) != _GENERAL:
        thread_of(chat, params)
    return True


def answer_callback_query(world: World, params: Json) -> bool:
    text = str(params.get("text") or "")
    if len(text) > _MAX_CALLBACK_TEXT:
        raise bad_request("MESSAGE_TOO_LONG")
    query, now = str(params.get("callback_query_id")), trio.current_time()
    if world.callbacks.pop(query, 0.0) <= now:
        raise bad_request("query is too old and response timeout expired or query ID is invalid")
    world.callback_answers[query] = CallbackAnswer(now, text, as_bool(params.get("show_alert")))
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
    emoji = reactions[0]["emoji"] if reactions else ""
    message.reactions.append((trio.current_time(), emoji))
    world.on_change()
    return True


def get_me(world: World, _params: Json) -> Json:
    return world.bot | {
        "can_join_groups": True,
        "can_read_all_group_messages": True,
        "supports_inline_queries": False,
        "has_topics_enabled": world.has_topics,
        "allows_users_to_create_topics": world.has_topics,
    }


def get_chat(world: World, params: Json) -> Json:
    return chat_of(world, params).as_json() | {"accent_color_id": 0, "max_reaction_count": 11}


def get_file(world: World, params: Json) -> Json:
    return world.files.link(str(params.get("file_id") or ""))


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


def messages_in(method: str, params: Json) -> int:
    """How many messages a call of *method*, in small letters, counts as; an album is several."""
    if method == "sendmediagroup":
        items = as_json(params.get("media"))
        return len(items) if isinstance(items, list) and items else 1
    return int(method in _MESSAGES)


METHODS: dict[str, Method] = (
    TEXT_METHODS
    | FILE_METHODS
    | TOPIC_METHODS
    | MENU_METHODS
    | {
        "answercallbackquery": answer_callback_query,
        "deletewebhook": delete_webhook,
        "getchat": get_chat,
        "getfile": get_file,
        "getme": get_me,
        "getwebhookinfo": get_webhook_info,
        "sendchataction": send_chat_action,
        "setmessagereaction": set_message_reaction,
        "setwebhook": set_webhook,
    }
)
