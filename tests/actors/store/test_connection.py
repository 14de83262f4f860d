import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from actors.store.connection import Connection
from actors.store.database import open_database


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Connection]:
    database = open_database(tmp_path / "s.db")
    yield database
    database.close()


def test_half_a_character_is_kept_as_a_question_mark(db: Connection) -> None:
    db.execute("INSERT INTO kv VALUES (?, ?)", ("key\ud83e", "a\ud83eb"))

    assert db.execute("SELECT * FROM kv WHERE key = ?", ("key\ud83e",)).fetchall() == [
        ("key?", "a?b")
    ]


@pytest.mark.parametrize("huge", [10**30, -(10**30)])
def test_a_number_that_is_too_large_finds_nothing(db: Connection, huge: int) -> None:
    found = db.execute("SELECT * FROM inbox WHERE id = ? AND text = ?", (huge, None))

    assert found.fetchall() == []


def test_a_transaction_that_raises_changes_nothing(db: Connection) -> None:
    def half_done() -> None:
        with db.transaction():
            db.execute("INSERT INTO kv VALUES ('a', '1')")
            db.execute("no such statement")

    with pytest.raises(sqlite3.OperationalError):
        half_done()

    assert not db.in_transaction
    assert db.execute("SELECT count(*) FROM kv").fetchone() == (0,)
