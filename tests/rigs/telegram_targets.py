"""What a call writes to: its chat, its topic, the message that it answers or changes."""

from collections.abc import Callable
from typing import Any

from tests.rigs.telegram_faults import Json, RefusedError, bad_request
from tests.rigs.telegram_messages import Chat, Message
from tests.rigs.telegram_params import as_bool, as_int, as_json
from tests.rigs.telegram_text import MAX_CAPTION, MAX_TEXT, formatted
from tests.rigs.telegram_world import World

Method = Callable[[World, Json], Any]


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


def thread_of(chat: Chat, params: Json) -> int:
    """The topic that is written to, 0 for none."""
    thread = as_int(params.get("message_thread_id"))
    if thread and thread not in chat.topics:
        raise bad_request("message thread not found")
    return thread


def answered_by(chat: Chat, params: Json) -> int:
    """The message that is answered, 0 for none."""
    reply = as_json(params.get("reply_parameters")) or {}
    answered = as_int(reply.get("message_id", params.get("reply_to_message_id")))
    if not answered or answered in chat.messages:
        return answered
    if as_bool(reply.get("allow_sending_without_reply")):
        return 0
    raise bad_request("message to be replied not found")


def own_message(world: World, params: Json, what: str) -> Message:
    """The bot's message that it wants to *what*: edit or delete."""
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


def text_in(
    params: Json, *, too_long: str = "message is too long", may_be_empty: bool = False
) -> tuple[str, list[Json]]:
    """The text and entities of a call."""
    _check_no_markup(params)
    return formatted(
        params.get("text"), as_json(params.get("entities")), too_long=too_long,
        max_length=MAX_TEXT, may_be_empty=may_be_empty,
    )  # fmt: skip


def caption_in(
    params: Json, *, too_long: str = "message caption is too long"
) -> tuple[str, list[Json]]:
    """The caption and entities of a call or of one item of an album."""
    _check_no_markup(params)
    return formatted(
        params.get("caption"), as_json(params.get("caption_entities")), too_long=too_long,
        max_length=MAX_CAPTION, may_be_empty=True,
    )  # fmt: skip


def _check_no_markup(params: Json) -> None:
    if params.get("parse_mode"):
        # The rig reads no markup: what is tested sends entities.
        raise bad_request("can't parse entities: unsupported parse_mode")
