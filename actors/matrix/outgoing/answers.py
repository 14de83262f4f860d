"""Delivers outbox rows: each one exactly once, in order, in the place of its draft."""

import structlog
from attrs import define, field

from actors.kernel.asking import ask_until_answered
from actors.matrix.outgoing.posting import Post, Posted, PostOutcome, PostRefused, TooLarge
from actors.matrix.outgoing.render import Content, as_edit, contents, smaller_contents
from actors.matrix.outgoing.turns import Desk
from protocols.ids import RemoteId, RoomId, RowId, native_id
from protocols.mail import Address
from protocols.store import (
    Commit,
    Conflict,
    FailedOutgoing,
    OutboxRow,
    Outgoing,
    SentOutgoing,
    StoreMessage,
)

log = structlog.get_logger("matrix.answers")


@define
class Answers:
    """The way from the outbox into the room.

    Args:
        found_drafts: Drafts of an earlier life that the server showed us and the journal lacks.
    """

    store: Address[StoreMessage]
    post: Post
    found_drafts: dict[RowId, RemoteId] = field(factory=dict)

    async def deliver(self, room: RoomId, desk: Desk) -> None:
        """Send everything that waits for *room*."""
        desk.has_outgoing = False
        while waiting := await ask_until_answered(self.store, Outgoing(room)):
            for row in waiting:
                change = await self._send(row, desk)
                outcome = await ask_until_answered(self.store, Commit((change,)))
                if isinstance(outcome, Conflict):
                    log.error("outcome.conflicted", outbox_id=row.id)
                    return
        desk.forget_over()

    async def _send(self, row: OutboxRow, desk: Desk) -> SentOutgoing | FailedOutgoing:
        sent: list[RemoteId] = []
        shown_id = await self._shown_id(row, desk)
        for number, content in enumerate(contents(row.text, row.voice)):
            outcome = await self._send_piece(
                row, f"{row.uid}-{number}", content, replaces=None if sent else shown_id
            )
            if isinstance(outcome, PostRefused):
                log.warning("answer.refused", outbox_id=row.id, reason=outcome.reason)
                return FailedOutgoing(row.id, outcome.reason)
            sent.append(outcome.event_id)
        if not sent:
            return FailedOutgoing(row.id, "there is nothing to show")
        if row.is_final and row.row in desk.turns:
            desk.turns[row.row].end()
        log.info("answer.delivered", outbox_id=row.id, pieces=len(sent))
        return SentOutgoing(row.id, sent[0])

    async def _send_piece(
        self, row: OutboxRow, txn: str, content: Content, *, replaces: RemoteId | None
    ) -> Posted | PostRefused:
        """Send *content*, in smaller pieces if the server finds it too large."""
        match await self._send_once(row, txn, content, replaces):
            case TooLarge():
                return await self._send_smaller(row, txn, content, replaces)
            case PostRefused() if replaces is not None:
                # The draft cannot be edited (any more): the answer still has to be seen.
                return await self._send_piece(row, f"{txn}-new", content, replaces=None)
            case outcome:
                return outcome

    async def _send_once(
        self, row: OutboxRow, txn: str, content: Content, replaces: RemoteId | None
    ) -> PostOutcome:
        room = native_id(row.room)
        if replaces is None:
            return await self.post.deliver(room, txn, content)
        outcome = await self.post.deliver(room, txn, as_edit(content, replaces))
        return Posted(replaces) if isinstance(outcome, Posted) else outcome

    async def _send_smaller(
        self, row: OutboxRow, txn: str, content: Content, replaces: RemoteId | None
    ) -> Posted | PostRefused:
        smaller = smaller_contents(content, row.voice)
        if smaller == [content]:
            return PostRefused("the homeserver finds the smallest piece too large")
        first: Posted | None = None
        for number, part in enumerate(smaller):
            outcome = await self._send_piece(
                row, f"{txn}.{number}", part, replaces=None if first else replaces
            )
            if isinstance(outcome, PostRefused):
                return outcome
            first = first or outcome
        return first or PostRefused("there is nothing to show")

    async def _shown_id(self, row: OutboxRow, desk: Desk) -> RemoteId | None:
        """The event whose place the answer takes."""
        if not row.is_final or row.row is None:
            return None
        turn, found_id = desk.turns.get(row.row), self.found_drafts.pop(row.row, None)
        if turn is None:
            return row.shown_id or found_id
        if turn.is_unsure:
            # The same transaction again tells which event it became, or would have become.
            outcome = await self.post.deliver(native_id(row.room), turn.txn, turn.shown)
            turn.is_unsure = False
            turn.shown_id = outcome.event_id if isinstance(outcome, Posted) else None
        return turn.shown_id or row.shown_id or found_id
