"""Delivers outbox rows: each in order, an answer in the place of its draft.

Telegram has no idempotency key: a message that is sent twice stands there twice. An edit may be
repeated. So an answer is always put in the place of a message whose id is in the journal; what
follows it is sent at once, and only if nobody knows whether it was, put in such a place, too.
"""

import json
from typing import assert_never

import structlog
from attrs import define, evolve, field, frozen

from actors.telegram.limits import Urgency
from actors.telegram.outcomes import (
    Ambiguous,
    Done,
    Forbidden,
    NotModified,
    Refusal,
    Refused,
    Sent,
)
from actors.telegram.posting import Post, ask_store
from actors.telegram.render import PLACEHOLDER, Piece, pieces
from actors.telegram.turns import Desk
from protocols.ids import RemoteId, RoomId, RowId
from protocols.mail import Address
from protocols.store import (
    Commit,
    DeleteKey,
    FailedOutgoing,
    FindKeys,
    OutboxRow,
    Outgoing,
    PutKey,
    SentOutgoing,
    StoreMessage,
)

log = structlog.get_logger("telegram.delivery")

PART_PREFIX = "telegram_part:"
"""The keys that say how much of an outgoing message stands in its chat, by the message's uid."""

_MOST_PLACES = 3


@frozen
class Progress:
    """How far one outgoing message has come.

    Args:
        done: So many pieces stand in the chat, the first of them as *first_id*.
        place: The message that is there for the next piece.
    """

    done: int = 0
    first_id: int = 0
    place: int | None = None

    def text(self) -> str:
        """The JSON that remembers it."""
        return json.dumps([self.done, self.first_id, self.place])

    @classmethod
    def of(cls, text: str) -> "Progress":
        """What *text* remembers."""
        match json.loads(text):
            case [int(done), int(first_id), int() | None as place]:
                return cls(done, first_id, place)
            case _:
                return cls()


@frozen
class Failed:
    """It will never stand there; *reason* says why."""

    reason: str


@define
class Delivery:
    """The way from the outbox into the chats."""

    store: Address[StoreMessage]
    post: Post
    _parts: dict[str, Progress] = field(factory=dict)

    async def remember(self) -> None:
        """Go on where an earlier life was."""
        for key, value in await ask_store(self.store, FindKeys(PART_PREFIX)):
            self._parts[key] = Progress.of(value)

    async def deliver(self, room: RoomId, desk: Desk) -> None:
        """Send everything that waits for *room*."""
        desk.has_outgoing = False
        while waiting := await ask_store(self.store, Outgoing(room)):
            for row in waiting:
                await self._settle(await self._send(row, desk), row)
        desk.forget_over()

    async def _settle(self, change: SentOutgoing | FailedOutgoing, row: OutboxRow) -> None:
        key = _key(row)
        forget = (DeleteKey(key),) if self._parts.pop(key, None) is not None else ()
        await ask_store(self.store, Commit((change, *forget)))

    async def _send(self, row: OutboxRow, desk: Desk) -> SentOutgoing | FailedOutgoing:
        if self.post.targets.is_closed(row.room, row.row):
            return FailedOutgoing(row.id, "the chat is closed to the bot")
        outcome = await self._send_pieces(row, self._shown_id(row, desk), desk)
        if _is_answer(row) and row.row in desk.turns:
            desk.turns[row.row].end()
        if isinstance(outcome, Failed):
            log.warning("answer.refused", outbox_id=row.id, reason=outcome.reason)
            self.post.tally.count("refused")
            return FailedOutgoing(row.id, outcome.reason)
        log.info("answer.delivered", outbox_id=row.id)
        self.post.tally.count("delivered")
        return SentOutgoing(row.id, RemoteId(str(outcome)))

    async def _send_pieces(self, row: OutboxRow, shown_id: int | None, desk: Desk) -> int | Failed:
        """The id of the first piece."""
        found = pieces(row.text)
        progress = self._parts.get(_key(row), Progress(place=shown_id))
        if not found:
            return Failed("there is nothing to show")
        for number, piece in enumerate(found):
            if number < progress.done:
                continue
            outcome = await self._send_piece(row, piece, progress)
            match outcome:
                case int(message_id):
                    first_id = progress.first_id or message_id
                    progress = Progress(number + 1, first_id)
                case Forbidden(reason):
                    self.post.close(row.room, max(desk.newest_row, row.row or RowId(0)))
                    return Failed(f"the chat is closed to the bot: {reason}")
                case Refused(reason=reason):
                    return Failed(f"Telegram refused: {reason}")
                case _:
                    assert_never(outcome)
            if progress.done < len(found):
                await self._keep(row, progress)
        return progress.first_id

    async def _send_piece(
        self, row: OutboxRow, piece: Piece, progress: Progress
    ) -> int | Forbidden | Refused:
        """The id of its message."""
        urgency = Urgency.FINAL if _is_answer(row) else Urgency.NOTICE
        if progress.place is None and not (_is_answer(row) and progress.done == 0):
            match sent := await self.post.send(row.room, piece, urgency):
                case Sent(message_id):
                    return message_id
                case Forbidden() | Refused():
                    return sent
                case Ambiguous() | NotModified() | Done():
                    pass  # it may stand there: once more at most, however often we try
                case _:
                    assert_never(sent)
        return await self._put_in_place(row, piece, progress, urgency)

    async def _put_in_place(
        self, row: OutboxRow, piece: Piece, progress: Progress, urgency: Urgency
    ) -> int | Forbidden | Refused:
        for _ in range(_MOST_PLACES):
            place = progress.place or await self._make_place(row, progress, urgency)
            if not isinstance(place, int):
                return place
            outcome = await self.post.edit(row.room, place, piece, urgency)
            match outcome:
                case Sent() | NotModified() | Done() | Ambiguous():
                    return place
                case Refused(why=Refusal.MESSAGE_GONE):
                    # Somebody deleted it: the answer still has to be seen.
                    progress = evolve(progress, place=None)
                case Forbidden() | Refused():
                    return outcome
                case _:
                    assert_never(outcome)
        return Refused(400, "every message for it was deleted at once")

    async def _make_place(
        self, row: OutboxRow, progress: Progress, urgency: Urgency
    ) -> int | Forbidden | Refused:
        """A message of ours that may be edited, in the journal."""
        while True:
            sent = await self.post.send(row.room, Piece(PLACEHOLDER), urgency)
            match sent:
                case Sent(message_id):
                    await self._keep(row, evolve(progress, place=message_id))
                    return message_id
                case Forbidden() | Refused():
                    return sent
                case Ambiguous() | NotModified() | Done():
                    continue
                case _:
                    assert_never(sent)

    async def _keep(self, row: OutboxRow, progress: Progress) -> None:
        self._parts[_key(row)] = progress
        await ask_store(self.store, Commit((PutKey(_key(row), progress.text()),)))

    def _shown_id(self, row: OutboxRow, desk: Desk) -> int | None:
        """The message whose place the answer takes."""
        if not _is_answer(row) or row.row is None:
            return None
        turn = desk.turns.get(row.row)
        shown_id = row.shown_id if turn is None else turn.shown_id or row.shown_id
        return int(shown_id) if shown_id is not None and shown_id.isdecimal() else None


def _is_answer(row: OutboxRow) -> bool:
    return row.is_final and row.row is not None


def _key(row: OutboxRow) -> str:
    return PART_PREFIX + row.uid
