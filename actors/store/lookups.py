"""Answers to the questions that change nothing."""

from collections.abc import Callable
from functools import partial
from itertools import takewhile
from typing import assert_never

from actors.store.connection import Connection
from actors.store.rows import dead_letters, journal_row, journal_rows, outbox_rows
from protocols.ids import RoomId, SurfaceName, surface_of
from protocols.journal import Cursor, Exchange, Row
from protocols.store import (
    HELD_BACK,
    DeadLetters,
    FinalOutgoing,
    FindEvent,
    FindKeys,
    FindMessage,
    FindOutgoing,
    FindRow,
    GetKey,
    History,
    JournalSummary,
    LastFinished,
    Outgoing,
    OutgoingRooms,
    ReadCursor,
    RecentRows,
    SummariseJournal,
    UnsortedRows,
    WaitingRooms,
    WaitingRows,
)

Delivery = Callable[[], None]
"""Puts an answer into its asker's hands; called once the batch is durable."""

NamedLookup = FindRow | FindEvent | FindMessage
PastLookup = LastFinished | RecentRows | History
JournalLookup = UnsortedRows | WaitingRows | WaitingRooms | NamedLookup | PastLookup
OutgoingLookup = Outgoing | OutgoingRooms | FinalOutgoing | FindOutgoing
OtherLookup = ReadCursor | GetKey | FindKeys | DeadLetters | SummariseJournal


def look_up_journal(db: Connection, question: JournalLookup) -> Delivery:
    """The answer to a question about journal rows."""
    match question:
        case UnsortedRows(after, limit):
            rows = journal_rows(
                db,
                "WHERE state = 'received' AND id > ? ORDER BY id LIMIT ?",
                after,
                max(0, limit),
            )
            return partial(question.reply_to.send, rows)
        case WaitingRows(room, after, limit):
            rows = journal_rows(
                db,
                "WHERE room = ? AND state IN ('queued', 'running') AND id > ? ORDER BY id LIMIT ?",
                room,
                after,
                max(0, limit),
            )
            return partial(question.reply_to.send, rows)
        case WaitingRooms():
            return partial(question.reply_to.send, _waiting_rooms(db))
        case FindRow() | FindEvent() | FindMessage():
            return partial(question.reply_to.send, _named(db, question))
        case LastFinished() | RecentRows() | History():
            return _look_up_past(db, question)
        case _:
            assert_never(question)


def look_up_outgoing(db: Connection, question: OutgoingLookup) -> Delivery:
    """The answer to a question about what waits to be sent."""
    match question:
        case Outgoing(room, limit):
            outgoing = outbox_rows(
                db,
                "WHERE outbox.room = ? AND outbox.state = 'pending' ORDER BY outbox.id LIMIT ?",
                room,
                max(0, limit),
            )
            return partial(question.reply_to.send, outgoing)
        case FinalOutgoing(row):
            found = outbox_rows(db, "WHERE outbox.row = ? AND is_final ORDER BY outbox.id", row)
            return partial(question.reply_to.send, next(iter(found), None))
        case FindOutgoing(room, remote_id):
            found = outbox_rows(
                db,
                "WHERE outbox.room = ? AND remote_id = ? ORDER BY outbox.id DESC LIMIT 1",
                room,
                remote_id,
            )
            return partial(question.reply_to.send, next(iter(found), None))
        case OutgoingRooms(surface):
            return partial(question.reply_to.send, _outgoing_rooms(db, surface))
        case _:
            assert_never(question)


def look_up(db: Connection, question: OtherLookup) -> Delivery:
    """The answer to a question about anything else."""
    match question:
        case ReadCursor(name):
            value = _value(db, "SELECT value FROM cursor WHERE name = ?", name)
            return partial(question.reply_to.send, None if value is None else Cursor(name, value))
        case GetKey(key):
            value = _value(db, "SELECT value FROM kv WHERE key = ?", key)
            return partial(question.reply_to.send, value)
        case FindKeys(prefix):
            return partial(question.reply_to.send, _find_keys(db, prefix))
        case DeadLetters(limit):
            return partial(question.reply_to.send, dead_letters(db, max(0, limit)))
        case SummariseJournal():
            return partial(question.reply_to.send, _summary(db))
        case _:
            assert_never(question)


def _look_up_past(db: Connection, question: PastLookup) -> Delivery:
    match question:
        case LastFinished():
            return partial(question.reply_to.send, _last_finished(db, question))
        case RecentRows():
            return partial(question.reply_to.send, _recent_rows(db, question))
        case History():
            return partial(question.reply_to.send, _history(db, question))
        case _:
            assert_never(question)


def _waiting_rooms(db: Connection) -> tuple[RoomId, ...]:
    found = db.execute(
        "SELECT room FROM inbox WHERE state IN ('queued', 'running') GROUP BY room ORDER BY min(id)"
    )
    return tuple(room for (room,) in found)


def _named(db: Connection, question: NamedLookup) -> Row | None:
    match question:
        case FindRow(row):
            return journal_row(db, row)
        case FindEvent(surface, event_id):
            found = journal_rows(db, "WHERE surface = ? AND event_id = ?", surface, event_id)
            return next(iter(found), None)
        case FindMessage():
            return _message(db, question)
        case _:
            assert_never(question)


def _message(db: Connection, question: FindMessage) -> Row | None:
    found = journal_rows(
        db,
        "WHERE room = ? AND message_id = ? AND message_id <> '' AND edits IS NULL AND press IS NULL"
        " AND redacts IS NULL ORDER BY id DESC LIMIT 1",
        question.room,
        question.message_id,
    )
    return next(iter(found), None)


def _last_finished(db: Connection, question: LastFinished) -> Row | None:
    found = journal_rows(
        db,
        "WHERE room = ? AND sender = ? AND state IN ('failed', 'stopped', 'set_aside')"
        " ORDER BY id DESC LIMIT 1",
        question.room,
        question.sender,
    )
    return next(iter(found), None)


def _recent_rows(db: Connection, question: RecentRows) -> tuple[Row, ...]:
    limit = max(0, question.limit)
    if question.room is None:
        return journal_rows(db, "ORDER BY id DESC LIMIT ?", limit)
    return journal_rows(db, "WHERE room = ? ORDER BY id DESC LIMIT ?", question.room, limit)


# CROSS JOIN: the rows of the room are read newest first, and only as many as are needed.
# A row that a button sent again has its words once more in the row that it became.
_EXCHANGES = (
    "SELECT past.text, outbox.text FROM inbox AS now"
    " CROSS JOIN inbox AS past ON past.room = now.room AND past.id < now.id"
    " CROSS JOIN outbox ON outbox.id ="
    " (SELECT min(id) FROM outbox AS final WHERE final.row = past.id AND is_final)"
    " WHERE now.id = ? AND past.sender = now.sender AND past.slot = now.slot AND voice = 'agent'"
    " AND past.decided <> 'retry' ORDER BY past.id DESC"
)


def _history(db: Connection, question: History) -> tuple[Exchange, ...]:
    newest: list[Exchange] = []
    left = question.most_chars
    for asked, answered in db.execute(_EXCHANGES, (question.row,)):
        left -= len(asked) + len(answered)
        if left < 0:
            break
        newest.append(Exchange(asked, answered))
    return tuple(reversed(newest))


def _outgoing_rooms(db: Connection, surface: SurfaceName) -> tuple[RoomId, ...]:
    found = db.execute(
        "SELECT room FROM outbox WHERE state = 'pending' GROUP BY room ORDER BY min(id)"
    )
    return tuple(room for (room,) in found if surface_of(room) == surface)


def _find_keys(db: Connection, prefix: str) -> tuple[tuple[str, str], ...]:
    found = db.execute("SELECT key, value FROM kv WHERE key >= ? ORDER BY key", (prefix,))
    return tuple(takewhile(lambda pair: pair[0].startswith(prefix), found))


def _summary(db: Connection) -> JournalSummary:
    return JournalSummary(
        rows=dict(db.execute("SELECT state, count(*) FROM inbox GROUP BY state")),
        outgoing=dict(db.execute("SELECT state, count(*) FROM outbox GROUP BY state")),
        dead_letters=db.execute("SELECT count(*) FROM dead_letter").fetchone()[0],
        oldest_unfinished_at=db.execute(
            # A task that the platform works at may run for hours, and who was asked whether to be
            # answered may never say so: nothing waits for us.
            "SELECT min(received_at) FROM inbox WHERE state IN ('received', 'queued', 'running')"
            " AND NOT (state = 'running' AND surface = 'platform') AND NOT (state = 'received'"
            " AND EXISTS (SELECT 1 FROM kv WHERE key = ? || room || ' ' || sender))",
            (HELD_BACK,),
        ).fetchone()[0],
    )


def _value(db: Connection, sql: str, name: str) -> str | None:
    found = db.execute(sql, (name,)).fetchone()
    return None if found is None else str(found[0])
