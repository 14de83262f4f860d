"""What the methods do that make, rename and delete topics.

Source:
    TDLib, ``ForumTopicManager``: a private chat is a forum if the bot has topics enabled.
"""

from tests.rigs.telegram_faults import Json, bad_request
from tests.rigs.telegram_messages import TOPIC_COLOR, Chat
from tests.rigs.telegram_params import as_int
from tests.rigs.telegram_targets import Method, chat_of
from tests.rigs.telegram_world import World

_MAX_NAME = 128


def create_forum_topic(world: World, params: Json) -> Json:
    chat = _forum(world, params)
    if not chat.may_manage_topics:
        raise bad_request("not enough rights to create a topic")
    name = _name(params)
    if not name:
        raise bad_request("name must be non-empty")
    color = as_int(params.get("icon_color"), default=TOPIC_COLOR)
    return {"message_thread_id": world.open_topic(chat, name), "name": name, "icon_color": color}


def edit_forum_topic(world: World, params: Json) -> bool:
    chat = _forum(world, params)
    topic, name = _topic(chat, params), _name(params)
    if name == chat.topics[topic]:
        raise bad_request("TOPIC_NOT_MODIFIED")
    chat.topics[topic] = name or chat.topics[topic]
    world.on_change()
    return True


def delete_forum_topic(world: World, params: Json) -> bool:
    chat = _forum(world, params)
    chat.delete_topic(_topic(chat, params))
    world.on_change()
    return True


TOPIC_METHODS: dict[str, Method] = {
    "createforumtopic": create_forum_topic,
    "deleteforumtopic": delete_forum_topic,
    "editforumtopic": edit_forum_topic,
}


def _forum(world: World, params: Json) -> Chat:
    chat = chat_of(world, params)
    if not (chat.is_forum if chat.is_group else world.has_topics):
        raise bad_request("the chat is not a forum")
    return chat


def _topic(chat: Chat, params: Json) -> int:
    topic = as_int(params.get("message_thread_id"))
    if topic not in chat.topics:
        raise bad_request("TOPIC_ID_INVALID")
    return topic


def _name(params: Json) -> str:
    return str(params.get("name") or "").strip()[:_MAX_NAME]
