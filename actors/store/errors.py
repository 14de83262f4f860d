"""What can be wrong with the database's file: one line each, that says what to do."""

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

from attrs import frozen

_PRIMARY = 0xFF  # an extended result code holds the primary one in its low byte


class StoreFileError(Exception):
    """The database's file cannot be used; the text is one line and says what to do."""

    line: ClassVar[str] = "the database {path} cannot be used"

    def __init__(self, path: Path) -> None:
        super().__init__(self.line.format(path=path))


class StoreOpenError(StoreFileError):
    """The database cannot be opened; nothing in it was changed."""


class LockedDatabaseError(StoreOpenError):
    """Another process has the database."""

    line = (
        "the database {path} is in use by another process: "
        "stop that one first, or set STORE_PATH to another file"
    )


class BrokenDatabaseError(StoreOpenError):
    """The file is no database, or a damaged one."""

    line = (
        "{path} is damaged or not a database: put a backup in its place, "
        "or set STORE_PATH to another file; nothing was changed"
    )


class ForeignDatabaseError(StoreOpenError):
    """The file is a sound database with other tables than ours."""

    line = (
        "{path} is the database of another program: "
        "set STORE_PATH to another file; nothing was changed"
    )


class UnwritableError(StoreOpenError):
    """The user who runs the program may not write there."""

    line = (
        "the database {path} cannot be written: "
        "let this user read and write the file and its folder, or set STORE_PATH to another file"
    )


class FolderMissingError(StoreOpenError):
    """The file's folder does not exist."""

    line = "the folder of the database {path} does not exist: create it, or change STORE_PATH"


class NotAFileError(StoreOpenError):
    """The path is a folder or a device."""

    line = "{path} is not a file: set STORE_PATH to the path of a file"


class FullDiskError(StoreOpenError):
    """There is no room to open or upgrade the database."""

    line = "no room on the disk of the database {path}: free some; nothing was lost"


class UnreadableDiskError(StoreOpenError):
    """The disk fails."""

    line = (
        "the disk refuses the database {path}: look for a quota, a size limit or a failing disk; "
        "nothing was changed"
    )


class NewerDatabaseError(StoreOpenError):
    """A later version of this program has upgraded the database."""

    line = (
        "the database {path} was written by a newer version of this program: "
        "run that version, or set STORE_PATH to another file; nothing was changed"
    )


class UpgradeFailedError(StoreOpenError):
    """A step of the upgrade failed and was rolled back."""

    line = "the database {path} could not be upgraded and is as it was: run the earlier version"


class StoreWriteError(StoreFileError):
    """The disk failed while the store worked; what was answered is safe."""

    line = (
        "the disk refuses the database {path}: look for a quota, a size limit or a failing disk; "
        "nothing acknowledged is lost"
    )


class FullDiskWriteError(StoreWriteError):
    """The disk ran full while the store worked."""

    line = "no room on the disk of the database {path}: free some; nothing acknowledged is lost"


class DamagedError(StoreWriteError):
    """A damaged page was met while the store worked."""

    line = "the database {path} is damaged: put a backup in its place"


@frozen
class _Trouble:
    at_open: type[StoreOpenError]
    at_work: type[StoreWriteError]


_LOCKED = _Trouble(LockedDatabaseError, StoreWriteError)
_BROKEN = _Trouble(BrokenDatabaseError, DamagedError)
_UNWRITABLE = _Trouble(UnwritableError, StoreWriteError)
_FULL = _Trouble(FullDiskError, FullDiskWriteError)
_DISK = _Trouble(UnreadableDiskError, StoreWriteError)

_TROUBLES = {
    sqlite3.SQLITE_BUSY: _LOCKED,
    sqlite3.SQLITE_LOCKED: _LOCKED,
    sqlite3.SQLITE_NOTADB: _BROKEN,
    sqlite3.SQLITE_CORRUPT: _BROKEN,
    sqlite3.SQLITE_PERM: _UNWRITABLE,
    sqlite3.SQLITE_READONLY: _UNWRITABLE,
    sqlite3.SQLITE_CANTOPEN: _UNWRITABLE,
    sqlite3.SQLITE_FULL: _FULL,
    sqlite3.SQLITE_IOERR: _DISK,
    sqlite3.SQLITE_PROTOCOL: _DISK,
    sqlite3.SQLITE_NOMEM: _DISK,
}

_OPEN_TROUBLES: dict[int | None, type[StoreOpenError]] = {
    errno.ENOENT: FolderMissingError,
    errno.ENOTDIR: FolderMissingError,
    errno.EACCES: UnwritableError,
    errno.EPERM: UnwritableError,
    errno.EROFS: UnwritableError,
    errno.ENOSPC: FullDiskError,
    errno.EDQUOT: FullDiskError,
    errno.EFBIG: FullDiskError,
}


def open_error(
    error: sqlite3.Error | OSError, path: Path, otherwise: type[StoreOpenError] = StoreOpenError
) -> StoreOpenError:
    """What *error* means to somebody who wants to open *path*."""
    if isinstance(error, OSError):
        return _OPEN_TROUBLES.get(error.errno, otherwise)(path)
    trouble = _trouble(error)
    return trouble.at_open(path) if trouble else otherwise(path)


def write_error(error: Exception, path: Path) -> StoreWriteError | None:
    """What *error* means to a store at work; None where the file and its disk are not at fault."""
    trouble = _trouble(error)
    return trouble.at_work(path) if trouble else None


@contextmanager
def trouble_named(path: Path) -> Iterator[None]:
    """Raise what ``write_error`` makes of an error, where the file or its disk is at fault."""
    try:
        yield
    except sqlite3.Error as error:
        named = write_error(error, path)
        if named is None:
            raise
        raise named from error


def _trouble(error: Exception) -> _Trouble | None:
    code = getattr(error, "sqlite_errorcode", None)
    return None if code is None else _TROUBLES.get(code & _PRIMARY)
