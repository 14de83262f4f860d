"""Files of a person on their way to the agent."""

import errno
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

import structlog
import trio

from protocols.files import LocalFile
from protocols.platform import Attachment, FailureKind, PlatformFailedError

log = structlog.get_logger("platform.files")

Attach = Callable[[LocalFile], Attachment]
"""Makes of a file what a platform takes; it may block. Raises ``OSError``."""


class FileChangedError(OSError):
    """A file is not as long as it was when it came."""

    def __init__(self) -> None:
        super().__init__(errno.ESTALE, "it has changed its size")


def with_content(file: LocalFile) -> Attachment:
    """*file* with its whole content in memory."""
    with Path(file.path).open("rb") as opened:
        content = opened.read(file.size_bytes + 1)  # one more shows that it has grown
    if len(content) != file.size_bytes:
        raise FileChangedError
    return Attachment(file.name, file.mime_type, file.size_bytes, data=content, sha256=file.sha256)


ATTACH: Mapping[str, Attach] = MappingProxyType({"mock": with_content})
"""How files go to the agent, by the name that ``PLATFORM_MODE`` gives."""


async def attached(files: tuple[LocalFile, ...], attach: Attach) -> tuple[Attachment, ...]:
    """*files* for one request, made now, so that nothing large is held while a turn waits.

    Raises:
        PlatformFailedError: One is not there any more, or is not what it was.
    """
    if not files:
        return ()
    try:
        return await trio.to_thread.run_sync(_all, files, attach, abandon_on_cancel=True)
    except OSError as error:
        log.warning("file.lost", reason=error.strerror)  # its text names the file
        raise PlatformFailedError(FailureKind.FILE_LOST, is_retryable=False) from None


def _all(files: tuple[LocalFile, ...], attach: Attach) -> tuple[Attachment, ...]:
    return tuple(attach(file) for file in files)
