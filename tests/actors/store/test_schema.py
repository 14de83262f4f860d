import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
import trio
from structlog.typing import EventDict

from actors.kernel.mailbox import Mailbox
from actors.store.actor import StoreActor
from actors.store.connection import Connection
from actors.store.database import open_database
from actors.store.errors import FullDiskError, UpgradeFailedError
from actors.store.schema import MIGRATIONS, Migration, read_migrations, statements, version_of
from protocols.changes import PutKey
from protocols.store import FindKeys, GetKey, StoreMessage
from tests.actors.store.asking import Asking

NEXT = len(MIGRATIONS) + 1
SOUND = Migration(NEXT, ("CREATE TABLE sound (id INTEGER)", "INSERT INTO sound VALUES (1)"))
FAILING = Migration(NEXT, ("CREATE TABLE half (id INTEGER)", "INSERT INTO nowhere VALUES (1)"))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "s.db"


@pytest.fixture
def kept(path: Path) -> Path:
    """A database of this program with something in it."""
    with closing(open_database(path)) as db:
        db.execute("INSERT INTO kv VALUES ('a', '1')")
    return path


def read(path: Path, sql: str) -> list[object]:
    with closing(sqlite3.connect(path)) as db:
        return [value for (value,) in db.execute(sql)]


def tables(path: Path) -> list[object]:
    return read(path, "SELECT name FROM sqlite_schema WHERE type = 'table'")


def copies(path: Path) -> list[str]:
    return sorted(file.name for file in path.parent.glob("*.bak"))


def test_migrations_are_numbered_without_gaps() -> None:
    assert [migration.number for migration in MIGRATIONS] == list(range(1, len(MIGRATIONS) + 1))


def test_a_folder_of_migrations_is_read_in_order(tmp_path: Path) -> None:
    (tmp_path / "0002_b.sql").write_text("SELECT 2;")
    (tmp_path / "0001_a.sql").write_text("-- first\nSELECT 1;\nSELECT\n  1;")

    found = read_migrations(tmp_path)

    assert found == (
        Migration(1, ("-- first\nSELECT 1;", "SELECT\n  1;")),
        Migration(2, ("SELECT 2;",)),
    )


def test_a_script_is_cut_where_statements_end_and_nowhere_else() -> None:
    trigger = "CREATE TRIGGER t AFTER INSERT ON x BEGIN\n  DELETE FROM y;\n  DELETE FROM z;\nEND;"

    cut = list(statements(f"SELECT ';\n';\n{trigger}\nSELECT 'no end'\n"))

    assert cut == ["SELECT ';\n';", trigger, "SELECT 'no end'"]


def test_an_upgrade_is_applied_once_and_copied_first(kept: Path, logs: list[EventDict]) -> None:
    for _ in range(2):
        open_database(kept, (*MIGRATIONS, SOUND)).close()

    copy = kept.with_name(f"s.db.before-{NEXT}.bak")
    assert read(kept, "SELECT id FROM sound") == [1]
    assert copies(kept) == [copy.name]
    assert read(copy, "PRAGMA user_version") == [len(MIGRATIONS)]
    assert read(copy, "SELECT value FROM kv") == ["1"]
    assert copy.stat().st_mode & 0o777 == 0o600
    assert [log["copy"] for log in logs if log["event"] == "database.upgraded"] == [copy.name]


def test_an_older_copy_is_never_overwritten(kept: Path) -> None:
    older = kept.with_name(f"s.db.before-{NEXT}.bak")
    older.write_text("older")
    kept.with_name(f"s.db.before-{NEXT}.2.bak").write_text("older too")

    open_database(kept, (*MIGRATIONS, SOUND)).close()

    assert older.read_text() == "older"
    assert copies(kept)[1] == f"s.db.before-{NEXT}.3.bak"


def test_a_new_database_needs_no_copy(path: Path) -> None:
    open_database(path).close()

    assert copies(path) == []


def test_a_failed_migration_leaves_the_old_version_intact(kept: Path) -> None:
    with pytest.raises(UpgradeFailedError, match="is as it was"):
        open_database(kept, (*MIGRATIONS, FAILING))

    assert read(kept, "PRAGMA user_version") == [len(MIGRATIONS)]
    assert "half" not in tables(kept)
    assert copies(kept) == []
    with closing(open_database(kept)) as db:
        assert db.execute("SELECT value FROM kv").fetchall() == [("1",)]


def test_the_copy_stays_where_a_later_step_fails(kept: Path) -> None:
    later = Migration(NEXT + 1, FAILING.statements)

    with pytest.raises(UpgradeFailedError):
        open_database(kept, (*MIGRATIONS, SOUND, later))

    assert read(kept, "PRAGMA user_version") == [NEXT]
    assert copies(kept) == [f"s.db.before-{NEXT + 1}.bak"]


def test_an_upgrade_on_a_full_disk_says_so(kept: Path) -> None:
    full = Migration(
        NEXT, ("PRAGMA max_page_count = 1", "CREATE TABLE more (id)", *SOUND.statements)
    )

    with pytest.raises(FullDiskError, match="free some"):
        open_database(kept, (*MIGRATIONS, full))

    assert read(kept, "PRAGMA user_version") == [len(MIGRATIONS)]


def test_a_copy_that_cannot_be_made_stops_the_upgrade(
    kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_room(db: Connection, target: Path) -> None:
        raise OSError(28, "No space left on device", target, version_of(db))

    monkeypatch.setattr("actors.store.schema.copy_database", no_room)
    with pytest.raises(FullDiskError):
        open_database(kept, (*MIGRATIONS, SOUND))

    assert read(kept, "PRAGMA user_version") == [len(MIGRATIONS)]


@pytest.fixture
def earlier(path: Path) -> Path:
    """A database as the earlier program wrote it."""
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("CREATE TABLE kv(key TEXT PRIMARY KEY, value TEXT NOT NULL)")
        values = [("matrix_room:!r:s", '"C2"'), ("matrix_user:@u:s", "3")]
        db.executemany("INSERT INTO kv VALUES (?, ?)", values)
    return path


async def test_the_earlier_programs_database_keeps_its_keys(earlier: Path) -> None:
    inbox: Mailbox[StoreMessage] = Mailbox("store")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(StoreActor(inbox, earlier).run)
        store = Asking(inbox.address)
        await store.commit(PutKey("matrix_user:@u:s", "4"))
        await store.arrive("$1")
        room = await store.ask(GetKey("matrix_room:!r:s"))
        people = await store.ask(FindKeys("matrix_user:"))
        inbox.close()

    assert room == '"C2"'
    assert people == (("matrix_user:@u:s", "4"),)


def test_the_earlier_programs_database_is_copied_first(earlier: Path) -> None:
    open_database(earlier).close()

    [name] = copies(earlier)
    copy = earlier.with_name(name)
    assert tables(copy) == ["kv"]
    assert read(copy, "SELECT value FROM kv ORDER BY key") == ['"C2"', "3"]
    assert read(copy, "PRAGMA user_version") == [0]
