"""Sends one event until the server has it or refuses it; nothing goes into a room but from here.

Here is the guard of encrypted rooms: words go there sealed, or not at all.
"""

import json
import time
from collections.abc import Callable
from typing import assert_never

import structlog
import trio
from attrs import define, field

from actors.kernel.asking import ask_until_answered
from actors.matrix.api.homeserver import Homeserver
from actors.matrix.api.limits import MOST_STRANGE, PENALTY_KEY, SEALED_BYTES, Penalty
from actors.matrix.api.patience import pause
from actors.matrix.api.replies import (
    Done,
    Limited,
    Refused,
    Reply,
    TokenRefused,
    Unreachable,
    path_to,
)
from actors.matrix.api.status import Status
from actors.matrix.crypto.port import NotSealed, Sealed
from actors.matrix.outgoing.outcomes import (
    NotNow,
    Posted,
    PostOutcome,
    PostRefused,
    Reaction,
    Redaction,
    TooLarge,
    What,
)
from actors.matrix.outgoing.render import Content
from actors.matrix.outgoing.rooms import Closed, Encrypted, Open, Rooms, Unknown
from actors.metrics import PENALTIES
from actors.surfaces.penalties import penalty_left, penalty_text
from protocols.changes import PutKey
from protocols.ids import MATRIX, RemoteId
from protocols.mail import Address
from protocols.store import Commit, GetKey, StoreMessage

log = structlog.get_logger("matrix.posting")

_MESSAGE = "m.room.message"
_TOO_LARGE = 413
_NO_SESSION = "the session has ended"
_LEAST_GROWTH = 1.0  # seconds: what is shorter is not worth a commit
_KEPT_WITHIN = 5.0


@define
class Post:
    """All sends of the account: what one room is told to wait, all wait.

    Args:
        clock: Seconds since the epoch.
    """

    server: Homeserver
    rooms: Rooms
    status: Status
    store: Address[StoreMessage]
    clock: Callable[[], float] = time.time
    penalty: Penalty = field(factory=Penalty)
    _kept_until: float = 0.0
    _remembered: trio.Event = field(factory=trio.Event)
    _line: trio.Lock = field(factory=trio.Lock)
    _urgent: int = 0
    """So many answers wait in the line."""

    async def remember(self) -> None:
        """Honour a penalty of an earlier life; nothing is sent before."""
        text = await ask_until_answered(self.store, GetKey(PENALTY_KEY))
        left = penalty_left(text, self.clock())
        if left > 0:
            self._kept_until = self.clock() + left
            self.penalty.extend(trio.current_time(), left)
            self.status.limited(left)
        self._remembered.set()

    async def punish(self, wait: float) -> None:
        """The server wants *wait* seconds of silence, also from our next life."""
        self.penalty.extend(trio.current_time(), wait)
        self.status.limited(wait)
        PENALTIES.labels(MATRIX).inc()
        now = self.clock()
        if now + wait > self._kept_until + _LEAST_GROWTH:
            self._kept_until = now + wait
            text = penalty_text(now, wait)
            # Whoever gave up meanwhile, our next life has to know.
            with trio.move_on_after(_KEPT_WITHIN, shield=True):
                await ask_until_answered(self.store, Commit((PutKey(PENALTY_KEY, text),)))

    async def silence(self) -> None:
        """Wait until the penalty is over."""
        await self._remembered.wait()
        # A loop, because a request that was in the air may prolong it.
        while wait := self.penalty.left(trio.current_time()):  # noqa: ASYNC110  # see above
            await trio.sleep(wait)

    async def manner(self, room: str) -> Open | Encrypted | Closed:
        """How *room* may be written to; waits for the next session where ours has ended."""
        streak = 0
        while isinstance(room_is := await self.rooms.check(room), Unknown):
            streak += 1
            await pause(self.status, _NO_SESSION, streak)
        return room_is

    async def deliver(
        self, room: str, txn: str, what: What, *, is_urgent: bool = True
    ) -> PostOutcome:
        """Send until there is an outcome; the same *txn* makes every try the same event."""
        streak = strange = 0
        while True:
            outcome = await self.attempt(room, txn, what, is_urgent=is_urgent)
            if not isinstance(outcome, NotNow):
                return outcome
            strange += outcome.is_strange
            if strange == MOST_STRANGE:
                return PostRefused(outcome.trouble)
            if outcome.trouble:
                streak += 1
                await pause(self.status, outcome.trouble, streak)

    async def attempt(
        self, room: str, txn: str, what: What, *, is_urgent: bool = False
    ) -> PostOutcome | NotNow:
        """Send once, when the penalty is over; what *is_urgent* goes before what is not."""
        await self._remembered.wait()
        if not self.penalty.is_recent(trio.current_time()):
            return await self._put(room, txn, what)
        # After a penalty one by one, in the order of asking: all at once would earn the next.
        self._urgent += is_urgent
        try:
            await self._line.acquire()
        finally:
            self._urgent -= is_urgent
        try:
            await self.silence()
            if self._urgent and not is_urgent:
                return NotNow(is_unsure=False)
            return await self._put(room, txn, what)
        finally:
            self._line.release()

    async def _put(self, room: str, txn: str, what: What) -> PostOutcome | NotNow:
        room_is = await self.rooms.check(room)
        match room_is:
            case Closed(reason):
                return PostRefused(reason)
            case Unknown():
                return NotNow(is_unsure=False, trouble=_NO_SESSION)
            case Open() | Encrypted():
                if isinstance(what, Reaction | Redaction):
                    return await self._put_sign(room, txn, what)
                if isinstance(room_is, Encrypted):
                    return await self._put_sealed(room, txn, what)
                # Nothing may be waited for from the check to here.
                return await self._put_open(room, txn, what)
            case _:
                assert_never(room_is)

    async def _put_open(self, room: str, txn: str, content: Content) -> PostOutcome | NotNow:
        if self.penalty.left(trio.current_time()):
            return NotNow(is_unsure=False)
        return await self._outcome(await self.server.send(room, txn, content))

    async def _put_sealed(self, room: str, txn: str, content: Content) -> PostOutcome | NotNow:
        sealed = await self.rooms.vault.seal(room, _MESSAGE, content)
        match sealed:
            case NotSealed(reason, wait):
                if not wait:
                    return NotNow(is_unsure=False, trouble=reason)
                await self.punish(wait)
                return NotNow(is_unsure=False)
            case Sealed(shut):
                return await self._put_event(room, "m.room.encrypted", txn, _tied(shut, content))
            case _:
                assert_never(sealed)

    async def _put_sign(
        self, room: str, txn: str, sign: Reaction | Redaction
    ) -> PostOutcome | NotNow:
        match sign:
            case Reaction(event_id, emoji):
                relation = {"rel_type": "m.annotation", "event_id": event_id, "key": emoji}
                return await self._put_event(room, "m.reaction", txn, {"m.relates_to": relation})
            case Redaction(event_id):
                path = path_to("rooms", room, "redact", event_id, txn)
                return await self._request(path, {})
            case _:
                assert_never(sign)

    async def _put_event(
        self, room: str, kind: str, txn: str, content: Content
    ) -> PostOutcome | NotNow:
        """Send an event that is no message in the open."""
        if len(json.dumps(content, ensure_ascii=False).encode()) > SEALED_BYTES:
            return TooLarge()
        return await self._request(path_to("rooms", room, "send", kind, txn), content)

    async def _request(self, path: str, content: Content) -> PostOutcome | NotNow:
        if self.penalty.left(trio.current_time()):
            return NotNow(is_unsure=False)  # it began while we asked, or shared keys
        return await self._outcome(await self.server.request("PUT", path, content))

    async def _outcome(self, reply: Reply) -> PostOutcome | NotNow:
        match reply:
            case Done({"event_id": str(event_id)}):
                return Posted(RemoteId(event_id))
            case Limited(wait):
                await self.punish(wait)
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


def _tied(sealed: Content, content: Content) -> Content:
    """*sealed* with what *content* relates to: that stays readable for the server."""
    relation = content.get("m.relates_to")
    return sealed if relation is None else {**sealed, "m.relates_to": relation}


def _refusal(reply: Refused) -> TooLarge | PostRefused | NotNow:
    if reply.status == _TOO_LARGE or reply.errcode == "M_TOO_LARGE":
        return TooLarge()
    reason = f"the homeserver refused: {reply.status} {reply.errcode}".strip()
    if reply.is_strange:
        return NotNow(is_unsure=True, trouble=reason, is_strange=True)
    return PostRefused(reason)
