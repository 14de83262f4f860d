"""The connection as the store uses it: transactions by hand, values that SQLite can hold."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_BUSY_SECONDS = 1.0
_LARGEST_INTEGER = 2**63 - 1


class Connection(sqlite3.Connection):
    """One connection, used by one thread at a time."""

    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
        """Run one statement.

        A lone surrogate (JSON can spell one, UTF-8 cannot) is kept as a question mark, and an
        integer beyond 64 bits as the last one within: neither may stop the store.
        """
        try:
            return super().execute(sql, parameters)
        except (UnicodeEncodeError, OverflowError):
            return super().execute(sql, tuple(_storable(value) for value in parameters))

    @contextmanager
    def transaction(self, begin: str = "BEGIN") -> Iterator[None]:
        """Commit what the block does; roll it back where it raises."""
        self.execute(begin)
        try:
            yield
            self.execute("COMMIT")
        finally:
            if self.in_transaction:  # SQLite itself may have rolled back, on a full disk for one
                self.execute("ROLLBACK")


def connect(path: Path) -> Connection:
    """Open an existing file; nothing is read or locked before the first statement."""
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=rw",
        uri=True,
        timeout=_BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,  # worker threads change; one limiter lets one in at a time
        factory=Connection,
    )


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, int):
        return max(-_LARGEST_INTEGER, min(_LARGEST_INTEGER, value))
    return value
