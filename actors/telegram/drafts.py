"""Shows an answer while it grows: one message, edited now and then, never after its answer."""

import trio
from attrs import define

from actors.telegram.limits import Urgency
from actors.telegram.outcomes import (
    Forbidden,
    NotModified,
    Refusal,
    Refused,
    Sent,
    Unreachable,
)
from actors.telegram.posting import NotNow, Outcome, Post, ask_store
from actors.telegram.render import PLACEHOLDER, Piece, draft
from actors.telegram.settings import Pace
from actors.telegram.turns import Desk, Turn
from protocols.ids import RemoteId, RoomId
from protocols.mail import Address
from protocols.store import Commit, FindRow, RowState, ShowRow, StoreMessage


@define
class Drafts:
    """The way of a draft into the chat; nobody insists on one: the answer comes anyway."""

    store: Address[StoreMessage]
    post: Post
    pace: Pace

    async def show(self, room: RoomId, desk: Desk, turn: Turn) -> None:
        """Show *turn*, unless its row is finished or its chat closed."""
        if not turn.is_known and not await self._is_running(turn):
            desk.turns.pop(turn.row, None)
            return
        if self.post.targets.is_closed(room, turn.row):
            turn.is_hidden = True
            return
        if turn.shown_id is None:
            await self._show_placeholder(room, desk, turn)
        elif turn.draft is not None:
            await self._show_draft(room, desk, turn)
        turn.next_at = trio.current_time() + self._pause_in(room)

    async def type(self, room: RoomId, desk: Desk, turn: Turn) -> None:
        """Show typing, if it may be before there is something else to do."""
        if self.post.targets.is_closed(room, turn.row):
            desk.typing_since = trio.current_time()
            return
        due = turn.next_at if turn.wants_showing else turn.typing_until
        outcome = await self.post.attempt(
            room,
            Urgency.TYPING,
            lambda target: self.post.bot.send_typing(target.chat, target.thread),
            until=min(due, turn.typing_until),
        )
        if not isinstance(outcome, NotNow):
            desk.typing_since = trio.current_time()
        self._heed(room, desk, outcome)

    async def _is_running(self, turn: Turn) -> bool:
        """Whether the row still wants to be shown, and where."""
        row = await ask_store(self.store, FindRow(turn.row))
        if row is None or row.state is not RowState.RUNNING:
            return False
        turn.is_known, turn.shown_id = True, row.shown_id
        return True

    async def _show_placeholder(self, room: RoomId, desk: Desk, turn: Turn) -> None:
        outcome = await self.post.attempt(
            room,
            Urgency.DRAFT,
            lambda target: self.post.bot.send_message(
                target.chat, PLACEHOLDER, thread_id=target.thread
            ),
        )
        match outcome:
            case Sent(message_id):
                turn.shown_id = RemoteId(str(message_id))
                # If the row is finished by now, the answer comes next and knows it from here.
                await ask_store(self.store, Commit((ShowRow(turn.row, turn.shown_id),)))
                self.post.tally.count("placeholders")
            case NotNow() | Unreachable():
                pass
            case _:
                # Also where it may stand there: one that nobody fills is enough.
                turn.is_hidden = True
        self._heed(room, desk, outcome)

    async def _show_draft(self, room: RoomId, desk: Desk, turn: Turn) -> None:
        newest, turn.draft = turn.draft, None
        piece = draft(newest.text, newest.status) if newest is not None else None
        if piece is None or piece == turn.shown or turn.shown_id is None:
            return
        outcome = await self._edit(room, int(turn.shown_id), piece, is_plain=turn.is_plain)
        match outcome:
            case Sent() | NotModified():
                turn.shown = piece
                self.post.tally.count("drafts")
            case Refused(why=Refusal.MESSAGE_GONE):
                turn.is_hidden = True
            case Refused():
                turn.is_plain = True
            case _:
                pass
        self._heed(room, desk, outcome)

    async def _edit(
        self, room: RoomId, message_id: int, piece: Piece, *, is_plain: bool
    ) -> Outcome:
        text, entities = (piece.plain, ()) if is_plain else (piece.text, piece.entities)
        return await self.post.attempt(
            room,
            Urgency.DRAFT,
            lambda target: self.post.bot.edit_message(target.chat, message_id, text, entities),
        )

    def _heed(self, room: RoomId, desk: Desk, outcome: Outcome) -> None:
        """A chat that is closed to us gets nothing more."""
        if isinstance(outcome, Forbidden):
            self.post.close(room, desk.newest_row)

    def _pause_in(self, room: RoomId) -> float:
        target = self.post.targets.find(room)
        is_group = target is not None and target.chat < 0
        return self.pace.draft_group if is_group else self.pace.draft_private
