"""Where an update comes from, and from whom, in the names that the other actors use. Pure."""

import re
from hashlib import sha256
from typing import Any

from attrs import evolve, frozen

from actors.surfaces.shapes import Json, table, text_in
from actors.telegram.incoming.aliases import Aliases
from actors.telegram.incoming.shapes import is_id
from protocols.ids import (
    TELEGRAM,
    EventId,
    Language,
    PersonId,
    RemoteId,
    RoomId,
    TraceId,
    native_id,
)

_LONGEST_NAME = 128
_LONGEST_GROUP_ID = 128
_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,3}")
_GENERAL = 1  # the topic that every forum has


@frozen
class Speaker:
    """Who did something, as their app says it."""

    id: int
    name: str
    language: Language

    @property
    def person(self) -> PersonId:
        """The person as the other actors call them."""
        return PersonId(f"telegram:{self.id}")


@frozen
class Album:
    """What the parts of one album have in common: its own id, unique within the chat."""

    chat_id: int
    group_id: str


def album_of(message: Json) -> Album | None:
    """The album that *message* is a part of; None for a single message."""
    chat_id, group_id = table(message.get("chat")).get("id"), message.get("media_group_id")
    if not is_id(chat_id) or not isinstance(group_id, str):
        return None
    return Album(chat_id, group_id) if 0 < len(group_id) <= _LONGEST_GROUP_ID else None


def room_id(chat_id: int, thread_id: int | None = None) -> RoomId:
    """A chat, or one topic of it, as the other actors call it."""
    topic = "" if thread_id is None else f"/{thread_id}"
    return RoomId(f"telegram/{chat_id}{topic}")


def room_of(message: Json, aliases: Aliases) -> RoomId | None:
    """The room that *message* stands in; None for one without a chat."""
    chat_id = table(message.get("chat")).get("id")
    return room_id(aliases.oldest(chat_id), _topic_of(message)) if is_id(chat_id) else None


def _topic_of(message: Json) -> int | None:
    # In a group without topics a thread is only a chain of replies.
    thread_id = message.get("message_thread_id")
    if message.get("is_topic_message") is not True or not is_id(thread_id):
        return None
    # Into a forum's General topic Telegram takes nothing that names the topic.
    is_general = thread_id == _GENERAL and not is_private(message)
    return None if is_general else thread_id


def is_shared(room: RoomId, person: PersonId) -> bool:
    """Whether others may read in *room* what *person* is told there.

    All rooms are shared but a person's own: that chat and its topics have the person's id,
    ``telegram/42`` and ``telegram/42/7`` for ``telegram:42``.
    """
    chat, _, _ = native_id(room).partition("/")
    # A group that speaks for itself has its own id, which is negative.
    return chat.startswith("-") or person != f"{TELEGRAM}:{chat}"


def is_private(message: Json) -> bool:
    """Whether *message* stands in a person's own chat with the bot."""
    return table(message.get("chat")).get("type") == "private"


def speaker_in(user: Json) -> Speaker | None:
    """The person, or the chat, that *user* is; None for one without an id."""
    user_id = user.get("id")
    if not is_id(user_id):
        return None
    language = _LANGUAGE.fullmatch(text_in(user.get("language_code")))
    return Speaker(user_id, _name_of(user), Language(language[0] if language else ""))


def is_from_person(message: Json) -> bool:
    """Whether somebody wrote *message*: no bot, no channel, and no other chat's post."""
    is_channel = table(message.get("chat")).get("type") == "channel"
    if is_channel or "from" not in message or message.get("is_automatic_forward") is True:
        return False
    # For somebody who speaks as a chat, Telegram names a bot of its own.
    return _speaks_as_chat(message) or table(message["from"]).get("is_bot") is not True


def speaker_of(message: Json, aliases: Aliases) -> Speaker | None:
    """Who wrote *message*; an anonymous admin speaks as the group, others may as a channel.

    Such a speaker presses buttons as the person that they are, and Telegram tells nobody who that
    is. So the buttons below what was asked as a chat are not theirs: to give them to whoever
    presses would give them to all. A command, written as the chat again, does the same.
    """
    if not _speaks_as_chat(message):
        return speaker_in(table(message.get("from")))
    chat = speaker_in(table(message["sender_chat"]))
    return None if chat is None else evolve(chat, id=aliases.oldest(chat.id))


def _speaks_as_chat(message: Json) -> bool:
    return message.get("sender_chat") is not None


def message_id_in(message: Json) -> RemoteId:
    """What Telegram calls *message*; empty where it cannot be pointed at."""
    found = message.get("message_id")
    return RemoteId(str(found) if is_id(found) and found > 0 else "")


def event_id_of(update_id: int) -> EventId:
    """What the journal calls an update."""
    return EventId(str(update_id))


def trace_of(event_id: EventId) -> TraceId:
    """What ties the log lines of one update together."""
    return TraceId(sha256(f"telegram:{event_id}".encode()).hexdigest()[:32])


def _name_of(user: Json) -> str:
    parts = (user.get("first_name"), user.get("last_name"))
    full = " ".join(part for part in parts if isinstance(part, str)).strip()
    known = full or _text(user.get("title")) or _text(user.get("username"))
    return text_in(known[:_LONGEST_NAME]) or str(user["id"])


def _text(found: Any) -> str:
    return found if isinstance(found, str) else ""
