"""Which rows may run again, and as what; pure."""

import re

from actors.chats.tasks import is_push
from protocols.ids import EventId
from protocols.journal import FINAL, Arrival, Row, RowState

MOST_RETRIES = 100
"""Times that one message may be run again by the operator."""

RETRY = "retry"
"""How it is noted on a row that it runs again."""

RETRYABLE = frozenset({RowState.FAILED, RowState.STOPPED, RowState.SET_ASIDE})

_RETRIED = re.compile(r":r[0-9]+$")

_WHY_NOT = {
    RowState.RECEIVED: "waits already",
    RowState.QUEUED: "waits already",
    RowState.RUNNING: "is running",
    RowState.ANSWERED: "was answered",
    RowState.REFUSED: "was never accepted",
    RowState.IGNORED: "was never accepted",
}


def why_not(row: Row) -> str | None:
    """Why *row* cannot run again; None where it can."""
    if is_push(row) and row.state in FINAL:
        is_untold = row.state in {RowState.REFUSED, RowState.SET_ASIDE}
        return None if is_untold else "was pushed: only the platform can run it again"
    return _WHY_NOT.get(row.state)


def retry_arrival(row: Row, number: int, now: float) -> Arrival:
    """*row* as it arrives for the *number*-th time again: as event ``$abc:r1``, ``$abc:r2``."""
    return Arrival(
        event_id=EventId(f"{_RETRIED.sub('', row.event_id)}:r{number}"),
        room=row.room,
        sender=row.sender,
        sender_name=row.sender_name,
        text=row.text,
        sent_at=now,
        trace=row.trace,
        is_backlog=True,  # the operator's word counts more than a full queue
        message_id=row.message_id,
        language=row.language,
        files=row.files,
        thread_id=row.thread_id,
        is_shared=row.is_shared,
    )
