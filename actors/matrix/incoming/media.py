"""What a message holds beside its own words: a file, a place. Pure; never raises.

No file is fetched here. One in an encrypted room is encrypted itself, and its key stands in the
event: the handle holds both.
"""

import json
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from attrs import field, frozen

from actors.matrix.incoming.shapes import on_one_line
from actors.surfaces.claims import Claims, KnownKind, claimed_file
from actors.surfaces.shapes import Json, table, text_in
from protocols.files import FileKind, LocalFile, RemoteFile

_MXC = re.compile(r"mxc://[!-.0-~]{1,255}/[A-Za-z0-9_~.=-]{1,255}")
_GEO = re.compile(
    r"geo:(-?[0-9]{1,3}(?:\.[0-9]{1,20})?),(-?[0-9]{1,3}(?:\.[0-9]{1,20})?)(?![0-9.])"
)
_KEY_PARTS = ("alg", "ext", "k", "key_ops", "kty")
_LONGEST_KEY_PART = 256
_LONGEST_WORDS = 256


_VOICE = KnownKind(FileKind.VOICE, "voice.ogg", "audio/ogg")
_STICKER = KnownKind(FileKind.PHOTO, "sticker.png", "image/png")

_KINDS: Mapping[str, KnownKind] = MappingProxyType(
    {
        "m.image": KnownKind(FileKind.PHOTO, "photo.jpg", "image/jpeg"),
        "m.video": KnownKind(FileKind.VIDEO, "video.mp4", "video/mp4"),
        "m.audio": KnownKind(FileKind.AUDIO, "audio.mp3", "audio/mpeg"),
        "m.voice": _VOICE,
        "m.file": KnownKind(FileKind.DOCUMENT, "file", "application/octet-stream"),
    }
)
_SPOKEN = ("org.matrix.msc3245.voice", "m.voice")


@frozen
class Media:
    """What a message holds beside its own text.

    Args:
        words: What is said without a text: ``Location: 52.52, 13.405``; empty for nothing.
        caption: The words below a file.
    """

    files: tuple[RemoteFile, ...] = ()
    words: str = field(repr=False, default="")
    caption: str = field(repr=False, default="")


def media_in(content: Json) -> Media:
    """What a message with *content* holds."""
    msgtype = content.get("msgtype")
    if msgtype == "m.location":
        return Media(words=_location(content))
    known = _KINDS.get(msgtype) if isinstance(msgtype, str) else None
    if known is None:
        return Media()
    if known.shown is FileKind.AUDIO and any(key in content for key in _SPOKEN):
        known = _VOICE
    body, name = text_in(content.get("body")), text_in(content.get("filename"))
    # Where both are there and differ, the body is a caption; else it is the name.
    has_caption = bool(name) and body not in ("", name)
    file = _file(known, content, name or body)
    return Media(() if file is None else (file,), caption=body if has_caption else "")


def sticker_in(content: Json) -> Media:
    """What a sticker with *content* is."""
    file = _file(_STICKER, content, "")
    said = on_one_line(content.get("body"), longest=_LONGEST_WORDS)
    words = f"Sticker: {said}" if said else "Sticker" if file else ""
    return Media(() if file is None else (file,), words)


def label_of(file: RemoteFile | LocalFile) -> str:
    """A word for *file*, as in ``[photo cat.png]``."""
    return f"[{file.kind.value} {file.name}]"


# Files.


def _file(known: KnownKind, content: Json, name: str) -> RemoteFile | None:
    """The file, where it can be fetched."""
    sealed = content.get("file")
    handle = _plain(content.get("url")) if sealed is None else _encrypted(table(sealed))
    if not handle:
        return None
    info = table(content.get("info"))
    return claimed_file(known, Claims(name, info.get("mimetype"), info.get("size")), handle)


def _plain(url: Any) -> str:
    return url if isinstance(url, str) and _MXC.fullmatch(url) else ""


def _encrypted(file: Json) -> str:
    """The parts of an ``EncryptedFile`` that are needed to read it, as JSON."""
    url, key, hashes = _plain(file.get("url")), table(file.get("key")), table(file.get("hashes"))
    needed = (key.get("k"), file.get("iv"), hashes.get("sha256"))
    if not url or not all(_is_key_part(part) for part in needed):
        return ""
    parts = {
        "url": url,
        "v": "v2",
        "key": {name: key[name] for name in _KEY_PARTS if _is_key_field(key.get(name))},
        "iv": file["iv"],
        "hashes": {"sha256": hashes["sha256"]},
    }
    return json.dumps(parts, sort_keys=True)


def _is_key_part(found: Any) -> bool:
    return isinstance(found, str) and found.isascii() and 0 < len(found) <= _LONGEST_KEY_PART


def _is_key_field(found: Any) -> bool:
    if isinstance(found, list):
        return len(found) <= len(_KEY_PARTS) and all(_is_key_part(part) for part in found)
    return found is True or found is False or _is_key_part(found)


# Places.


def _location(content: Json) -> str:
    extensible = table(content.get("org.matrix.msc3488.location"))
    uris = (content.get("geo_uri"), extensible.get("uri"))
    return next((words for uri in uris if (words := _place(uri))), "")


def _place(uri: Any) -> str:
    found = _GEO.match(uri) if isinstance(uri, str) else None
    if found is None:
        return ""
    latitude, longitude = float(found[1]), float(found[2])
    if abs(latitude) > 90 or abs(longitude) > 180:  # noqa: PLR2004  # degrees
        return ""
    return f"Location: {_degrees(latitude)}, {_degrees(longitude)}"


def _degrees(angle: float) -> str:
    return f"{angle:.6f}".rstrip("0").rstrip(".")
