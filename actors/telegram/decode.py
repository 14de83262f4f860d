"""Reads what Telegram says: one raw update in, an arrival or what else it means to us out.

Nothing here raises, on no JSON: one update that cannot be read must not keep the others back.
Only fields that we need are looked at, so that new ones and new kinds change nothing.
"""

import json
from hashlib import sha256
from typing import Any, TypeGuard

from attrs import field, frozen

from actors.telegram.addressing import Addressed, clean, read_address
from actors.telegram.outcomes import Me
from actors.telegram.settings import GroupMode
from protocols.ids import EventId, PersonId, RoomId, TraceId
from protocols.store import Arrival

Json = dict[str, Any]

_LATEST = 2**40  # a date beyond it is none
_LARGEST_ID = 2**52  # the Bot API: "at most 52 significant bits"
_LARGEST_UPDATE_ID = 2**31 - 2  # an offset is a 32-bit number, and one more than it
_LONGEST_QUOTE = 1000
_LONGEST_NAME = 128
_MEDIA = frozenset({
    "animation", "audio", "checklist", "contact", "dice", "document", "game", "giveaway",
    "invoice", "live_photo", "location", "paid_media", "photo", "poll", "rich_message", "sticker",
    "story", "venue", "video", "video_note", "voice",
})  # fmt: skip


@frozen
class Unreadable:
    """An update that is not what the Bot API says; *body* is the update itself."""

    reason: str
    body: str = field(repr=False)


@frozen
class NotText:
    """Something that we cannot read yet, a picture or a file.

    Args:
        album: What the parts of one album have in common; empty for a single thing.
        caption: The words that came with it.
    """

    room: RoomId
    album: str = ""
    caption: Arrival | None = None


@frozen
class ChatLost:
    """We were thrown out, or the person blocked us."""

    room: RoomId
    reason: str


@frozen
class ChatMoved:
    """A group has become a supergroup, and has a new id."""

    old_id: int
    new_id: int


@frozen
class Pressed:
    """Somebody pressed a button, and their app waits for an answer."""

    callback_id: str


@frozen
class Ignored:
    """Nothing to us; *why* is for the log."""

    why: str


Decoded = Arrival | NotText | Unreadable | ChatLost | ChatMoved | Pressed | Ignored


@frozen
class Reader:
    """What must be known to read an update.

    Args:
        backlog_before: Seconds since the epoch: what was sent earlier was waiting for us.
    """

    me: Me
    group_mode: GroupMode
    backlog_before: float = 0.0


@frozen
class _Message:
    """The parts of a message that are always there."""

    update_id: int
    raw: Json
    chat_id: int
    is_private: bool
    room: RoomId
    sender_id: int
    sender_name: str
    date: int


def update_id(update: Any) -> int | None:
    """The number of *update*; None where it has none that can be confirmed."""
    found = _table(update).get("update_id")
    return found if _is_number(found) and 0 <= found <= _LARGEST_UPDATE_ID else None


def room_id(chat_id: int, thread_id: int | None = None) -> RoomId:
    """A chat, or one topic of it, as the other actors call it."""
    topic = "" if thread_id is None else f"/{thread_id}"
    return RoomId(f"telegram/{chat_id}{topic}")


def person_id(user_id: int) -> PersonId:
    """The person as the other actors call them."""
    return PersonId(f"telegram:{user_id}")


def decode(update: Any, reader: Reader) -> Decoded:
    """What *update* means to us."""
    number, found = update_id(update), _table(update)
    if number is None:
        return _unreadable("an update without its number", update)
    if "message" in found:
        return _message(number, update, reader)
    if "my_chat_member" in found:
        return _membership(update)
    if "callback_query" in found:
        callback_id = _table(found["callback_query"]).get("id")
        if isinstance(callback_id, str):
            return Pressed(clean(callback_id))
        return _unreadable("a callback without its id", update)
    return Ignored("another kind of update")


def _message(number: int, update: Json, reader: Reader) -> Decoded:
    raw = _table(update["message"])
    chat, sender = _table(raw.get("chat")), _table(raw.get("from"))
    chat_id, moved_to = chat.get("id"), raw.get("migrate_to_chat_id")
    if not _is_id(chat_id):
        return _unreadable("a message without its chat", update)
    if _is_id(moved_to):
        return ChatMoved(chat_id, moved_to)
    if sender.get("is_bot") is True or chat.get("type") == "channel" or "from" not in raw:
        return Ignored("not from a person")
    if fault := _fault(raw, sender):
        return _unreadable(fault, update)
    message = _Message(
        update_id=number,
        raw=raw,
        chat_id=chat_id,
        is_private=chat.get("type") == "private",
        room=room_id(chat_id, _topic_of(raw)),
        sender_id=sender["id"],
        sender_name=_name_of(sender),
        date=raw["date"],
    )
    return _content(message, reader)


def _content(message: _Message, reader: Reader) -> Decoded:
    raw = message.raw
    is_media = bool(_MEDIA & raw.keys())
    words, entities = ("caption", "caption_entities") if is_media else ("text", "entities")
    text = raw.get(words) or ""
    if not text and not is_media:
        return Ignored("nothing that was said")
    address = read_address(text, raw.get(entities), reader.me)
    if not _is_for_us(message, address, reader):
        return Ignored("not for us")
    arrival = _arrival(message, address.text, reader) if text else None
    if is_media or arrival is None:
        return NotText(message.room, clean(str(raw.get("media_group_id", ""))), arrival)
    return arrival


def _is_for_us(message: _Message, address: Addressed, reader: Reader) -> bool:
    if address.is_to_another:
        return False
    if message.is_private or address.is_to_us or reader.group_mode is GroupMode.ALL:
        return True
    replied = _table(message.raw.get("reply_to_message"))
    # Whatever is said in a topic is, for Telegram, a reply to the notice that opened it.
    is_in_topic_only = "forum_topic_created" in replied
    return _table(replied.get("from")).get("id") == reader.me.id and not is_in_topic_only


def _arrival(message: _Message, text: str, reader: Reader) -> Arrival:
    event_id = EventId(str(message.update_id))
    return Arrival(
        event_id=event_id,
        room=message.room,
        sender=person_id(message.sender_id),
        sender_name=message.sender_name,
        text=_with_quote(text, message.raw),
        sent_at=float(message.date),
        trace=TraceId(sha256(f"telegram:{event_id}".encode()).hexdigest()[:32]),
        is_backlog=message.date < reader.backlog_before,
    )


def _with_quote(text: str, raw: Json) -> str:
    """*text* behind what it replies to, as a quotation in Markdown; a command stays alone."""
    replied = _table(raw.get("reply_to_message"))
    sources = (_table(raw.get("quote")).get("text"), replied.get("text"), replied.get("caption"))
    quoted = next((clean(found) for found in sources if isinstance(found, str) and found), "")
    if not quoted or text.startswith("/"):
        return text
    if len(quoted) > _LONGEST_QUOTE:
        quoted = f"{quoted[:_LONGEST_QUOTE]}…"
    lines = "\n".join(f"> {line}".rstrip() for line in quoted.split("\n"))
    return f"{lines}\n\n{text}"


def _membership(update: Json) -> Decoded:
    change = _table(update["my_chat_member"])
    chat, member = _table(change.get("chat")), _table(change.get("new_chat_member"))
    chat_id, status = chat.get("id"), member.get("status")
    if not (_is_id(chat_id) and isinstance(status, str)):
        return _unreadable("a membership without its chat or status", update)
    if status in {"kicked", "left"} or member.get("is_member") is False:
        is_private = chat.get("type") == "private"
        reason = "the person blocked the bot" if is_private else "the bot is not in the group"
        return ChatLost(room_id(chat_id), reason)
    return Ignored("a membership that lets us write")


def _fault(raw: Json, sender: Json) -> str:
    """What is wrong with a message; empty for nothing."""
    date = raw.get("date")
    if not _is_id(sender.get("id")):
        return "a message without its sender"
    if not (_is_number(date) and 0 <= date < _LATEST):
        return "a message from no possible time"
    if not all(isinstance(raw.get(words, ""), str) for words in ("text", "caption")):
        return "a message whose text is none"
    return ""


def _topic_of(raw: Json) -> int | None:
    # In a group without topics a thread is only a chain of replies.
    thread_id = raw.get("message_thread_id")
    return thread_id if raw.get("is_topic_message") is True and _is_id(thread_id) else None


def _name_of(sender: Json) -> str:
    parts = (sender.get("first_name"), sender.get("last_name"))
    full = " ".join(part for part in parts if isinstance(part, str)).strip()
    username = sender.get("username")
    known = full or (username if isinstance(username, str) else "")
    return clean(known[:_LONGEST_NAME]) or str(sender["id"])


def _unreadable(reason: str, update: Any) -> Unreadable:
    try:
        body = json.dumps(update)
    except (TypeError, ValueError, RecursionError):
        body = ""
    return Unreadable(reason, body)


def _is_id(found: Any) -> TypeGuard[int]:
    return _is_number(found) and 0 < abs(found) <= _LARGEST_ID


def _is_number(found: Any) -> TypeGuard[int]:
    return isinstance(found, int) and not isinstance(found, bool)


def _table(found: Any) -> Json:
    return found if isinstance(found, dict) else {}
