"""What a program that has ended left in its database, read without changing it."""

import sqlite3
from contextlib import closing
from pathlib import Path

from attrs import frozen

from actors.store.connection import Connection
from actors.store.rows import journal_rows, outbox_rows
from protocols.journal import OutboxRow, Row
from tests.invariants import journal_faults


@frozen
class Journal:
    """The whole journal of one program."""

    rows: tuple[Row, ...]
    outbox: tuple[OutboxRow, ...]
    keys: dict[str, str]

    @property
    def faults(self) -> list[str]:
        """Everything that is wrong with it."""
        return journal_faults(self.rows, self.outbox)


def read_journal(database: Path) -> Journal:
    """The journal in *database*, oldest rows first."""
    address = f"{database.as_uri()}?mode=ro"
    with closing(sqlite3.connect(address, uri=True, factory=Connection)) as db:
        return Journal(
            journal_rows(db, "ORDER BY id"),
            outbox_rows(db, "ORDER BY outbox.id"),
            dict(db.execute("SELECT key, value FROM kv")),
        )
