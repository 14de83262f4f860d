"""What a sender says of a file, as far as it can be believed. Pure; never raises."""

import re
from typing import Any

from attrs import field, frozen

from actors.surfaces.shapes import is_number
from protocols.files import FileKind, RemoteFile

_MIME_TYPE = re.compile(r"[a-z0-9.+-]{1,64}/[a-z0-9.+-]{1,64}")
_LARGEST_SIZE = 2**52  # the Bot API: "at most 52 significant bits"; JSON's numbers end at 2**53
_LONGEST_NAME = 128
_LONGEST_SUFFIX = 16
_JOINERS = "\u200c\u200d"  # Persian words and emoji hold together by them
_SEPARATORS = str.maketrans("/\\", "__")


@frozen
class KnownKind:
    """How a file is shown, and what it is called and is where the sender does not say."""

    shown: FileKind
    name: str
    mime_type: str


@frozen
class Claims:
    """What the sender says; each may be anything."""

    name: Any = field(repr=False)
    mime_type: Any
    size: Any


def claimed_file(kind: KnownKind, claims: Claims, handle: str) -> RemoteFile:
    """The file behind *handle* with what is believed of it."""
    size = claims.size
    return RemoteFile(
        kind=kind.shown,
        name=file_name(claims.name) or kind.name,
        mime_type=_mime_type(claims.mime_type) or kind.mime_type,
        size_bytes=size if is_number(size) and 0 <= size <= _LARGEST_SIZE else None,
        handle=handle,
    )


def file_name(found: Any) -> str:
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


def _mime_type(found: Any) -> str:
    said = found.lower() if isinstance(found, str) else ""
    return said if _MIME_TYPE.fullmatch(said) else ""
