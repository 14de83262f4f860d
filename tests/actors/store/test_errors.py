import errno
import sqlite3
from pathlib import Path

import pytest

from actors.store import errors
from actors.store.errors import (
    DamagedError,
    FolderMissingError,
    FullDiskError,
    FullDiskWriteError,
    LockedDatabaseError,
    StoreFileError,
    StoreOpenError,
    StoreWriteError,
    UnreadableDiskError,
    UnwritableError,
    open_error,
    trouble_named,
    write_error,
)

PATH = Path("/var/lib/surfaces.db")


def sqlite_error(code: int) -> sqlite3.Error:
    error = sqlite3.OperationalError("words of the library")
    error.sqlite_errorcode = code
    return error


@pytest.mark.parametrize(
    ("code", "at_open", "at_work"),
    [
        (sqlite3.SQLITE_BUSY, LockedDatabaseError, StoreWriteError),
        (sqlite3.SQLITE_FULL, FullDiskError, FullDiskWriteError),
        (sqlite3.SQLITE_IOERR_FSYNC, UnreadableDiskError, StoreWriteError),
        (sqlite3.SQLITE_CORRUPT_INDEX, errors.BrokenDatabaseError, DamagedError),
        (sqlite3.SQLITE_READONLY_DBMOVED, UnwritableError, StoreWriteError),
    ],
)
def test_a_code_of_sqlite_is_told_as_what_to_do(
    code: int, at_open: type[StoreOpenError], at_work: type[StoreWriteError]
) -> None:
    assert type(open_error(sqlite_error(code), PATH)) is at_open
    assert type(write_error(sqlite_error(code), PATH)) is at_work


def test_a_statements_own_fault_is_not_the_disks() -> None:
    assert write_error(sqlite_error(sqlite3.SQLITE_CONSTRAINT_UNIQUE), PATH) is None
    assert write_error(ValueError("ours"), PATH) is None
    assert type(open_error(sqlite_error(sqlite3.SQLITE_ERROR), PATH)) is StoreOpenError


def test_trouble_of_the_disk_gets_its_name_and_other_errors_stay(tmp_path: Path) -> None:
    with pytest.raises(FullDiskWriteError), trouble_named(tmp_path):
        raise sqlite_error(sqlite3.SQLITE_FULL)
    with pytest.raises(sqlite3.OperationalError), trouble_named(tmp_path):
        raise sqlite_error(sqlite3.SQLITE_ERROR)


@pytest.mark.parametrize(
    ("number", "error"),
    [
        (errno.EROFS, UnwritableError),
        (errno.ENOTDIR, FolderMissingError),
        (errno.EDQUOT, FullDiskError),
        (errno.EIO, StoreOpenError),
    ],
)
def test_a_code_of_the_system_is_told_as_what_to_do(
    number: int, error: type[StoreOpenError]
) -> None:
    assert type(open_error(OSError(number, "words of the system"), PATH)) is error


@pytest.mark.parametrize(
    "error",
    [
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type) and kind.__name__.endswith("Error")
    ],
)
def test_every_error_is_one_line_that_names_the_file(error: type[StoreFileError]) -> None:
    text = str(error(PATH))

    assert str(PATH) in text
    assert "\n" not in text
