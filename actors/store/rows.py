"""Between the tables' rows and the journal's words."""

from typing import Any

from actors.store.connection import Connection
from protocols.ids import OutboxId, RowId
from protocols.store import DeadLetter, OutboxRow, OutboxState, Row, RowState, Voice

_INBOX = (
    "id, event_id, room, sender, sender_name, text, sent_at, received_at, trace, is_backlog, state,"
    " slot, run_id, attempts, shown_id, reason, finished_at"
)

# What a row's words reply to, and which message shows its answer, is known by the journal.
_OUTBOX = (
    "SELECT outbox.id, uid, outbox.room, row, voice, outbox.text, is_final, event_id, shown_id,"
    " created_at, outbox.state, remote_id, outbox.reason"
    " FROM outbox LEFT JOIN inbox ON inbox.id = outbox.row"
)


def journal_rows(db: Connection, where: str, *values: Any) -> tuple[Row, ...]:
    """The journal rows that *where* names: all that follows ``FROM inbox``."""
    found = db.execute(f"SELECT {_INBOX} FROM inbox {where}", values)  # noqa: S608  # our own words
    return tuple(_row(columns) for columns in found)


def journal_row(db: Connection, row: RowId) -> Row | None:
    """One journal row by its id."""
    return next(iter(journal_rows(db, "WHERE id = ?", row)), None)


def outbox_rows(db: Connection, where: str, *values: Any) -> tuple[OutboxRow, ...]:
    """The outgoing messages that *where* names: all that follows the tables."""
    return tuple(_outbox_row(columns) for columns in db.execute(f"{_OUTBOX} {where}", values))


def dead_letters(db: Connection, limit: int) -> tuple[DeadLetter, ...]:
    """The newest dead letters, newest first."""
    found = db.execute(
        "SELECT id, source, kind, reason, at, body FROM dead_letter ORDER BY id DESC LIMIT ?",
        (limit,),
    )
    return tuple(DeadLetter(*columns) for columns in found)


def _row(columns: tuple[Any, ...]) -> Row:
    values = (*columns[:9], bool(columns[9]), RowState(columns[10]), *columns[11:])
    return Row(*values)


def _outbox_row(columns: tuple[Any, ...]) -> OutboxRow:
    id_, uid, room, row, voice, text, is_final, event_id, shown_id, created_at, state, *rest = (
        columns
    )
    return OutboxRow(
        OutboxId(id_),
        uid,
        room,
        row,
        Voice(voice),
        text,
        bool(is_final),
        event_id,
        shown_id,
        created_at,
        OutboxState(state),
        *rest,
    )
