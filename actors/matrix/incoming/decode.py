"""Reads one event of a room: what it means to us as far as it alone tells. Pure.

Nothing here raises: a server may answer anything, and one event that cannot be read must not
keep the others back.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from actors.matrix.incoming.meaning import (
    Decoded,
    Origin,
    OwnDraft,
    Reacted,
    Said,
    TakenBack,
    Unreadable,
)
from actors.matrix.incoming.media import media_in, sticker_in
from actors.matrix.incoming.mentions import Me, mentions_of, read_address
from actors.matrix.incoming.relations import (
    is_edit,
    own_words,
    reaction_in,
    redacted_by,
    relation_of,
)
from actors.matrix.incoming.shapes import is_name, is_redacted, is_time_ms, written
from actors.matrix.txns import drafted_row
from actors.surfaces.shapes import Json, table, text_in
from protocols.files import RemoteFile
from protocols.ids import EventId

_TEXTS = frozenset({"m.text", "m.emote"})
_SILENT = frozenset({"m.notice", "m.server_notice", "m.key.verification.request"})


def decode(event: Json, *, me: Me, names: Mapping[str, str]) -> Decoded:
    """What *event* means to us; *names* are the display names of those who wrote.

    One that was encrypted is read here once it is opened, but for our own.
    """
    kind = event.get("type")
    read = _KINDS.get(kind) if isinstance(kind, str) else None
    if read is None or "state_key" in event or is_redacted(event):
        return None
    if event.get("sender") == me.user_id:
        return _own_draft(event)
    origin = _origin(event, names)
    if isinstance(origin, Origin):
        return read(event, origin, me)
    return _unless_silent(event, origin)


def _unless_silent(event: Json, reason: str) -> Decoded:
    """What nobody could have meant as a message is nothing, even where it is broken."""
    return None if event["type"] in _WORDLESS else Unreadable(reason, written(event))


def _own_draft(event: Json) -> OwnDraft | None:
    txn = text_in(table(event.get("unsigned")).get("transaction_id"))
    row, event_id = drafted_row(txn), event.get("event_id")
    if row is None or not is_name(event_id, "$"):
        return None
    return OwnDraft(row, txn, event_id)


def _origin(event: Json, names: Mapping[str, str]) -> Origin | str:
    """Where *event* comes from; what is wrong with it otherwise."""
    event_id, sender = event.get("event_id"), event.get("sender")
    if not (is_name(event_id, "$") and is_name(sender, "@")):
        return "an event without its id or sender"
    sent_at_ms = event.get("origin_server_ts")
    if not is_time_ms(sent_at_ms):
        return "a message from no possible time"
    name = names.get(sender) or sender[1:].partition(":")[0]
    return Origin(EventId(event_id), sender, name, sent_at_ms / 1000)


def _message(event: Json, origin: Origin, me: Me) -> Decoded:
    outer = table(event.get("content"))
    relation = relation_of(outer)
    content = mentions_of(outer, table(outer.get("m.new_content"))) if is_edit(outer) else outer
    if fault := _fault(content):
        return None if is_edit(outer) else Unreadable(fault, written(event))
    if content["msgtype"] in _SILENT or (is_edit(outer) and not relation.edits):
        return None
    media = media_in(content)
    is_text = content["msgtype"] in _TEXTS
    body = own_words(text_in(content["body"]), content) if is_text else media.caption
    address = read_address(body, content, me)
    return Said(
        origin=origin,
        text="\n\n".join(part for part in (address.text, media.words) if part),
        files=media.files,
        reply_to=relation.reply_to,
        thread=relation.thread,
        edits=relation.edits,
        is_to_us=address.is_to_us,
    )


def _fault(content: Json) -> str:
    """What is wrong with a message of *content*; empty for nothing."""
    is_whole = isinstance(content.get("msgtype"), str) and isinstance(content.get("body"), str)
    return "" if is_whole else "a message without its kind or text"


def _sticker(event: Json, origin: Origin, me: Me) -> Decoded:
    content = table(event.get("content"))
    media = sticker_in(content)
    return _wordless(content, origin, me, words=media.words, files=media.files)


def _poll(event: Json, origin: Origin, me: Me) -> Decoded:
    # Whoever sent it is told as for any message without words: by the directory's rules.
    return _wordless(table(event.get("content")), origin, me)


def _wordless(
    content: Json,
    origin: Origin,
    me: Me,
    *,
    words: str = "",
    files: tuple[RemoteFile, ...] = (),
) -> Said:
    relation, address = relation_of(content), read_address("", content, me)
    return Said(
        origin=origin,
        text=words,
        files=files,
        reply_to=relation.reply_to,
        thread=relation.thread,
        is_to_us=address.is_to_us,
    )


def _reaction(event: Json, origin: Origin, _me: Me) -> Decoded:
    found = reaction_in(table(event.get("content")))
    return None if found is None else Reacted(origin, *found)


def _redaction(event: Json, origin: Origin, _me: Me) -> Decoded:
    target = redacted_by(event)
    return TakenBack(origin, target) if target else None


def _nothing(_event: Json, _origin: Origin, _me: Me) -> Decoded:
    """One of somebody else's that was not opened."""
    return None


_KINDS: Mapping[Any, Callable[[Json, Origin, Me], Decoded]] = MappingProxyType(
    {
        "m.room.message": _message,
        "m.sticker": _sticker,
        "m.poll.start": _poll,
        "org.matrix.msc3381.poll.start": _poll,
        "m.reaction": _reaction,
        "m.room.redaction": _redaction,
        "m.room.encrypted": _nothing,
    }
)
_WORDLESS = frozenset({"m.reaction", "m.room.redaction", "m.room.encrypted"})

SEALABLE = frozenset(_KINDS) - {"m.room.redaction", "m.room.encrypted"}
"""What may be in an encrypted event: nothing that a server has to see, such as a redaction."""
