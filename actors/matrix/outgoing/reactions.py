"""Shows on a person's message that it was taken, and where it came to nothing.

Each is one attempt: no answer waits for a sign. The server counts signs as it counts messages.
"""

from hashlib import sha256

import trio
from attrs import define, field

from actors.kernel.asking import ask_until_answered
from actors.matrix.outgoing.outcomes import Posted, Reaction, Redaction
from actors.matrix.outgoing.posting import Post
from actors.matrix.outgoing.turns import Desk, Ending, Turn
from actors.matrix.places import Places
from protocols.ids import RemoteId, RoomId, RowId
from protocols.journal import OutboxRow, Row, RowState
from protocols.mail import Address
from protocols.store import FindRow, StoreMessage

TAKEN, FAILED = "👀", "❌"

_WITHIN = 2.0
_SIGNS_OF_FAILURE = {RowState.FAILED, RowState.SET_ASIDE}


@define
class Reactions:
    """The way of a sign to the message that it is about.

    Args:
        is_on: Whether there are any.
        marked_before: An earlier life may have marked what was received up to then, in
            seconds since the epoch.
    """

    store: Address[StoreMessage]
    post: Post
    places: Places
    is_on: bool
    marked_before: float
    _marks: dict[RowId, RemoteId | None] = field(factory=dict)
    """The rows that may be marked, with our reaction where it is known."""

    async def take(self, room: RoomId, turn: Turn) -> None:
        """Show that the message of *turn* was taken, unless its row is finished."""
        turn.wants_mark = False
        row = await ask_until_answered(self.store, FindRow(turn.row))
        if row is None or row.state is not RowState.RUNNING or not _has_message(row):
            return
        self._marks[row.id] = None
        with trio.move_on_after(_WITHIN):
            self._marks[row.id] = await self._mark(self.places.find(room).room, row)

    async def settle(self, row: OutboxRow, desk: Desk, *, is_delivered: bool) -> None:
        """The outcome *row* stands in its room, or never will: say no more, or that it failed.

        What may not be said within or shortly after a penalty is said later, if we live on.
        """
        found = None if row.row is None else await ask_until_answered(self.store, FindRow(row.row))
        if not self.is_on or found is None or found.attempts == 0 or not _has_message(found):
            return  # no turn, so no sign: a command, for example
        has_failed = not is_delivered or found.state in _SIGNS_OF_FAILURE
        is_marked = found.id in self._marks or found.received_at <= self.marked_before
        if not has_failed and not is_marked:
            return
        ending = Ending(row.room, found, is_marked=is_marked, has_failed=has_failed)
        if trio.current_time() < self.post.penalty.drafts_from:
            desk.chores.append(ending)
        else:
            await self.show(ending)

    async def show(self, ending: Ending) -> None:
        """Take the first sign away, and put the second one where it failed."""
        room, row = self.places.find(ending.room).room, ending.row
        mark_id = self._marks.pop(row.id, None)
        with trio.move_on_after(_WITHIN):
            if ending.is_marked:
                # The same transaction again tells which event it became.
                mark_id = mark_id or await self._mark(room, row)
            if mark_id:
                await self.post.attempt(room, _txn("untaken", row), Redaction(mark_id))
            if ending.has_failed:
                failed = Reaction(row.message_id, FAILED)
                await self.post.attempt(room, _txn("failed", row), failed)

    async def _mark(self, room: str, row: Row) -> RemoteId | None:
        taken = Reaction(row.message_id, TAKEN)
        outcome = await self.post.attempt(room, _txn("taken", row), taken)
        return outcome.event_id if isinstance(outcome, Posted) else None


def _has_message(row: Row) -> bool:
    """Whether there is a message of a person to put a sign on; a press is none."""
    return bool(row.message_id) and row.press is None


def _txn(sign: str, row: Row) -> str:
    """The same in every life, and no other run's: a message may be answered anew."""
    return f"{sign}-{row.id}-{sha256(str(row.run_id).encode()).hexdigest()[:16]}"
