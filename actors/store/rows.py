"""Between the tables' rows and the journal's words."""

from typing import Any

from actors.store.columns import amends, keyboard, local_files, press, remote_files
from actors.store.connection import Connection
from protocols.ids import Language, OutboxId, RemoteId, RowId
from protocols.journal import DeadLetter, OutboxRow, OutboxState, Row, RowState, Voice

_INBOX = (
    "id, event_id, room, sender, sender_name, text, sent_at, received_at, trace, is_backlog, state,"
    " slot, run_id, attempts, shown_id, reason, finished_at, message_id, language, files, edits,"
    " press, decided, redacts, thread_id, is_shared"
)

# What a row's words reply to, and which message shows its answer, is known by the journal.
_OUTBOX = (
    "SELECT outbox.id, uid, outbox.room, row, voice, outbox.text, is_final, event_id, shown_id,"
    " created_at, outbox.state, remote_id, outbox.reason, keyboard, outbox.files, amends,"
    " message_id, language, thread_id, footer, folded"
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
    *arrived, files, edits, pressed, decided, redacts, thread_id, shared = columns
    first = (*arrived[:9], bool(arrived[9]), RowState(arrived[10]), *arrived[11:])
    last = (press(pressed), decided, redacts, thread_id, bool(shared))
    values = (*first, remote_files(files), edits, *last)
    return Row(*values)


def _outbox_row(columns: tuple[Any, ...]) -> OutboxRow:
    id_, uid, room, row, voice, text, is_final, event_id, shown_id, created_at, *rest = columns
    state, remote_id, reason, buttons, files, amended, message_id, language, *rest = rest
    thread_id, footer, folded = rest
    return OutboxRow(
        id=OutboxId(id_),
        uid=uid,
        room=room,
        row=row,
        voice=Voice(voice),
        text=text,
        is_final=bool(is_final),
        reply_to_event=event_id,
        shown_id=shown_id,
        created_at=created_at,
        state=OutboxState(state),
        remote_id=remote_id,
        reason=reason,
        keyboard=keyboard(buttons),
        files=local_files(files),
        amends=amends(amended),
        reply_to_id=message_id or RemoteId(""),
        language=language or Language(""),
        thread_id=thread_id or RemoteId(""),
        footer=footer,
        folded=folded,
    )
