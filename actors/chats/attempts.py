"""When a message was tried often enough: pure.

A crash of the session counts fully; a start that a kill of the whole program cut short counts
little, since the message is hardly to blame. So each start notes which program made it.
"""

import json

from attrs import frozen

from protocols.changes import PutKey
from protocols.ids import RoomId, RowId
from protocols.journal import Row, RowState

MOST_CRASHES = 3
"""A message that crashed its session so often within one life of the program is set aside."""

MOST_STARTS = 10
"""And so is one that was started so often at all: it may be what kills the program."""


@frozen
class Start:
    """The newest start of a turn in one room.

    Args:
        program: Told apart from other lives of the program by this; any text.
        crashes: How often the same message had crashed its session before, in that life.
    """

    row: RowId
    program: str
    crashes: int


def start_key(room: RoomId) -> str:
    """Where the newest start in *room* is kept."""
    return f"start:{room}"


def remember_start(room: RoomId, start: Start) -> PutKey:
    """The change that keeps *start*."""
    facts = {"row": start.row, "program": start.program, "crashes": start.crashes}
    return PutKey(start_key(room), json.dumps(facts))


def next_start(row: Row, kept: str | None, program: str) -> Start:
    """The start of *row* now, after the one in the stored text *kept*."""
    before = None if kept is None else Start(**json.loads(kept))
    if before is None or before.row != row.id or before.program != program:
        return Start(row.id, program, 0)
    # What was put back in good order is queued; what crashed is still running.
    return Start(row.id, program, before.crashes + (row.state is RowState.RUNNING))


def is_enough(row: Row, start: Start) -> bool:
    """Whether *row* is set aside rather than started once more."""
    return start.crashes >= MOST_CRASHES or row.attempts >= MOST_STARTS
