"""What a message holds beside its own text: files, and what can be said in words. Pure.

No file is fetched here, and no address that stands in a message is looked at.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from attrs import frozen

from actors.telegram.incoming.kinds import FILES, UNREAD, WORDLESS, is_sent
from actors.telegram.incoming.shapes import Json, handle_in, is_number, table
from actors.telegram.incoming.wordless import words_for
from protocols.files import FileKind, RemoteFile

LARGEST_DOWNLOAD = 20 * 1024 * 1024
"""Bytes; the Bot API gives out no larger file."""

_LARGEST_SIZE = 2**52  # the Bot API: "at most 52 significant bits"
_LONGEST_NAME = 128
_LONGEST_SUFFIX = 16
_MIME_TYPE = re.compile(r"[a-z0-9.+-]{1,64}/[a-z0-9.+-]{1,64}")
_JOINERS = "\u200c\u200d"  # Persian words and emoji hold together by them
_LABELLED = (*FILES, *WORDLESS, *sorted(UNREAD))
_SEPARATORS = str.maketrans("/\\", "__")


@frozen
class _FileKind:
    """How a file is shown, and what it is called and is where the sender does not say."""

    shown: FileKind
    name: str
    mime_type: str


_KINDS: Mapping[str, _FileKind] = MappingProxyType(
    {
        "animation": _FileKind(FileKind.VIDEO, "animation.mp4", "video/mp4"),
        "video": _FileKind(FileKind.VIDEO, "video.mp4", "video/mp4"),
        "video_note": _FileKind(FileKind.VIDEO, "video_note.mp4", "video/mp4"),
        "voice": _FileKind(FileKind.VOICE, "voice.ogg", "audio/ogg"),
        "audio": _FileKind(FileKind.AUDIO, "audio.mp3", "audio/mpeg"),
        "photo": _FileKind(FileKind.PHOTO, "photo.jpg", "image/jpeg"),
        "live_photo": _FileKind(FileKind.VIDEO, "live_photo.mp4", "video/mp4"),
        "sticker": _FileKind(FileKind.PHOTO, "sticker.webp", "image/webp"),
        "document": _FileKind(FileKind.DOCUMENT, "file", "application/octet-stream"),
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
    name = _file_name(table(raw[kind]).get("file_name"))
    return f"[{kind.replace('_', ' ')}{' ' if name else ''}{name}]"


# Files.


def _file(kind: str, found: Any) -> RemoteFile | None:
    """The file, where it can be fetched."""
    raw = _best(found) if kind == "photo" else table(found)
    handle = handle_in(raw)
    if handle is None or (kind == "sticker" and not _is_picture(raw)):
        return None
    known, size = _KINDS[kind], raw.get("file_size")
    return RemoteFile(
        kind=known.shown,
        name=_file_name(raw.get("file_name")) or known.name,
        mime_type=_mime_type(raw.get("mime_type")) or known.mime_type,
        size_bytes=size if is_number(size) and 0 <= size <= _LARGEST_SIZE else None,
        handle=handle,
    )


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


def _mime_type(found: Any) -> str:
    # Whoever sent the file says what it is.
    said = found.lower() if isinstance(found, str) else ""
    return said if _MIME_TYPE.fullmatch(said) else ""


def _file_name(found: Any) -> str:
    """The sender's own name for a file, as one that a disk takes; empty for none."""
    if not isinstance(found, str):
        return ""
    shown = (char for char in found if char.isprintable() or char in _JOINERS)
    name = "".join(shown).translate(_SEPARATORS).strip()
    if not name.strip("._ "):
        return ""
    stem, dot, suffix = name.rpartition(".")
    if len(name) <= _LONGEST_NAME or not dot or len(suffix) > _LONGEST_SUFFIX:
        return name[:_LONGEST_NAME]
    return f"{stem[: _LONGEST_NAME - len(suffix) - 1]}.{suffix}"
