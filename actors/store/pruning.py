"""Forgetting what is over and old, a little at a time.

Of a pruned row its surface and event id stay, about 100 bytes, for ever: after a fresh sync Matrix
may repeat an event of any age, and it must not be answered twice. A million messages are 100 MB.
"""

from actors.store.connection import Connection

DAY = 86_400.0

_OLD_OUTGOING = "SELECT id FROM outbox WHERE settled_at < ? ORDER BY settled_at LIMIT ?"

# Ids grow with time, so this reads no more than it may forget.
_OLD_DEAD_LETTERS = (
    "SELECT id FROM (SELECT id, at FROM dead_letter ORDER BY id LIMIT ?) WHERE at < ?"
)

# A row stays as long as words about it do: they are sent and pruned first.
_OLD_ROWS = (
    "SELECT id FROM inbox WHERE finished_at < ?"
    " AND NOT EXISTS (SELECT 1 FROM outbox WHERE outbox.row = inbox.id)"
    " ORDER BY finished_at LIMIT ?"
)


def prune(db: Connection, *, older_than: float, limit: int) -> int:
    """Forget at most *limit* rows of each kind that were over before *older_than*; how many."""
    with db.transaction():
        return (
            _forget_outgoing(db, older_than, limit)
            + _forget_rows(db, older_than, limit)
            + _forget_dead_letters(db, older_than, limit)
        )


def _forget_outgoing(db: Connection, older_than: float, limit: int) -> int:
    old = db.execute(_OLD_OUTGOING, (older_than, limit)).fetchall()
    db.executemany("DELETE FROM outbox WHERE id = ?", old)
    return len(old)


def _forget_rows(db: Connection, older_than: float, limit: int) -> int:
    old = db.execute(_OLD_ROWS, (older_than, limit)).fetchall()
    db.executemany(
        "INSERT OR IGNORE INTO seen (surface, event_id)"
        " SELECT surface, event_id FROM inbox WHERE id = ?",
        old,
    )
    db.executemany("DELETE FROM inbox WHERE id = ?", old)
    return len(old)


def _forget_dead_letters(db: Connection, older_than: float, limit: int) -> int:
    old = db.execute(_OLD_DEAD_LETTERS, (limit, older_than)).fetchall()
    db.executemany("DELETE FROM dead_letter WHERE id = ?", old)
    return len(old)
