"""What a message, or an edit of one, means to us. Pure; never raises."""

from typing import Any

from attrs import frozen

from actors.surfaces.shapes import Json, is_number, table
from actors.telegram.incoming.addressing import Addressed, read_address
from actors.telegram.incoming.kinds import is_new
from actors.telegram.incoming.meaning import (
    ChatMoved,
    Decoded,
    Ignored,
    Part,
    Reader,
    unreadable,
)
from actors.telegram.incoming.media import media_in
from actors.telegram.incoming.origin import (
    Speaker,
    album_of,
    event_id_of,
    is_from_person,
    is_private,
    is_shared,
    message_id_in,
    room_of,
    speaker_of,
    trace_of,
)
from actors.telegram.incoming.quotes import with_quote
from actors.telegram.incoming.shapes import is_id
from actors.telegram.settings import GroupMode
from protocols.files import RemoteFile
from protocols.ids import RemoteId, RoomId
from protocols.journal import Arrival

_LATEST = 2**40  # a date beyond it is none


@frozen
class _Message:
    """The parts of a message that are always there.

    Args:
        edits: The message whose text this is from now on.
    """

    update_id: int
    raw: Json
    room: RoomId
    speaker: Speaker
    sent_at: float
    edits: RemoteId | None = None


def read_message(update_id: int, update: Json, reader: Reader) -> Decoded:
    """What a new message means."""
    raw = table(update["message"])
    if (move := _move_in(raw)) is not None:
        return move
    found = _known(update_id, update, reader, raw=raw, sent_at=raw.get("date"))
    return _content(found, reader) if isinstance(found, _Message) else found


def read_edit(update_id: int, update: Json, reader: Reader) -> Decoded:
    """What the new words of a message mean; everything else that may change in one does not."""
    raw = table(update["edited_message"])
    edited_at, edits = raw.get("edit_date", raw.get("date")), message_id_in(raw)
    found = _known(update_id, update, reader, raw=raw, sent_at=edited_at, edits=edits)
    if not isinstance(found, _Message):
        return found
    if not edits:
        return unreadable("an edit of no message", update)
    if not _words_of(raw):
        return Ignored("an edit without words")
    return _content(found, reader)


def _move_in(raw: Json) -> ChatMoved | None:
    """What Telegram says in the old chat, and once more in the new one."""
    chat_id = table(raw.get("chat")).get("id")
    new, old = raw.get("migrate_to_chat_id"), raw.get("migrate_from_chat_id")
    if is_id(chat_id) and is_id(new):
        return ChatMoved(chat_id, new)
    return ChatMoved(old, chat_id) if is_id(chat_id) and is_id(old) else None


def _known(
    update_id: int,
    update: Json,
    reader: Reader,
    *,
    raw: Json,
    sent_at: Any,
    edits: RemoteId | None = None,
) -> _Message | Decoded:
    """The message, where it is one that a person wrote."""
    room = room_of(raw, reader.aliases)
    if room is None:
        return unreadable("a message without its chat", update)
    if not is_from_person(raw):
        return Ignored("not from a person")
    speaker = speaker_of(raw, reader.aliases)
    if speaker is None:
        return unreadable("a message without its sender", update)
    if not (is_number(sent_at) and 0 <= sent_at < _LATEST):
        return unreadable("a message from no possible time", update)
    if not all(isinstance(raw.get(words) or "", str) for words in ("text", "caption")):
        return unreadable("a message whose text is none", update)
    return _Message(update_id, raw, room, speaker, float(sent_at), edits)


def _content(message: _Message, reader: Reader) -> Decoded:
    raw, text, media = message.raw, _words_of(message.raw), media_in(message.raw)
    is_empty = not (text or media.words or media.files)
    if is_empty and not (media.is_unread or (is_new(raw) and is_private(raw))):
        return Ignored("nothing that was said")
    entities = raw.get("entities" if raw.get("text") else "caption_entities")
    address = read_address(text, entities, reader.me)
    is_for_us = _is_for_us(message, address, reader)
    album = album_of(raw) if media.files and message.edits is None else None
    if not is_for_us and album is None:
        return Ignored("not for us")
    said = "\n\n".join(part for part in (address.text, media.words) if part)
    if is_empty:
        # Whoever sent it is told so as for any message without words: by the directory's rules.
        return _arrival(message, "", (), reader)
    files = media.files if said.startswith("/") else media.files + _pointed_at(raw, reader)
    arrival = _arrival(message, with_quote(said, raw), files, reader)
    if album is not None:
        return Part(album, arrival, is_for_us, address.is_to_another, bool(text))
    return arrival


def _pointed_at(raw: Json, reader: Reader) -> tuple[RemoteFile, ...]:
    """What a reply in a group is about, where it is a file of somebody else's.

    The agent has not seen it; in a private chat it has seen all.
    """
    replied = table(raw.get("reply_to_message"))
    is_ours = table(replied.get("from")).get("id") == reader.me.id
    return () if is_ours or is_private(raw) else media_in(replied).files


def _words_of(raw: Json) -> str:
    return raw.get("text") or raw.get("caption") or ""


def _is_for_us(message: _Message, address: Addressed, reader: Reader) -> bool:
    if address.is_to_another:
        return False
    if is_private(message.raw) or address.is_to_us or reader.group_mode is GroupMode.ALL:
        return True
    replied = table(message.raw.get("reply_to_message"))
    # Whatever is said in a topic is, for Telegram, a reply to the notice that opened it.
    is_in_topic_only = "forum_topic_created" in replied
    return table(replied.get("from")).get("id") == reader.me.id and not is_in_topic_only


def _arrival(
    message: _Message, text: str, files: tuple[RemoteFile, ...], reader: Reader
) -> Arrival:
    event_id, speaker = event_id_of(message.update_id), message.speaker
    return Arrival(
        event_id=event_id,
        room=message.room,
        sender=speaker.person,
        sender_name=speaker.name,
        text=text,
        sent_at=message.sent_at,
        trace=trace_of(event_id),
        is_backlog=message.sent_at < reader.backlog_before,
        message_id=message_id_in(message.raw),
        language=speaker.language,
        files=files,
        edits=message.edits,
        is_shared=is_shared(message.room, speaker.person),
    )
