"""Consistent copies of the database, made while it is in use."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from uuid import uuid4

from actors.store.connection import Connection, connect
from protocols.store import BackupMade, BackupRefused


def make_backup(db: Connection, target: Path) -> BackupMade | BackupRefused:
    """Copy the database to *target*; every refusal says what to do."""
    if os.path.lexists(target):
        return BackupRefused(f"{target} exists already: name a new file")
    if not target.parent.is_dir():
        return BackupRefused(f"the folder of {target} does not exist: create it")
    try:
        copy_database(db, target)
    except (OSError, sqlite3.Error) as error:
        return BackupRefused(f"{target} cannot be written: {_cause(error)}")
    return BackupMade(str(target), target.stat().st_size)


def copy_database(db: Connection, target: Path) -> None:
    """Copy to a temporary file beside *target*, durably, then give it its name.

    Must run outside of a transaction: SQLite does not copy what may still be rolled back.

    Raises:
        OSError: The folder or the file cannot be written.
        sqlite3.Error: The disk is full, or the database is damaged.
    """
    partial = target.with_name(f".{target.name}.{uuid4().hex}.part")
    try:
        os.close(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        with closing(connect(partial)) as copy:
            db.backup(copy)
        _sync(partial)
        partial.rename(target)
        _sync(target.parent)
    finally:
        partial.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _cause(error: OSError | sqlite3.Error) -> str:
    if isinstance(error, OSError):
        return os.strerror(error.errno or 0)
    return str(error)
