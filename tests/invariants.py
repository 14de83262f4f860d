"""What must be true of a journal, whatever happened on the way."""

from collections import Counter
from collections.abc import Iterable

from protocols.ids import PLATFORM, surface_of
from protocols.journal import FINAL, OutboxRow, Row, RowState

ROOM_GONE = "room is gone"
_FOR_OPERATOR = {RowState.REFUSED, RowState.SET_ASIDE}


def journal_faults(rows: Iterable[Row], outbox: Iterable[OutboxRow]) -> list[str]:
    """Everything that is wrong: rows without their one outcome, and answers out of order.

    Every row ends in exactly one visible outcome: one final outgoing message, or it is ignored
    with a reason, or its room is gone, or it is a push that nobody could be told of, which the
    operator has as a dead letter. Answers of one room stand in the order of its messages.
    What only changes an outcome comes after it and is none.
    """
    rows, outbox = list(rows), list(outbox)
    finals = Counter(out.row for out in outbox if out.is_final)
    faults = [fault for row in rows if (fault := _fault(row, finals[row.id])) is not None]
    return [*faults, *_order_faults(rows, outbox), *_change_faults(outbox)]


def _fault(row: Row, finals: int) -> str | None:
    what = f"row {row.id} ({row.state}, {row.attempts} attempts)"
    if row.state not in FINAL:
        return f"{what} is not finished" if finals == 0 else f"{what} has an outcome too early"
    if row.finished_at is None:
        return f"{what} has no end in time"
    is_silent = row.state is RowState.IGNORED or row.reason.startswith(ROOM_GONE)
    is_untold = _is_push(row) and row.state in _FOR_OPERATOR and row.reason.startswith("push: ")
    is_silent = is_silent or is_untold
    if is_silent and not row.reason:
        return f"{what} has no reason"
    if finals != (0 if is_silent else 1):
        return f"{what} has {finals} outcomes"
    return None


def _is_push(row: Row) -> bool:
    return surface_of(row.room) == PLATFORM


def _order_faults(rows: list[Row], outbox: list[OutboxRow]) -> list[str]:
    """Turns of one room whose answers overtook each other; commands and tasks may overtake."""
    turns = {row.id: row for row in rows if row.run_id is not None and not _is_push(row)}
    newest: dict[str, int] = {}
    faults = []
    for out in sorted(outbox, key=lambda out: out.id):
        if out.row not in turns or not out.is_final:
            continue
        if newest.get(out.room, 0) > out.row:
            faults.append(f"row {out.row} was answered after row {newest[out.room]}")
        newest[out.room] = max(newest.get(out.room, 0), out.row)
    return faults


def _change_faults(outbox: list[OutboxRow]) -> list[str]:
    """Changes of an outcome that is not there, and changes that count as one."""
    finals = {(out.row, out.room): out.id for out in outbox if out.is_final}
    faults = []
    for out in outbox:
        if out.amends is None:
            continue
        if out.is_final:
            faults.append(f"outgoing {out.id} changes an outcome and is one")
        if finals.get((out.amends.row, out.room), out.id) >= out.id:
            faults.append(f"outgoing {out.id} changes an outcome that is not there")
    return faults
