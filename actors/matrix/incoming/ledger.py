"""Makes a page durable together with its token."""

import structlog
from attrs import define, evolve

from actors.kernel.asking import ask_until_answered
from actors.matrix.incoming.meaning import OwnDraft
from actors.matrix.outgoing.drafts import Drafts
from actors.matrix.outgoing.rooms import Rooms
from actors.matrix.txns import draft_txn
from protocols.changes import Change
from protocols.ids import MATRIX, RemoteId, RoomId
from protocols.journal import Arrival, Cursor, Row
from protocols.mail import Address, NoAnswerError
from protocols.store import FindRow, Journal, ReadCursor, RecentRows, StoreMessage

log = structlog.get_logger("matrix.ledger")


@define
class Ledger:
    """What the journal knows of how far *me* has read."""

    store: Address[StoreMessage]
    rooms: Rooms
    drafts: Drafts
    me: str

    async def since(self) -> str:
        """The token up to which everything is in the journal; empty for a new account."""
        cursor = await ask_until_answered(self.store, ReadCursor(self._cursor_name))
        return cursor.value if cursor is not None else ""

    async def newest(self, room: RoomId) -> Row | None:
        """The newest row of *room*, else of all rooms: what came later, no token has passed."""
        rows = await ask_until_answered(self.store, RecentRows(1, room))
        rows = rows or await ask_until_answered(self.store, RecentRows(1))
        return rows[0] if rows else None

    async def note_drafts(self, drafts: list[OwnDraft]) -> None:
        """Remember our drafts before the token passes them, in case we were killed after sending.

        What the sender itself has remembered by then is found to be so.
        """
        for draft in drafts:
            row = await ask_until_answered(self.store, FindRow(draft.row))
            if row is None or row.shown_id is not None:
                continue
            if draft_txn(row.id, row.run_id) == draft.txn:
                await self.drafts.note(row.id, RemoteId(draft.event_id))

    async def write(self, arrivals: list[Arrival], extra: tuple[Change, ...], token: str) -> None:
        """Have it all in one transaction, however often the store dies meanwhile."""
        cursor = Cursor(self._cursor_name, token)
        question = Journal(MATRIX, tuple(arrivals), cursor, extra)
        while True:
            try:
                await self.store.ask(evolve(question))
            except NoAnswerError:
                self.rooms.lost_sight()
                # It may be durable all the same, and its extra changes must not come twice.
                if await ask_until_answered(self.store, ReadCursor(cursor.name)) == cursor:
                    return
            else:
                log.debug("batch.journaled", arrivals=len(arrivals), changes=len(extra))
                return

    @property
    def _cursor_name(self) -> str:
        return f"matrix:{self.me}"
