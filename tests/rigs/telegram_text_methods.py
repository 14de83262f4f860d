"""What the methods do that send, edit and delete texts."""

import trio

from tests.rigs.telegram_drafts import Draft
from tests.rigs.telegram_faults import Json, bad_request
from tests.rigs.telegram_messages import Message, Said, message_json
from tests.rigs.telegram_params import as_bool, as_int, as_json
from tests.rigs.telegram_targets import (
    Method,
    answered_by,
    caption_in,
    chat_of,
    own_message,
    text_in,
    thread_of,
)
from tests.rigs.telegram_text import checked_markup
from tests.rigs.telegram_world import World

NOT_MODIFIED = (
    "message is not modified: specified new message content and reply markup are exactly the same "
    "as a current content and reply markup of the message"
)


def send_message(world: World, params: Json) -> Json:
    text, entities = text_in(params)
    chat = chat_of(world, params)
    thread = thread_of(chat, params)
    markup = checked_markup(as_json(params.get("reply_markup")))
    said = Said(text, entities, thread, answered_by(chat, params), markup)
    return message_json(chat, world.add(chat, world.bot, said))


def edit_message_text(world: World, params: Json) -> Json:
    message = own_message(world, params, "edit")
    text, entities = text_in(params, too_long="MESSAGE_TOO_LONG")
    if not message.text or message.files:
        raise bad_request("there is no text in the message to edit")
    return _replaced(world, params, message, text=text, entities=entities)


def edit_message_caption(world: World, params: Json) -> Json:
    message = own_message(world, params, "edit")
    text, entities = caption_in(params, too_long="MEDIA_CAPTION_TOO_LONG")
    if not message.files:
        raise bad_request("there is no caption in the message to edit")
    return _replaced(world, params, message, text=text, entities=entities)


def edit_message_reply_markup(world: World, params: Json) -> Json:
    message = own_message(world, params, "edit")
    text, entities = message.text, message.entities
    return _replaced(world, params, message, text=text, entities=entities)


def delete_message(world: World, params: Json) -> bool:
    message = own_message(world, params, "delete")
    del world.chats[message.chat_id].messages[message.message_id]
    world.on_change()
    return True


def send_message_draft(world: World, params: Json) -> bool:
    chat = chat_of(world, params)
    if chat.is_group:
        raise bad_request("TEXTDRAFT_PEER_INVALID")
    if not as_int(params.get("draft_id")):
        raise bad_request("RANDOM_ID_INVALID")
    thread = thread_of(chat, params)
    text, entities = text_in(params, may_be_empty=True)
    draft = Draft(
        trio.current_time(), as_int(params["draft_id"]), text, entities, thread,
        as_bool(params.get("can_stop")), as_bool(params.get("keep_on_stop")),
    )  # fmt: skip
    chat.drafts.put(draft)
    world.on_change()
    return True


TEXT_METHODS: dict[str, Method] = {
    "deletemessage": delete_message,
    "editmessagecaption": edit_message_caption,
    "editmessagereplymarkup": edit_message_reply_markup,
    "editmessagetext": edit_message_text,
    "sendmessage": send_message,
    "sendmessagedraft": send_message_draft,
}


def _replaced(
    world: World, params: Json, message: Message, *, text: str, entities: list[Json]
) -> Json:
    """The message with its new text; without ``reply_markup`` it has no buttons any more."""
    markup = checked_markup(as_json(params.get("reply_markup")))
    if (text, entities, markup) == (message.text, message.entities, message.markup):
        raise bad_request(NOT_MODIFIED)
    world.replace(message, text, entities, markup)
    return message_json(world.chats[message.chat_id], message)
