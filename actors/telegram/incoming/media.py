"""What a message holds beside its own text: files, and what can be said in words. Pure.

No file is fetched here, and no address that stands in a message is looked at.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from attrs import frozen

from actors.surfaces.claims import Claims, KnownKind, claimed_file, file_name
from actors.surfaces.shapes import Json, is_number, table
from actors.telegram.incoming.kinds import FILES, UNREAD, WORDLESS, is_sent
from actors.telegram.incoming.shapes import handle_in
from actors.telegram.incoming.wordless import words_for
from protocols.files import FileKind, RemoteFile

LARGEST_DOWNLOAD = 20 * 1024 * 1024
"""Bytes; the Bot API gives out no larger file."""

_LABELLED = (*FILES, *WORDLESS, *sorted(UNREAD))


_KINDS: Mapping[str, KnownKind] = MappingProxyType(
    {
        "animation": KnownKind(FileKind.VIDEO, "animation.mp4", "video/mp4"),
        "video": KnownKind(FileKind.VIDEO, "video.mp4", "video/mp4"),
        "video_note": KnownKind(FileKind.VIDEO, "video_note.mp4", "video/mp4"),
        "voice": KnownKind(FileKind.VOICE, "voice.ogg", "audio/ogg"),
        "audio": KnownKind(FileKind.AUDIO, "audio.mp3", "audio/mpeg"),
        "photo": KnownKind(FileKind.PHOTO, "photo.jpg", "image/jpeg"),
        "live_photo": KnownKind(FileKind.VIDEO, "live_photo.mp4", "video/mp4"),
        "sticker": KnownKind(FileKind.PHOTO, "sticker.webp", "image/webp"),
        "document": KnownKind(FileKind.DOCUMENT, "file", "application/octet-stream"),
    }
)


@frozen
class Media:
    """What a message holds beside its own text.

    Args:
        words: What is said without a text: ``Location: 52.52, 13.405``; empty for nothing.
        is_unread: There is something that we cannot read.
    """

    files: tuple[RemoteFile, ...] = ()
    words: str = ""
    is_unread: bool = False


def media_in(raw: Json) -> Media:
    """What the message *raw* holds."""
    found = (_file(kind, raw[kind]) for kind in FILES if kind in raw)
    file = next((one for one in found if one is not None), None)
    words = words_for(raw)
    is_read = file is not None or bool(words)
    return Media(() if file is None else (file,), words, is_unread=is_sent(raw) and not is_read)


def label_of(raw: Json) -> str:
    """A word for what the message *raw* holds, as in ``[photo]``; empty for nothing."""
    if words := words_for(raw):
        return words
    kind = next((kind for kind in _LABELLED if kind in raw), "")
    if not kind:
        return ""
    name = file_name(table(raw[kind]).get("file_name"))
    return f"[{kind.replace('_', ' ')}{' ' if name else ''}{name}]"


# Files.


def _file(kind: str, found: Any) -> RemoteFile | None:
    """The file, where it can be fetched."""
    raw = _best(found) if kind == "photo" else table(found)
    handle = handle_in(raw)
    if handle is None or (kind == "sticker" and not _is_picture(raw)):
        return None
    said = Claims(raw.get("file_name"), raw.get("mime_type"), raw.get("file_size"))
    return claimed_file(_KINDS[kind], said, handle)


def _best(sizes: Any) -> Json:
    """The largest of a photo's sizes that we can fetch; if there is none, the smallest."""
    found = [table(size) for size in sizes] if isinstance(sizes, list) else []
    known = sorted((size for size in found if handle_in(size)), key=_area)
    fitting = [size for size in known if _fits(size.get("file_size"))]
    return fitting[-1] if fitting else next(iter(known), {})


def _area(size: Json) -> int:
    width, height = size.get("width"), size.get("height")
    return width * height if is_number(width) and is_number(height) else 0


def _fits(size: Any) -> bool:
    return not is_number(size) or size <= LARGEST_DOWNLOAD


def _is_picture(sticker: Json) -> bool:
    return sticker.get("is_animated") is not True and sticker.get("is_video") is not True
