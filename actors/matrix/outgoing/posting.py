"""Sends one event until the server has it or refuses it, inside the account's rate limit."""

from typing import assert_never

import structlog
import trio
from attrs import define, field, frozen

from actors.matrix.api.client import (
    Done,
    Homeserver,
    Limited,
    Refused,
    Reply,
    TokenRefused,
    Unreachable,
)
from actors.matrix.api.limits import Penalty
from actors.matrix.api.patience import pause
from actors.matrix.api.status import Status
from actors.matrix.outgoing.render import Content
from actors.matrix.outgoing.rooms import Closed, Open, Rooms, Unknown
from protocols.ids import RemoteId

log = structlog.get_logger("matrix.posting")

_TOO_LARGE = 413
_NO_SESSION = "the session has ended"


@frozen
class Posted:
    """The server has it."""

    event_id: RemoteId


@frozen
class TooLarge:
    """The event is larger than the server takes."""


@frozen
class PostRefused:
    """It will never be sent; *reason* says why."""

    reason: str


@frozen
class NotNow:
    """It was not sent, or nobody knows (``is_unsure``); *trouble* is why, empty in a penalty."""

    is_unsure: bool
    trouble: str = ""


PostOutcome = Posted | TooLarge | PostRefused


@define
class Post:
    """All sends of the account: what one room is told to wait, all wait."""

    server: Homeserver
    rooms: Rooms
    status: Status
    penalty: Penalty = field(factory=Penalty)
    _line: trio.Lock = field(factory=trio.Lock)

    async def deliver(self, room: str, txn: str, content: Content) -> PostOutcome:
        """Send until there is an outcome; the same *txn* makes every try the same event."""
        streak = 0
        while True:
            outcome = await self.attempt(room, txn, content)
            if isinstance(outcome, NotNow):
                if outcome.trouble:
                    streak += 1
                    await pause(self.status, outcome.trouble, streak)
                continue
            return outcome

    async def attempt(self, room: str, txn: str, content: Content) -> PostOutcome | NotNow:
        """Send once, when the penalty is over."""
        if not self.penalty.is_recent(trio.current_time()):
            return await self._put(room, txn, content)
        # After a penalty one by one, in the order of asking: all at once would earn the next.
        async with self._line:
            # A loop, because a send that was in the air may prolong it.
            while wait := self.penalty.left(trio.current_time()):  # noqa: ASYNC110  # see above
                await trio.sleep(wait)
            return await self._put(room, txn, content)

    async def _put(self, room: str, txn: str, content: Content) -> PostOutcome | NotNow:
        room_is = await self.rooms.check(room)
        match room_is:
            case Closed(reason):
                return PostRefused(reason)
            case Unknown():
                return NotNow(is_unsure=False, trouble=_NO_SESSION)
            case Open():
                return self._outcome(await self.server.send(room, txn, content))
            case _:
                assert_never(room_is)

    def _outcome(self, reply: Reply) -> PostOutcome | NotNow:
        match reply:
            case Done({"event_id": str(event_id)}):
                return Posted(RemoteId(event_id))
            case Limited(wait):
                self.penalty.extend(trio.current_time(), wait)
                self.status.limited(wait)
                return NotNow(is_unsure=False)
            case Refused():
                return _refusal(reply)
            case Unreachable(reason):
                return NotNow(is_unsure=True, trouble=reason)
            case Done():
                return NotNow(is_unsure=True, trouble="an answer without an event")
            case TokenRefused():
                # The reader's to mend: it renews the session, or ends this life.
                return NotNow(is_unsure=False, trouble=_NO_SESSION)
            case _:
                assert_never(reply)


def _refusal(reply: Refused) -> TooLarge | PostRefused:
    if reply.status == _TOO_LARGE or reply.errcode == "M_TOO_LARGE":
        return TooLarge()
    return PostRefused(f"the homeserver refused: {reply.status} {reply.errcode}")
