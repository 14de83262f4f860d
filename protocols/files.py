"""Files that come with a message, and files that the agent made."""

from enum import StrEnum

from attrs import field, frozen


class FileKind(StrEnum):
    """How a file is shown to people."""

    PHOTO = "photo"
    VIDEO = "video"
    AUDIO = "audio"
    VOICE = "voice"
    """Spoken words; played in place."""
    DOCUMENT = "document"
    """Anything else."""


@frozen
class RemoteFile:
    """A file that came with a message, as its surface names it; nothing of it is here yet.

    Args:
        handle: What the surface fetches it by: Telegram's ``file_id``, Matrix' ``mxc://…``.
        size_bytes: As the surface says; None where it does not.
    """

    kind: FileKind
    name: str = field(repr=False)
    mime_type: str
    size_bytes: int | None
    handle: str = field(repr=False)


@frozen
class LocalFile:
    """A file on this machine's disk, whole.

    Args:
        path: Absolute; its end may be a person's own name for the file.
        sha256: Of its content, 64 hexadecimal digits.
    """

    kind: FileKind
    name: str = field(repr=False)
    mime_type: str
    size_bytes: int
    path: str = field(repr=False)
    sha256: str


class Missing(StrEnum):
    """Why a file could not be fetched."""

    TOO_LARGE = "too large"
    GONE = "gone"
    """The surface does not have it any more, or does not give it."""
    UNREACHABLE = "unreachable"
    """The surface gave no good answer, several times."""
    NO_ROOM = "no room"
    """Our own disk does not take it."""


@frozen
class FileMissing:
    """The file could not be fetched.

    Args:
        limit_bytes: The largest that could be, where it is too large; else 0.
    """

    why: Missing
    limit_bytes: int = 0
