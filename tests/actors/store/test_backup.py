import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from actors.store import backup
from actors.store.backup import make_backup
from actors.store.connection import Connection
from actors.store.database import open_database
from protocols.store import BackupMade, BackupRefused


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Connection]:
    database = open_database(tmp_path / "s.db")
    database.execute("INSERT INTO kv VALUES ('a', '1')")
    yield database
    database.close()


def test_a_backup_is_a_whole_private_database(db: Connection, tmp_path: Path) -> None:
    target = tmp_path / "copy.db"

    made = make_backup(db, target)

    assert made == BackupMade(str(target), target.stat().st_size)
    assert target.stat().st_mode & 0o777 == 0o600
    with closing(open_database(target)) as copy:
        assert copy.execute("SELECT * FROM kv").fetchall() == [("a", "1")]
        assert copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_only_the_backup_itself_is_left_in_its_folder(db: Connection, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()

    make_backup(db, folder / "copy.db")

    assert [file.name for file in folder.iterdir()] == ["copy.db"]


def test_the_database_goes_on_after_a_backup(db: Connection, tmp_path: Path) -> None:
    make_backup(db, tmp_path / "copy.db")

    db.execute("INSERT INTO kv VALUES ('b', '2')")

    assert db.execute("SELECT count(*) FROM kv").fetchone() == (2,)


def test_a_link_to_nowhere_is_not_followed(db: Connection, tmp_path: Path) -> None:
    link = tmp_path / "link.db"
    link.symlink_to(tmp_path / "elsewhere.db")

    refused = make_backup(db, link)

    assert refused == BackupRefused(f"{link} exists already: name a new file")


def test_a_name_that_is_too_long_is_refused(db: Connection, tmp_path: Path) -> None:
    refused = make_backup(db, tmp_path / ("x" * 250))

    assert isinstance(refused, BackupRefused)
    assert refused.reason.endswith("File name too long")


def test_a_backup_that_finds_no_room_leaves_nothing(
    db: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path) -> Connection:
        connection = sqlite3.connect(path, factory=Connection)
        connection.execute("PRAGMA max_page_count = 1")
        return connection

    monkeypatch.setattr(backup, "connect", full)
    before = sorted(tmp_path.iterdir())

    refused = make_backup(db, tmp_path / "copy.db")

    assert isinstance(refused, BackupRefused)
    assert "full" in refused.reason
    assert sorted(tmp_path.iterdir()) == before
