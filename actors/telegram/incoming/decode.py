"""Reads what Telegram says: one raw update in, an arrival or what else it means to us out. Pure.

Nothing here raises, on no JSON: one update that cannot be read must not keep the others back.
Only fields that we need are looked at, so that new ones and new kinds change nothing.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from actors.surfaces.shapes import Json, is_number, table
from actors.telegram.incoming.meaning import ChatLost, Decoded, Ignored, Reader, unreadable
from actors.telegram.incoming.messages import read_edit, read_message
from actors.telegram.incoming.origin import is_private, room_id
from actors.telegram.incoming.pressed import read_press, read_stop
from actors.telegram.incoming.shapes import is_id

_LARGEST_UPDATE_ID = 2**31 - 2  # an offset is a 32-bit number, and one more than it


def update_id(update: Any) -> int | None:
    """The number of *update*; None where it has none that can be confirmed."""
    found = table(update).get("update_id")
    return found if is_number(found) and 0 <= found <= _LARGEST_UPDATE_ID else None


def decode(update: Any, reader: Reader) -> Decoded:
    """What *update* means to us."""
    number, found = update_id(update), table(update)
    if number is None:
        return unreadable("an update without its number", update)
    for kind, read in _KINDS.items():
        if found.get(kind) is not None:
            return read(number, found, reader)
    return Ignored("another kind of update")


def _membership(_update_id: int, update: Json, reader: Reader) -> Decoded:
    change = table(update["my_chat_member"])
    chat, member = table(change.get("chat")), table(change.get("new_chat_member"))
    chat_id, status = chat.get("id"), member.get("status")
    if not (is_id(chat_id) and isinstance(status, str)):
        return unreadable("a membership without its chat or status", update)
    if reader.aliases.has_moved(chat_id):
        return Ignored("a membership in a group that goes on under another id")
    if status in {"kicked", "left"} or member.get("is_member") is False:
        was_private = is_private(change)
        reason = "the person blocked the bot" if was_private else "the bot is not in the group"
        return ChatLost(room_id(reader.aliases.oldest(chat_id)), reason)
    return Ignored("a membership that lets us write")


_KINDS: Mapping[str, Callable[[int, Json, Reader], Decoded]] = MappingProxyType(
    {
        "message": read_message,
        "edited_message": read_edit,
        "callback_query": read_press,
        "my_chat_member": _membership,
        "stopped_message_generation": read_stop,
    }
)

ALLOWED_UPDATES = tuple(_KINDS)
"""What we read, and so what we ask Telegram for."""
