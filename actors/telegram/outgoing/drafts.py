"""Shows an answer while it grows, and never after it.

In one message that is edited now and then, or as a draft of Telegram's own.
"""

from typing import assert_never

import trio
from attrs import define, evolve

from actors.kernel.asking import ask_until_answered
from actors.telegram.api.keyboards import stop_keyboard
from actors.telegram.api.outcomes import (
    Done,
    Failure,
    Forbidden,
    NotModified,
    Refusal,
    Refused,
    Sent,
    Unreachable,
)
from actors.telegram.outgoing.limits import Urgency
from actors.telegram.outgoing.posting import Hindrance, NotNow, Post
from actors.telegram.outgoing.targets import Target, message_number
from actors.telegram.outgoing.turns import Desk, Turn
from actors.telegram.settings import Streaming, TelegramSettings
from actors.telegram.text.render import PLACEHOLDER, Piece, draft
from protocols.changes import ShowRow
from protocols.ids import RemoteId, RoomId
from protocols.journal import Keyboard, RowState
from protocols.mail import Address
from protocols.store import Commit, FindRow, StoreMessage

THINKING = Piece("")
"""A draft without text: Telegram says that the bot thinks."""


@define
class Drafts:
    """The way of a draft into the chat; nobody insists on one: the answer comes anyway."""

    store: Address[StoreMessage]
    post: Post
    settings: TelegramSettings

    async def show(self, room: RoomId, desk: Desk, turn: Turn) -> None:
        """Show *turn*, unless its row is finished or its chat closed."""
        if not turn.is_known and not await self._is_running(room, turn):
            desk.turns.pop(turn.row, None)
            return
        if self.post.targets.is_closed(room, turn.row):
            turn.is_hidden = True
            return
        match turn.streaming:
            case Streaming.OFF:
                turn.is_hidden = True
            case Streaming.DRAFT:
                await self._show_own_draft(room, desk, turn)
            case Streaming.EDIT if turn.shown_id is None:
                await self._show_placeholder(room, desk, turn)
            case Streaming.EDIT:
                await self._show_draft(room, desk, turn)
            case _:
                assert_never(turn.streaming)
        turn.next_at = trio.current_time() + self._pause_in(room)

    async def type(self, room: RoomId, desk: Desk, turn: Turn) -> None:
        """Show typing, if it may be before there is something else to do."""
        if self.post.targets.is_closed(room, turn.row):
            desk.typing_since = trio.current_time()
            return
        outcome = await self.post.attempt(
            room,
            Urgency.TYPING,
            lambda target: self.post.bot.send_typing(target.chat, target.thread),
            until=min(turn.show_at, turn.typing_until),
        )
        if not isinstance(outcome, NotNow):
            desk.typing_since = trio.current_time()
        self._heed(room, desk, outcome)

    async def _is_running(self, room: RoomId, turn: Turn) -> bool:
        """Whether the row still wants to be shown, and where and how."""
        row = await ask_until_answered(self.store, FindRow(turn.row))
        if row is None or row.state is not RowState.RUNNING:
            return False
        turn.is_known, turn.shown_id, turn.language = True, row.shown_id, row.language
        turn.asked_id = message_number(row.message_id)
        turn.wants_mark = self.settings.has_reactions and turn.asked_id is not None
        target = self.post.targets.find(room)
        if target is not None and turn.shown_id is None:
            # What an earlier life began as a message goes on as one.
            turn.streaming = self._streaming_of(turn, target)
        return True

    def _streaming_of(self, turn: Turn, target: Target) -> Streaming:
        streaming = self.settings.streaming.in_chat(target.chat)
        # Telegram's own draft fades, and a task may be silent for hours.
        return Streaming.EDIT if turn.is_task and streaming is Streaming.DRAFT else streaming

    async def _show_placeholder(self, room: RoomId, desk: Desk, turn: Turn) -> None:
        waits = Piece(PLACEHOLDER, keyboard=_stop_below(turn))
        outcome = await self.post.attempt(
            room,
            Urgency.DRAFT,
            lambda target: self.post.send_once(target, waits, target.reply_to(turn.asked_id)),
        )
        match outcome:
            case Sent(message_id):
                turn.shown_id = RemoteId(str(message_id))
                # If the row is finished by now, the answer comes next and knows it from here.
                await ask_until_answered(self.store, Commit((ShowRow(turn.row, turn.shown_id),)))
                self.post.tally.count("placeholders")
            case NotNow() | Unreachable():
                pass
            case _:
                # Also where it may stand there: one that nobody fills is enough.
                turn.is_hidden = True
        self._heed(room, desk, outcome)

    async def _show_draft(self, room: RoomId, desk: Desk, turn: Turn) -> None:
        piece, message_id = _newest(turn), message_number(turn.shown_id)
        if piece is None or piece == turn.shown or message_id is None:
            return
        edited = evolve(piece, keyboard=_stop_below(turn))

        outcome: Sent | NotModified | Hindrance = await self.post.attempt(
            room, Urgency.DRAFT, lambda target: self.post.edit_once(target, message_id, edited)
        )
        self._note(turn, piece, outcome)
        self._heed(room, desk, outcome)

    async def _show_own_draft(self, room: RoomId, desk: Desk, turn: Turn) -> None:
        piece = _newest(turn) or turn.shown or THINKING
        if piece == turn.shown and trio.current_time() < turn.renew_at:
            return

        async def ask(target: Target) -> Done | Failure:
            return await self.post.bot.send_draft(
                target.chat, turn.row, piece.text, piece.entities, thread_id=target.thread
            )

        outcome = await self.post.attempt(room, Urgency.DRAFT, ask)
        if isinstance(outcome, Done):
            turn.renew_at = trio.current_time() + self.settings.pace.draft_renewed
        self._note(turn, piece, outcome)
        self._heed(room, desk, outcome)

    def _note(
        self, turn: Turn, piece: Piece, outcome: Done | Sent | NotModified | Hindrance
    ) -> None:
        match outcome:
            case Done() | Sent() | NotModified():
                turn.shown = piece
                self.post.tally.count("drafts")
            case Refused(why=Refusal.MESSAGE_GONE):
                turn.is_hidden = True
            case Refused():
                turn.is_hidden = not piece.entities
                turn.is_plain = True
            case _:
                pass

    def _heed(self, room: RoomId, desk: Desk, outcome: object) -> None:
        """A chat that is closed to us gets nothing more."""
        if isinstance(outcome, Forbidden):
            self.post.close(room, desk.newest_row)

    def _pause_in(self, room: RoomId) -> float:
        target, pace = self.post.targets.find(room), self.settings.pace
        is_group = target is not None and target.chat < 0
        return pace.draft_group if is_group else pace.draft_private


def _stop_below(turn: Turn) -> Keyboard:
    """The button below what is shown; nobody here can stop a task of the agent's own."""
    return () if turn.is_task else stop_keyboard(turn.row, turn.language)


def _newest(turn: Turn) -> Piece | None:
    """What there is to show; it is taken."""
    newest, turn.draft = turn.draft, None
    piece = draft(newest.text, newest.status) if newest is not None else None
    if piece is None or not turn.is_plain:
        return piece
    return evolve(piece, text=piece.plain, entities=())
