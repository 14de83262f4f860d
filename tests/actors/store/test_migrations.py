"""What a database of an earlier version becomes."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from actors.store.connection import Connection
from actors.store.database import open_database
from actors.store.rows import journal_rows, outbox_rows
from actors.store.schema import MIGRATIONS, version_of
from protocols.ids import RemoteId
from protocols.journal import Button, Press, Row, RowState

_ROWS = {
    "group": "telegram/-42",
    "topic": "telegram/-1001/7",
    "private": "telegram/42",
    "private topic": "telegram/42/7",
    "matrix": "matrix/!-r:s",
}
_PRESS = '["p1", "retry:1", "7"]'
_KEYBOARD = '[[["Yes", "confirm:3:0"]]]'
_INSERT_ROW = (
    "INSERT INTO inbox (surface, event_id, room, sender, sender_name, text, sent_at, received_at,"
    " trace, is_backlog, state, message_id, press)"
    " VALUES (?, ?, ?, 'telegram:42', 'U', 'hello', 1, 2, 't', 0, 'queued', '7', ?)"
)
_INSERT_SENT = (
    "INSERT INTO outbox (uid, room, row, voice, text, is_final, created_at, state, remote_id,"
    " settled_at, keyboard)"
    " VALUES ('0', 'telegram/42', 3, 'agent', 'Shall I?', 1, 3, 'sent', '77', 4, ?)"
)

_INSERT_WAITING = (
    "INSERT INTO outbox (uid, room, row, voice, text, is_final, created_at)"
    " VALUES ('1', 'matrix/!-r:s', 1, 'agent', 'Hello.', 1, 3)"
)


@pytest.fixture
def version_3(tmp_path: Path) -> Path:
    """A database that version 3 left with one answer sent and one that waits."""
    path = tmp_path / "s.db"
    with closing(open_database(path, MIGRATIONS[:3])) as db:
        db.execute(_INSERT_ROW, ("matrix", "e", "matrix/!-r:s", None))
        db.execute(_INSERT_SENT, (_KEYBOARD,))
        db.execute(_INSERT_WAITING)
    return path


@pytest.fixture
def version_2(tmp_path: Path) -> Path:
    """A database that version 2 left with messages waiting and one answer sent."""
    path = tmp_path / "s.db"
    with closing(open_database(path, MIGRATIONS[:2])) as db:
        for event, room in _ROWS.items():
            db.execute(_INSERT_ROW, (room.partition("/")[0], event, room, _PRESS))
        db.execute(_INSERT_SENT, (_KEYBOARD,))
    return path


def waiting(db: Connection) -> dict[str, Row]:
    return {row.event_id: row for row in journal_rows(db, "WHERE state = 'queued'")}


def test_what_waited_keeps_all_that_it_had(version_2: Path) -> None:
    with closing(open_database(version_2)) as db:
        rows = waiting(db)
        version = version_of(db)

    assert version == len(MIGRATIONS)
    assert set(rows) == set(_ROWS)
    assert {(row.text, row.state, row.press) for row in rows.values()} == {
        ("hello", RowState.QUEUED, Press("p1", "retry:1", RemoteId("7")))
    }
    assert {(row.thread_id, row.redacts) for row in rows.values()} == {("", None)}


def test_others_read_what_waited_in_a_telegram_group_and_nowhere_else(version_2: Path) -> None:
    with closing(open_database(version_2)) as db:
        shared = {event for event, row in waiting(db).items() if row.is_shared}

    assert shared == {"group", "topic"}


def test_what_was_sent_before_is_found_by_its_place(version_2: Path) -> None:
    with closing(open_database(version_2)) as db:
        [sent] = outbox_rows(db, "WHERE outbox.room = 'telegram/42' AND remote_id = '77'")

    assert sent.keyboard == ((Button("Yes", "confirm:3:0"),),)
    assert sent.thread_id == ""


def test_a_place_is_looked_up_by_an_index(version_2: Path) -> None:
    plan = "EXPLAIN QUERY PLAN SELECT id FROM outbox WHERE room = '' AND remote_id = ''"

    open_database(version_2).close()

    with closing(sqlite3.connect(version_2)) as db:
        [step] = db.execute(plan).fetchall()
    assert "outbox_remote" in step[-1]


def test_nothing_stands_around_what_was_said_before(version_3: Path) -> None:
    with closing(open_database(version_3)) as db:
        said = outbox_rows(db, "ORDER BY outbox.id")
        version = version_of(db)

    assert version == len(MIGRATIONS)
    assert [(row.text, row.footer, row.folded) for row in said] == [
        ("Shall I?", "", ""),
        ("Hello.", "", ""),
    ]


def test_the_database_before_the_upgrade_is_kept_beside_it(version_3: Path) -> None:
    open_database(version_3).close()

    copy = version_3.with_name(f"s.db.before-{len(MIGRATIONS)}.bak")
    with closing(sqlite3.connect(copy)) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (3,)
        assert db.execute("SELECT text FROM outbox ORDER BY id").fetchall() == [
            ("Shall I?",),
            ("Hello.",),
        ]
