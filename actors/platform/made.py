"""Files that the agent made, on this machine's disk until they are delivered."""

import hashlib
import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from tempfile import mkstemp

import structlog
import trio
from attrs import field, frozen

from actors.platform.kinds import file_name, kind_of, mime_type_of
from protocols.files import LocalFile
from protocols.ids import RunId
from protocols.platform import Attachment, FailureKind, PlatformFailedError

log = structlog.get_logger("platform.made")

LONGEST_WAIT = 30 * 86_400.0
"""Seconds that a file waits for its delivery: as long as the journal waits, by default."""

_PARTIAL = ".part"


def _absolute(path: Path) -> Path:
    return path.absolute()


@frozen
class MadeFiles:
    """The folder with the files that the agent made; whoever delivers one deletes it.

    Args:
        folder: Made when the first file comes, for nobody else's eyes.
        sync: Makes durable what stands under a file descriptor.
    """

    folder: Path = field(converter=_absolute)
    _sync: Callable[[int], None] = os.fsync

    async def keep(self, run_id: RunId, files: tuple[Attachment, ...]) -> tuple[LocalFile, ...]:
        """*files* of the run *run_id*, in mode ``binary``, on the disk: all, or none.

        Kept again they have the same names, so that a repeated run leaves nothing behind.

        Raises:
            PlatformFailedError: The disk does not take them, or one is not what it says.
        """
        if not files:
            return ()
        try:
            return await trio.to_thread.run_sync(self._write_all, run_id, files)
        except OSError as error:
            log.warning("file.not_kept", run_id=run_id, reason=error.strerror)
            raise PlatformFailedError(FailureKind.FILE_LOST, is_retryable=False) from None

    def sweep(self) -> None:
        """Delete what earlier lives of the program left: half a file, or one that nobody wants.

        A turn that is stopped or crashes in its very last step has files, and no outcome that
        names them.
        """
        with suppress(OSError):
            old = time.time() - LONGEST_WAIT
            left = [path for path in self.folder.iterdir() if _is_left(path, old)]
            _delete(left)

    def _write_all(self, run_id: RunId, files: tuple[Attachment, ...]) -> tuple[LocalFile, ...]:
        paths = [self.folder / f"{run_id}-{number}" for number in range(len(files))]
        kept = tuple(map(_described, files, paths))
        try:
            self._make_folder()
            for path, file in zip(paths, files, strict=True):
                self._write(path, file.data)
            self._sync_folder()
        except OSError:
            _delete(paths)
            raise
        return kept

    def _make_folder(self) -> None:
        self.folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.folder.mkdir(mode=0o700, exist_ok=True)

    def _write(self, path: Path, content: bytes) -> None:
        handle, partial = mkstemp(_PARTIAL, f".{path.name}.", self.folder)
        try:
            with open(handle, "wb") as opened:  # noqa: PTH123  # a descriptor has no path
                opened.write(content)
                opened.flush()
                self._sync(handle)
            Path(partial).rename(path)
        finally:
            Path(partial).unlink(missing_ok=True)

    def _sync_folder(self) -> None:
        handle = os.open(self.folder, os.O_RDONLY)
        try:
            self._sync(handle)
        finally:
            os.close(handle)


def _is_left(path: Path, old: float) -> bool:
    return path.name.endswith(_PARTIAL) or path.stat().st_mtime < old


def _described(file: Attachment, path: Path) -> LocalFile:
    digest = hashlib.sha256(file.data).hexdigest()
    if len(file.data) != file.size_bytes or file.sha256 not in {"", digest}:
        raise PlatformFailedError(FailureKind.BROKEN, is_retryable=False)
    return LocalFile(
        kind_of(file.mime_type),
        file_name(file.name),
        mime_type_of(file.mime_type),
        file.size_bytes,
        str(path),
        digest,
    )


def _delete(paths: list[Path]) -> None:
    for path in paths:
        with suppress(OSError):  # what cannot be deleted is only in the way
            path.unlink(missing_ok=True)
