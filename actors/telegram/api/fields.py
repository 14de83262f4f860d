"""The fields that requests are made of, as the Bot API names them. Pure."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from actors.telegram.api.keyboards import inline
from actors.telegram.text.markup import clean
from protocols.files import LocalFile
from protocols.journal import Keyboard

Entity = Mapping[str, Any]
"""One entity of a text, as the Bot API has it: ``{"type": "bold", "offset": 0, "length": 4}``."""

Fields = dict[str, Any]

_MIME_TYPE = re.compile(r"[\w.+-]{1,64}/[\w.+-]{1,64}", re.ASCII)


def place(chat_id: int, thread_id: int | None, reply_to: int | None = None) -> Fields:
    """Where a message goes; a message *reply_to* that is gone does not matter."""
    fields: Fields = {"chat_id": chat_id}
    if thread_id is not None:
        fields["message_thread_id"] = thread_id
    if reply_to is not None:
        fields["reply_parameters"] = {"message_id": reply_to, "allow_sending_without_reply": True}
    return fields


def words(text: str, entities: Sequence[Entity], keyboard: Keyboard = ()) -> Fields:
    """What a message says; without *keyboard* an edit takes the buttons away."""
    fields: Fields = {"text": text}
    if entities:
        fields["entities"] = entities
    if (markup := inline(keyboard)) is not None:
        fields["reply_markup"] = markup
    return fields


def album(files: Sequence[LocalFile]) -> Fields:
    """The pictures and videos of an album."""
    return {
        "media": [
            {"type": file.kind.value, "media": attached(number)}
            for number, file in enumerate(files)
        ]
    }


def attached(number: int) -> str:
    """The file with this *number* of an upload."""
    return f"attach://{number}"


def reaction(chat_id: int, message_id: int, emoji: str) -> Fields:
    """Our reaction on a message; empty for none."""
    found = [{"type": "emoji", "emoji": emoji}] if emoji else []
    return {"chat_id": chat_id, "message_id": message_id, "reaction": found}


def menu(commands: Mapping[str, str], scope: Mapping[str, Any], language: str) -> Fields:
    """The menu of whoever *scope* names and whose app speaks *language*."""
    listed = [{"command": name, "description": said} for name, said in commands.items()]
    return {"commands": listed, "scope": dict(scope), "language_code": language}


def file_name(file: LocalFile) -> str:
    """The name that *file* has in the chat."""
    return clean(file.name) or "file"


def mime_type(file: LocalFile) -> str:
    """What *file* is, such that it can stand in a header."""
    known = file.mime_type.partition(";")[0]
    return known if _MIME_TYPE.fullmatch(known) else "application/octet-stream"
