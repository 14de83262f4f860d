"""Journaling what a surface handed over: each event once, with the surface's cursor."""

from actors.store.changes import apply_change
from actors.store.columns import files_text, part_text
from actors.store.connection import Connection
from actors.store.rows import journal_row
from protocols.ids import RowId, SurfaceName
from protocols.journal import Arrival, Cursor, Row
from protocols.store import Journal, Journaled

# One statement that adds nothing for an event seen before, so that ids have no gaps.
_INSERT = (
    "INSERT INTO inbox (surface, event_id, room, sender, sender_name, text, sent_at, received_at,"
    " trace, is_backlog, message_id, language, files, edits, press, redacts, thread_id, is_shared)"
    " SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18"
    " WHERE NOT EXISTS (SELECT 1 FROM inbox WHERE surface = ?1 AND event_id = ?2)"
    " AND NOT EXISTS (SELECT 1 FROM seen WHERE surface = ?1 AND event_id = ?2)"
)


def journal(db: Connection, batch: Journal, now: float) -> Journaled:
    """Add the batch's new events, move the cursor, and apply the further changes.

    A further change whose row is in the wrong state changes nothing: the events come first.
    """
    rows = tuple(
        row
        for arrival in batch.arrivals
        if (row := _add(db, batch.surface, arrival, now)) is not None
    )
    if batch.cursor is not None:
        _move(db, batch.cursor)
    for change in batch.extra:
        apply_change(db, change, now)
    return Journaled(rows)


def _add(db: Connection, surface: SurfaceName, arrival: Arrival, now: float) -> Row | None:
    added = db.execute(
        _INSERT,
        (
            surface,
            arrival.event_id,
            arrival.room,
            arrival.sender,
            arrival.sender_name,
            arrival.text,
            arrival.sent_at,
            now,
            arrival.trace,
            arrival.is_backlog,
            arrival.message_id,
            arrival.language,
            files_text(arrival.files),
            arrival.edits,
            part_text(arrival.press),
            arrival.redacts,
            arrival.thread_id,
            arrival.is_shared,
        ),
    )
    return journal_row(db, RowId(added.lastrowid or 0)) if added.rowcount == 1 else None


def _move(db: Connection, cursor: Cursor) -> None:
    db.execute(
        "INSERT INTO cursor (name, value) VALUES (?, ?)"
        " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        (cursor.name, cursor.value),
    )
