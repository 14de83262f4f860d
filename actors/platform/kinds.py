"""How a file of the agent is shown and called; pure."""

import re
import unicodedata

from protocols.files import FileKind

LONGEST_NAME = 128
_LONGEST_ENDING = 16
_NAMELESS = "file"
_SEPARATORS = re.compile(r"[/\\]")
_UNWANTED = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069\ufeff]")
"""Control characters, halves of characters, and what turns the direction of reading around."""

_MIME_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,63}/[a-z0-9][a-z0-9!#$&^_.+-]{0,63}")
"""RFC 6838, 4.2; half as long."""

_KINDS = {
    "image/svg+xml": FileKind.DOCUMENT,  # a drawing program: no surface shows it as a picture
    "audio/ogg": FileKind.VOICE,
    "image": FileKind.PHOTO,
    "audio": FileKind.AUDIO,
    "video": FileKind.VIDEO,
}


def mime_type_of(said: str) -> str:
    """The type that *said* names, without its parameters; anything else is just bytes."""
    whole = said.partition(";")[0].strip().lower()
    return whole if _MIME_TYPE.fullmatch(whole) else "application/octet-stream"


def kind_of(mime_type: str) -> FileKind:
    """How a file of *mime_type* is shown."""
    whole = mime_type_of(mime_type)
    family = whole.partition("/")[0]
    return _KINDS.get(whole) or _KINDS.get(family, FileKind.DOCUMENT)


def file_name(name: str) -> str:
    """*name* as one line of at most 128 characters that names no folder; never empty.

    A name that is cut keeps its ending: people and programs go by it.
    """
    line = " ".join(_UNWANTED.sub("", _SEPARATORS.sub("_", " ".join(name.split()))).split())
    if not any(char != "." and unicodedata.category(char)[0] not in "ZC" for char in line):
        return _NAMELESS
    if len(line) <= LONGEST_NAME:
        return line
    stem, point, ending = line.rpartition(".")
    if not stem or len(ending) > _LONGEST_ENDING:
        return _cut(line, LONGEST_NAME)
    return _cut(stem, LONGEST_NAME - len(ending) - 1) + point + ending


def _cut(text: str, length: int) -> str:
    return text[:length].rstrip()
