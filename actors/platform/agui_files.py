"""A person's files in the message itself, as AG-UI has no other way to any server; pure."""

from hashlib import sha256
from typing import Any

from actors.platform.agui_parts import part_of
from protocols.platform import Attachment, FailureKind, PlatformFailedError

Json = dict[str, Any]

MOST_INLINE_BYTES = 4 * 2**20
"""A larger file would make a request that no server takes."""


def parts_of(files: tuple[Attachment, ...]) -> list[Json]:
    """*files* as parts of a message, each behind its name: most agents show a model no metadata.

    It takes its time: large files are hashed.

    Raises:
        PlatformFailedError: One is too large, not what it says, or nowhere that others can see.
    """
    return [part for file in files for part in _named(file)]


def _named(file: Attachment) -> tuple[Json, Json]:
    if not _is_sound(file):
        raise PlatformFailedError(FailureKind.FILE_REFUSED, is_retryable=False)
    return {"type": "text", "text": file.name}, part_of(file)


def _is_sound(file: Attachment) -> bool:
    if file.mode != "binary":
        return file.mode == "url" and bool(file.location)
    if len(file.data) != file.size_bytes or file.size_bytes > MOST_INLINE_BYTES:
        return False
    return file.sha256 in {"", sha256(file.data).hexdigest()}
