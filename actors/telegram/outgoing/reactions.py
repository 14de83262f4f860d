"""Shows on a person's message that it was taken, and where it came to nothing."""

import trio
from attrs import define

from actors.kernel.asking import ask_until_answered
from actors.telegram.api.outcomes import Ambiguous, Done, Failure
from actors.telegram.outgoing.limits import Urgency
from actors.telegram.outgoing.posting import NotNow, Post
from actors.telegram.outgoing.targets import message_number
from actors.telegram.outgoing.turns import Turn
from protocols.ids import RoomId
from protocols.journal import OutboxRow, Row, RowState
from protocols.mail import Address
from protocols.store import FindRow, StoreMessage

TAKEN = "👀"
FAILED = "💔"
"""Not ❌: of Telegram's own reactions only those that the Bot API lists under "ReactionTypeEmoji"
are taken, and ❌ is not among them (REACTION_INVALID)."""

_NONE = ""
_WITHIN = 2.0
_SIGNS_OF_FAILURE = {RowState.FAILED, RowState.SET_ASIDE}


@define
class Reactions:
    """The way of a reaction into the chat: one attempt each, as no answer may wait for it.

    A reaction is no message, so Telegram's limits for a chat do not count it.

    Args:
        is_on: Whether there are any.
        began_at: When this life began, in seconds since the epoch.
    """

    store: Address[StoreMessage]
    post: Post
    is_on: bool
    began_at: float

    async def take(self, room: RoomId, turn: Turn) -> None:
        """Show that the message of *turn* was taken."""
        turn.wants_mark = False
        if turn.asked_id is not None and not self.post.targets.is_closed(room, turn.row):
            turn.is_marked = await self._react(room, turn.asked_id, TAKEN, Urgency.TYPING)

    async def settle(self, row: OutboxRow, turn: Turn | None, *, is_delivered: bool) -> None:
        """The outcome *row* stands in its chat, or never will: say no more, or that it failed."""
        asked_id = message_number(row.reply_to_id)
        if not self.is_on or asked_id is None or row.row is None:
            return
        found = await ask_until_answered(self.store, FindRow(row.row))
        if found is None or found.attempts == 0 or self.post.targets.is_closed(row.room, row.row):
            return  # no turn, so no reaction: a command, for example
        if not is_delivered or found.state in _SIGNS_OF_FAILURE:
            await self._react(row.room, asked_id, FAILED, Urgency.NOTICE)
        elif self._may_be_marked(found, turn):
            await self._react(row.room, asked_id, _NONE, Urgency.NOTICE)

    async def _react(self, room: RoomId, message_id: int, emoji: str, urgency: Urgency) -> bool:
        """Whether it may stand there now."""
        target = self.post.targets.find(room)
        if target is None:
            return False

        async def ask() -> Done | Failure:
            with trio.move_on_after(_WITHIN):
                return await self.post.bot.react(target.chat, message_id, emoji)
            return Ambiguous("a reaction may not take so long")

        until = trio.current_time() + _WITHIN
        outcome = await self.post.aside(urgency, ask, room=room, until=until)
        return not isinstance(outcome, NotNow)

    def _may_be_marked(self, row: Row, turn: Turn | None) -> bool:
        """Whether this life or an earlier one may have shown that *row* was taken."""
        return turn is None or turn.is_marked or row.received_at <= self.began_at
