"""Files of a person on their way to the agent."""

import errno
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType

import structlog
import trio

from actors.platform.settings import AgentSettings
from protocols.file_links import FileLinks
from protocols.files import LocalFile
from protocols.platform import Attachment, FailureKind, PlatformFailedError

LINK_SECONDS = 2 * 24 * 3600

log = structlog.get_logger("platform.files")

Attach = Callable[[LocalFile], Attachment]
"""Makes of a file what a platform takes; it may block. Raises ``OSError``."""


class FileChangedError(OSError):
    """A file is not as long as it was when it came."""

    def __init__(self) -> None:
        super().__init__(errno.ESTALE, "it has changed its size")


class FileElsewhereError(OSError):
    """A file is not where those are that others may fetch."""

    def __init__(self) -> None:
        super().__init__(errno.EPERM, "it is in another folder")


def with_content(file: LocalFile) -> Attachment:
    """*file* with its whole content in memory."""
    with Path(file.path).open("rb") as opened:
        content = opened.read(file.size_bytes + 1)  # one more shows that it has grown
    if len(content) != file.size_bytes:
        raise FileChangedError
    return Attachment(file.name, file.mime_type, file.size_bytes, data=content, sha256=file.sha256)


def with_link(file: LocalFile, *, links: FileLinks, folder: Path) -> Attachment:
    """*file* by its address on our own server; nothing of it is read.

    The address is good for two days from when the file came, whenever it is made: a request that
    is repeated must not differ, and no surface keeps a message from us for longer than one day.

    Args:
        file: It stands somewhere below *folder*.
        links: Makes addresses of files there.
        folder: What addresses are relative to.
    """
    path = Path(file.path)
    facts = path.stat()
    if facts.st_size != file.size_bytes:
        raise FileChangedError
    if not path.is_relative_to(folder):
        raise FileElsewhereError
    name = path.relative_to(folder).as_posix()
    return Attachment(
        file.name,
        file.mime_type,
        file.size_bytes,
        mode="url",
        location=links.link(name, expires_at=int(facts.st_mtime) + LINK_SECONDS),
        sha256=file.sha256,
    )


ATTACH: Mapping[str, Attach] = MappingProxyType(
    dict.fromkeys(("mock", "openai", "agui", "binary", "s3"), with_content)
)
"""How files go to the agent: by ``PLATFORM_MODE``, in production by what is said of attachments."""


def attach_for(agent: AgentSettings) -> Attach:
    """How files go to the agent that the settings name."""
    way = agent.attachments if agent.mode == "production" else agent.mode
    if way == "url" and agent.links is not None:
        return partial(with_link, links=agent.links, folder=agent.files)
    return ATTACH.get(way, with_content)


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
