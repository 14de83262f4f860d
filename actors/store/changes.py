"""What each change does to the tables. A change is one statement: it happens or it does not."""

from typing import assert_never
from uuid import uuid4

from actors.store.columns import files_text, keyboard_text, part_text
from actors.store.connection import Connection
from protocols.changes import (
    AddDeadLetter,
    AddOutgoing,
    Change,
    DecideRow,
    DeleteDeadLetter,
    DeleteKey,
    FailedOutgoing,
    FinishRow,
    MoveSlot,
    PutKey,
    QueueRow,
    RepeatRow,
    RequeueRow,
    RewordRow,
    SentOutgoing,
    ShowRow,
    StartRow,
    TakeKey,
)
from protocols.ids import OutboxId, RowId
from protocols.journal import UNFINISHED, OutboxState, RowState
from protocols.store import Committed, Conflict

_RowChange = QueueRow | StartRow | RequeueRow | FinishRow | RewordRow | DecideRow | ShowRow
_MailChange = AddOutgoing | SentOutgoing | FailedOutgoing
_NoteChange = PutKey | DeleteKey | AddDeadLetter | DeleteDeadLetter | MoveSlot

_REPEAT = (
    "INSERT INTO inbox (surface, event_id, room, sender, sender_name, text, sent_at, received_at,"
    " trace, is_backlog, message_id, language, files, edits, press, redacts, thread_id, is_shared)"
    " SELECT surface, ?1, room, sender, sender_name, text, sent_at, received_at, trace, 1,"
    " message_id, language, files, edits, press, redacts, thread_id, is_shared"
    " FROM inbox AS was WHERE id = ?2"
    " AND NOT EXISTS (SELECT 1 FROM inbox WHERE surface = was.surface AND event_id = ?1)"
    " AND NOT EXISTS (SELECT 1 FROM seen WHERE surface = was.surface AND event_id = ?1)"
)
_IS_UNFINISHED = "state IN ('received', 'queued', 'running')"


def apply_changes(db: Connection, changes: tuple[Change, ...], now: float) -> Committed | Conflict:
    """Apply *changes* in order until one conflicts; the caller then undoes what was done."""
    added: list[OutboxId] = []
    for change in changes:
        match apply_change(db, change, now):
            case None:
                pass
            case Conflict() as conflict:
                return conflict
            case outbox:
                added.append(outbox)
    return Committed(tuple(added))


def apply_change(db: Connection, change: Change, now: float) -> OutboxId | Conflict | None:
    """Apply one change; the answer is the id of an outgoing message that it added."""
    match change:
        case (QueueRow() | StartRow() | RequeueRow() | FinishRow()) | (
            RewordRow() | DecideRow() | ShowRow()
        ):
            return None if _moved(db, change, now) else _conflict(db, change.row)
        case AddOutgoing() | SentOutgoing() | FailedOutgoing():
            return _apply_to_outbox(db, change, now)
        case (PutKey() | DeleteKey() | MoveSlot()) | (AddDeadLetter() | DeleteDeadLetter()):
            _take_down(db, change, now)
            return None
        case RepeatRow(row, event_id):
            repeated = db.execute(_REPEAT, (event_id, row))
            return None if repeated.rowcount == 1 else _conflict(db, row)
        case TakeKey(key, value, row):
            taken = db.execute("DELETE FROM kv WHERE key = ? AND value = ?", (key, value))
            return None if taken.rowcount == 1 else _conflict(db, row)
        case _:
            assert_never(change)


def _moved(db: Connection, change: _RowChange, now: float) -> bool:
    """Whether the row was in a state that *change* starts from."""
    match change:
        case QueueRow(row, slot, run_id, text):
            return _update(
                db,
                "state = 'queued', slot = ?, run_id = ?, text = coalesce(?, text)"
                " WHERE id = ? AND state = 'received'",
                (slot, run_id, text, row),
            )
        case StartRow(row):
            return _update(
                db,
                "state = 'running', attempts = attempts + 1"
                " WHERE id = ? AND state IN ('queued', 'running')",
                (row,),
            )
        case RequeueRow(row):
            return _update(
                db,
                "state = 'queued', attempts = attempts - 1 WHERE id = ? AND state = 'running'",
                (row,),
            )
        case FinishRow(row, state, reason):
            return _finished(db, row, state, reason, now)
        case RewordRow(row, text):
            return _update(
                db, "text = ? WHERE id = ? AND state IN ('received', 'queued')", (text, row)
            )
        case DecideRow(row, decision):
            return _update(db, "decided = ? WHERE id = ? AND decided = ''", (decision, row))
        case ShowRow(row, shown_id):
            return _update(db, f"shown_id = ? WHERE id = ? AND {_IS_UNFINISHED}", (shown_id, row))
        case _:
            assert_never(change)


def _finished(db: Connection, row: RowId, state: RowState, reason: str, now: float) -> bool:
    if state in UNFINISHED:
        raise ValueError(f"a row cannot end as {state}")
    return _update(
        db,
        f"state = ?, reason = ?, finished_at = ? WHERE id = ? AND {_IS_UNFINISHED}",
        (state, reason, now, row),
    )


def _update(db: Connection, change: str, values: tuple[str | float | None, ...]) -> bool:
    updated = db.execute(f"UPDATE inbox SET {change}", values)  # noqa: S608  # our own words
    return updated.rowcount == 1


def _conflict(db: Connection, row: RowId) -> Conflict:
    found = db.execute("SELECT state FROM inbox WHERE id = ?", (row,)).fetchone()
    return Conflict(row, RowState(found[0]) if found else None)


def _apply_to_outbox(db: Connection, change: _MailChange, now: float) -> OutboxId | None:
    match change:
        case AddOutgoing():
            return _add_to_outbox(db, change, now)
        case SentOutgoing(outbox, remote_id):
            _settle(db, outbox, OutboxState.SENT, now, remote_id=remote_id)
        case FailedOutgoing(outbox, reason):
            _settle(db, outbox, OutboxState.FAILED, now, reason=reason)
        case _:
            assert_never(change)
    return None


def _add_to_outbox(db: Connection, new: AddOutgoing, now: float) -> OutboxId:
    added = db.execute(
        "INSERT INTO outbox (uid, room, row, voice, text, is_final, created_at, keyboard, files,"
        " amends, footer, folded) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            uuid4().hex,
            new.room,
            new.row,
            new.voice,
            new.text,
            new.is_final,
            now,
            keyboard_text(new.keyboard),
            files_text(new.files),
            part_text(new.amends),
            new.footer,
            new.folded,
        ),
    )
    return OutboxId(added.lastrowid or 0)


def _settle(
    db: Connection,
    outbox: OutboxId,
    state: OutboxState,
    now: float,
    *,
    remote_id: str | None = None,
    reason: str = "",
) -> None:
    """The first word on an outgoing message stands; a later one changes nothing."""
    db.execute(
        "UPDATE outbox SET state = ?, settled_at = ?, remote_id = ?, reason = ?"
        " WHERE id = ? AND state = 'pending'",
        (state, now, remote_id, reason, outbox),
    )


def _take_down(db: Connection, change: _NoteChange, now: float) -> None:
    match change:
        case PutKey(key, value):
            db.execute(
                "INSERT INTO kv (key, value) VALUES (?, ?)"
                " ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                (key, value),
            )
        case DeleteKey(key):
            db.execute("DELETE FROM kv WHERE key = ?", (key,))
        case MoveSlot(room, sender, was, is_now):
            db.execute(
                "UPDATE inbox SET slot = ? WHERE room = ? AND sender = ? AND slot = ?",
                (is_now, room, sender, was),
            )
        case AddDeadLetter(source, kind, reason, body):
            db.execute(
                "INSERT INTO dead_letter (source, kind, reason, at, body) VALUES (?, ?, ?, ?, ?)",
                (source, kind, reason, now, body),
            )
        case DeleteDeadLetter(id_):
            db.execute("DELETE FROM dead_letter WHERE id = ?", (id_,))
        case _:
            assert_never(change)
