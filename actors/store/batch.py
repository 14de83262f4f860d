"""Group commit: one transaction for all that waits, a savepoint for each message that writes."""

import sqlite3
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar, assert_never

from attrs import field, frozen

from actors.store.arrivals import journal
from actors.store.changes import apply_changes
from actors.store.connection import Connection
from actors.store.errors import trouble_named, write_error
from actors.store.lookups import (
    Delivery,
    JournalLookup,
    OtherLookup,
    OutgoingLookup,
    look_up,
    look_up_journal,
    look_up_outgoing,
)
from protocols.store import (
    Commit,
    Committed,
    Conflict,
    DeadLetters,
    FinalOutgoing,
    FindEvent,
    FindKeys,
    FindMessage,
    FindOutgoing,
    FindRow,
    GetKey,
    History,
    Journal,
    Journaled,
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

A = TypeVar("A", Journaled, Committed | Conflict)

Durable = Journal | Commit | JournalLookup | OutgoingLookup | OtherLookup
"""What is answered within a transaction: all but backups."""

# What one message may be to blame for: a value that SQLite or a rule of ours refuses.
_FAULTS = (sqlite3.Error, ArithmeticError, TypeError, ValueError)


@frozen
class Batch:
    """A committed batch.

    Args:
        deliveries: One for each message that could be handled, in order.
        fault: What the first of the others raised; its changes were rolled back.
    """

    deliveries: tuple[Delivery, ...]
    fault: Exception | None = field(default=None)


def commit_batch(db: Connection, messages: Sequence[Durable], path: Path, now: float) -> Batch:
    """Handle *messages* in order and make them durable together; nobody has been answered yet.

    Raises:
        StoreWriteError: The disk failed; nothing of the batch was kept.
    """
    deliveries: list[Delivery] = []
    fault: Exception | None = None
    with trouble_named(path), db.transaction():
        for message in messages:
            try:
                deliveries.append(_handle(db, message, now))
            except _FAULTS as error:
                if write_error(error, path):
                    raise
                fault = fault or error
    return Batch(tuple(deliveries), fault)


def _handle(db: Connection, message: Durable, now: float) -> Delivery:
    match message:
        case Journal():
            journaled = _in_savepoint(db, partial(journal, db, message, now))
            return partial(message.reply_to.send, journaled)
        case Commit(changes):
            committed = _in_savepoint(db, partial(apply_changes, db, changes, now))
            return partial(message.reply_to.send, committed)
        case (UnsortedRows() | WaitingRows() | WaitingRooms()) | (
            (FindRow() | FindEvent() | FindMessage()) | (LastFinished() | RecentRows() | History())
        ):
            return look_up_journal(db, message)
        case Outgoing() | OutgoingRooms() | FinalOutgoing() | FindOutgoing():
            return look_up_outgoing(db, message)
        case ReadCursor() | GetKey() | FindKeys() | DeadLetters() | SummariseJournal():
            return look_up(db, message)
        case _:
            assert_never(message)


def _in_savepoint(db: Connection, work: Callable[[], A]) -> A:
    """Do *work*; what it changed is undone where it raises or conflicts."""
    keep = False
    db.execute("SAVEPOINT message")
    try:
        outcome = work()
        keep = not isinstance(outcome, Conflict)
    finally:
        if db.in_transaction:  # a full disk ends the whole transaction
            if not keep:
                db.execute("ROLLBACK TO message")
            db.execute("RELEASE message")
    return outcome
