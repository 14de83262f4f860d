"""Opening the database: one owner, durable commits, nothing overwritten."""

import os
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from actors.store.connection import Connection, connect
from actors.store.errors import (
    BrokenDatabaseError,
    FolderMissingError,
    FullDiskError,
    NotAFileError,
    StoreOpenError,
    UnwritableError,
    open_error,
)
from actors.store.schema import MIGRATIONS, Migration, refuse_unknown, upgrade

_LEAST_ROOM_BYTES = 256 * 1024
"""A new database and its log take 160 kB; with less than this the first messages would fail."""


def open_database(path: Path, migrations: Sequence[Migration] = MIGRATIONS) -> Connection:
    """Open *path*, creating or upgrading it; no other process can use it until it is closed.

    Raises:
        StoreOpenError: One of its kinds, with one line that says what to do.
    """
    with _explained(path):
        _create(path)
        db = connect(path)
        try:
            _take(db, path, migrations)
            _make_durable(db)
            upgrade(db, path, migrations)
        except (sqlite3.Error, OSError, StoreOpenError):
            db.close()
            raise
    return db


def check_database(path: Path) -> str | None:
    """The line that says why *path* could not be opened; None where it can. Changes no content.

    Not for a process that has the database open: it would find it in use.
    """
    try:
        with _explained(path):
            folder = _folder_of(path)
            if not os.access(folder, os.W_OK | os.X_OK):
                raise UnwritableError(path)
            if path.exists():
                _refuse_unusable(path)
                with closing(connect(path)) as db:
                    _take(db, path, MIGRATIONS)
                    _refuse_damaged(db, path)
            if shutil.disk_usage(folder).free < _LEAST_ROOM_BYTES:
                raise FullDiskError(path)
    except StoreOpenError as error:
        return str(error)
    return None


def _take(db: Connection, path: Path, migrations: Sequence[Migration]) -> None:
    """Lock the file for this process, and refuse what this program does not know."""
    db.execute("PRAGMA locking_mode = EXCLUSIVE")  # before WAL, or its index is shared memory
    with db.transaction("BEGIN EXCLUSIVE"):
        refuse_unknown(db, path, migrations)


def _make_durable(db: Connection) -> None:
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")  # with NORMAL a power cut loses acknowledged rows


def _create(path: Path) -> None:
    """Make an empty file that only its owner can read, where there is none.

    An existing file is not opened here: closing it would drop SQLite's locks of this process.
    """
    _folder_of(path)
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    _refuse_unusable(path)


def _refuse_unusable(path: Path) -> None:
    if not path.is_file():
        raise NotAFileError(path)
    if not os.access(path, os.R_OK | os.W_OK):  # SQLite would call it a failing disk
        raise UnwritableError(path)


def _refuse_damaged(db: Connection, path: Path) -> None:
    """Read every page once, about a second for 1 GB: or damage is met in the middle of the work."""
    [(found,)] = db.execute("PRAGMA quick_check(1)")
    if found != "ok":
        raise BrokenDatabaseError(path)


def _folder_of(path: Path) -> Path:
    folder = path.absolute().parent
    if not folder.is_dir():
        raise FolderMissingError(path)
    return folder


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise open_error(error, path) from error
