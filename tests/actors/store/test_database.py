import os
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest

from actors.store.database import check_database, open_database
from actors.store.errors import (
    BrokenDatabaseError,
    FolderMissingError,
    ForeignDatabaseError,
    NewerDatabaseError,
    NotAFileError,
    StoreOpenError,
)
from actors.store.schema import MIGRATIONS

_PROJECT = Path(__file__).parents[3]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "s.db"


def write(path: Path, *statements: str) -> None:
    """Make a database as some other program would."""
    with closing(sqlite3.connect(path)) as db, db:
        for statement in statements:
            db.execute(statement)


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir() if file.is_file()}


def pragma(path: Path, name: str) -> object:
    with closing(open_database(path)) as db:
        return db.execute(f"PRAGMA {name}").fetchone()[0]


def test_a_new_database_is_private_and_complete(path: Path) -> None:
    open_database(path).close()

    assert path.stat().st_mode & 0o777 == 0o600
    assert pragma(path, "user_version") == len(MIGRATIONS)
    assert check_database(path) is None


@pytest.mark.parametrize(
    ("name", "value"), [("journal_mode", "wal"), ("synchronous", 2), ("locking_mode", "exclusive")]
)
def test_commits_are_durable_and_the_file_has_one_owner(
    path: Path, name: str, value: object
) -> None:
    assert pragma(path, name) == value


def test_the_index_of_the_log_is_not_shared_memory(path: Path) -> None:
    with closing(open_database(path)) as db:
        db.execute("INSERT INTO kv VALUES ('a', '1')")
        names = {file.name for file in path.parent.iterdir()}

    assert names == {"s.db", "s.db-wal"}


def test_the_mode_of_an_existing_file_is_left_alone(path: Path) -> None:
    path.touch(0o640)

    open_database(path).close()

    assert path.stat().st_mode & 0o777 == 0o640


def test_checking_makes_no_file(path: Path) -> None:
    assert check_database(path) is None

    assert not path.exists()


def test_a_path_may_hold_any_character(tmp_path: Path) -> None:
    path = tmp_path / "a b?c#d%41é.db"

    open_database(path).close()

    assert [file.name for file in tmp_path.iterdir()] == [path.name]
    assert check_database(path) is None


def _newer(path: Path) -> None:
    write(path, "CREATE TABLE inbox (id)", f"PRAGMA user_version = {len(MIGRATIONS) + 1}")


def _foreign(path: Path) -> None:
    write(path, "CREATE TABLE bookmarks (url)")


def _garbage(path: Path) -> None:
    path.write_bytes(b"This is a letter to my aunt. " * 200)


def _cut(path: Path) -> None:
    open_database(path).close()
    os.truncate(path, 4096 * 2 + 17)


@pytest.mark.parametrize(
    ("make", "error", "word"),
    [
        (_newer, NewerDatabaseError, "newer version"),
        (_foreign, ForeignDatabaseError, "another program"),
        (_garbage, BrokenDatabaseError, "damaged or not a database"),
        (_cut, BrokenDatabaseError, "damaged or not a database"),
        (Path.mkdir, NotAFileError, "not a file"),
        (os.mkfifo, NotAFileError, "not a file"),
    ],
)
def test_what_cannot_be_used_is_refused_and_left_as_it_is(
    path: Path, make: Callable[[Path], object], error: type[StoreOpenError], word: str
) -> None:
    make(path)
    before = contents(path.parent)

    line = check_database(path)
    with pytest.raises(error) as refusal:
        open_database(path)

    assert line == str(refusal.value)
    assert word in line
    assert str(path) in line
    assert "\n" not in line
    assert contents(path.parent) == before


def test_damage_behind_the_first_page_is_met_by_the_check(path: Path) -> None:
    open_database(path).close()
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 8192)
    before = contents(path.parent)

    line = check_database(path)

    assert line is not None
    assert "damaged" in line
    assert contents(path.parent) == before


@pytest.mark.parametrize("exists", [True, False])
def test_a_disk_without_room_is_met_by_the_check(
    path: Path, monkeypatch: pytest.MonkeyPatch, *, exists: bool
) -> None:
    if exists:
        open_database(path).close()
    before = contents(path.parent)
    full = SimpleNamespace(total=10**9, used=10**9, free=4096)
    monkeypatch.setattr("shutil.disk_usage", lambda _: full)

    line = check_database(path)

    assert line is not None
    assert "no room on the disk" in line
    assert contents(path.parent) == before


@pytest.mark.parametrize("name", ["nowhere/s.db", "file/s.db"])
def test_a_missing_folder_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()

    line = check_database(tmp_path / name)
    with pytest.raises(FolderMissingError) as refusal:
        open_database(tmp_path / name)

    assert line == str(refusal.value)
    assert "create it" in line


def test_a_name_that_no_disk_takes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreOpenError, match="cannot be used"):
        open_database(tmp_path / ("x" * 300))


def test_a_refused_database_is_free_again(path: Path) -> None:
    _newer(path)
    with pytest.raises(NewerDatabaseError):
        open_database(path)

    write(path, "PRAGMA user_version = 0", "DROP TABLE inbox")
    open_database(path).close()

    assert pragma(path, "user_version") == len(MIGRATIONS)


# Permissions.


@pytest.fixture
def public() -> Iterator[Path]:
    """A folder that every user can reach."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o777)
        yield folder
        folder.chmod(0o777)


def told(path: Path) -> list[str]:
    """What a user without rights is told by the check and by opening."""
    command = [sys.executable, "-m", "tests.actors.store.opener", str(path)]
    done = subprocess.run(  # noqa: S603  # our own program
        command, cwd=_PROJECT, capture_output=True, text=True, check=True
    )
    return done.stdout.split("\n")


def test_a_folder_with_rights_is_no_trouble(public: Path) -> None:
    assert told(public / "s.db") == ["", ""]


@pytest.mark.parametrize("mode", [0o000, 0o444])
def test_a_file_that_may_not_be_written_is_one_clear_line(public: Path, mode: int) -> None:
    open_database(public / "s.db").close()
    before = contents(public)
    (public / "s.db").chmod(mode)

    check, refusal = told(public / "s.db")

    (public / "s.db").chmod(0o600)
    assert "let this user read and write" in check
    assert check == refusal
    assert contents(public) == before


@pytest.mark.parametrize("mode", [0o000, 0o555])
@pytest.mark.parametrize("exists", [True, False])
def test_a_folder_that_may_not_be_written_is_one_clear_line(
    public: Path, mode: int, *, exists: bool
) -> None:
    if exists:
        open_database(public / "s.db").close()
        (public / "s.db").chmod(0o666)
    public.chmod(mode)

    check, refusal = told(public / "s.db")

    assert "let this user read and write" in check
    assert check == refusal
