"""Makes one request of Telegram, inside the limits, until there is something to say of it."""

import random
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar, assert_never

import structlog
import trio
from attrs import define, field, frozen

from actors.kernel.asking import ask_until_answered
from actors.kernel.backoff import Backoff
from actors.kernel.child import ParkedError
from actors.surfaces.penalties import penalty_left, penalty_text
from actors.telegram.api.bot import Bot
from actors.telegram.api.outcomes import (
    Ambiguous,
    Conflict,
    Failure,
    Forbidden,
    Migrated,
    NotModified,
    RateLimited,
    Refusal,
    Refused,
    Sent,
    Unauthorized,
    Unreachable,
)
from actors.telegram.incoming.batch import MOVED_PREFIX
from actors.telegram.outgoing.gate import Gate, Pass
from actors.telegram.outgoing.limits import PENALTY_KEY, Urgency
from actors.telegram.outgoing.tally import Tally
from actors.telegram.outgoing.targets import Target, Targets
from actors.telegram.text.render import Piece, simpler
from protocols.changes import PutKey
from protocols.ids import RoomId, RowId
from protocols.mail import Address
from protocols.store import Commit, GetKey, StoreMessage

log = structlog.get_logger("telegram.posting")

G = TypeVar("G")  # what a request ends in when it is done

WRONG_TOKEN = "Telegram refused the token: set TELEGRAM_BOT_TOKEN"  # noqa: S105  # words

_TROUBLE = Backoff(first=1.0, longest=60.0, jitter=0.25)
_NOT_FOR_THE_FORMATTING = {Refusal.MESSAGE_GONE, Refusal.CHAT_GONE, Refusal.THREAD_GONE}
_NO_ROOM = Refused(400, "this is no room of Telegram's")


@frozen
class NotNow:
    """It was withdrawn before it was sent, or Telegram wants silence first."""


Hindrance = Forbidden | Refused | Unreachable | Ambiguous | NotNow
"""Why one attempt did not do it."""

End = Forbidden | Refused | Ambiguous
"""Why it is not done, or nobody knows whether it is, and that remains so."""

Ask = Callable[[Target], Awaitable[G | Failure]]
Mark = Callable[[], Awaitable[None]]


@define
class Post:
    """All requests of the bot."""

    bot: Bot
    gate: Gate
    store: Address[StoreMessage]
    targets: Targets
    tally: Tally
    clock: Callable[[], float] = time.time
    passes: dict[RoomId, Pass] = field(factory=dict)
    """What each room waits with, so that it can be withdrawn."""
    _remembered: trio.Event = field(factory=trio.Event)

    async def remember(self) -> None:
        """Honour a penalty of an earlier life."""
        text = await ask_until_answered(self.store, GetKey(PENALTY_KEY))
        left = penalty_left(text, self.clock())
        if left > 0:
            self.gate.punish(left)
            self.tally.limited(left)
        self._remembered.set()

    def withdraw(self, room: RoomId, least: Urgency) -> None:
        """Let nothing of *room* wait that is not more urgent than *least*."""
        holder = self.passes.get(room)
        if holder is not None and holder.urgency >= least:
            holder.withdraw()

    def close(self, room: RoomId, newest: RowId) -> None:
        """The chat of *room* is closed to us, for everything that the rows up to *newest* want."""
        target = self.targets.find(room)
        if target is not None:
            log.info("chat.closed", room=room)
            self.targets.close(target.chat, newest)
            self.tally.count("closed chats")

    async def send(
        self,
        room: RoomId,
        piece: Piece,
        urgency: Urgency,
        *,
        reply_to: int | None = None,
        mark: Mark | None = None,
    ) -> Sent | End:
        """A new message; ``Ambiguous`` if it may stand there or not."""

        async def say(piece: Piece) -> Sent | End:
            return await self.insist(
                room, urgency, lambda target: self.send_once(target, piece, reply_to),
                is_repeatable=False, mark=mark,
            )  # fmt: skip

        return await _formatted(piece, say)

    async def edit(
        self, room: RoomId, message_id: int, piece: Piece, urgency: Urgency
    ) -> Sent | NotModified | End:
        """Replace a message; the same again changes nothing, so it is repeated until it is sure."""

        async def say(piece: Piece) -> Sent | NotModified | End:
            return await self.insist(
                room, urgency, lambda target: self.edit_once(target, message_id, piece),
                is_repeatable=True,
            )  # fmt: skip

        return await _formatted(piece, say)

    async def send_once(
        self, target: Target, piece: Piece, reply_to: int | None = None
    ) -> Sent | Failure:
        """One request for a new message."""
        return await self.bot.send_message(
            target.chat, piece.text, piece.entities,
            thread_id=target.thread, reply_to=reply_to, keyboard=piece.keyboard,
        )  # fmt: skip

    async def edit_once(
        self, target: Target, message_id: int, piece: Piece
    ) -> Sent | NotModified | Failure:
        """One request for an edit."""
        return await self.bot.edit_message(
            target.chat, message_id, piece.text, piece.entities, keyboard=piece.keyboard
        )

    async def insist(
        self,
        room: RoomId,
        urgency: Urgency,
        ask: Ask[G],
        *,
        is_repeatable: bool,
        mark: Mark | None = None,
        messages: int = 1,
    ) -> G | End:
        """Ask until it is done or never will be."""
        streak = 0
        while True:
            outcome = await self.attempt(room, urgency, ask, mark=mark, messages=messages)
            match outcome:
                case NotNow():
                    pass
                case Unreachable(reason):
                    streak += 1
                    await self._pause(reason, streak)
                case Ambiguous(reason):
                    streak += 1
                    await self._pause(reason, streak)
                    if not is_repeatable:
                        return outcome
                case _:
                    return outcome

    async def attempt(
        self,
        room: RoomId,
        urgency: Urgency,
        ask: Ask[G],
        *,
        until: float = float("inf"),
        mark: Mark | None = None,
        messages: int = 1,
    ) -> G | Hindrance:
        """Ask once, when it may be, but not later than *until*.

        What *mark* does is done before it is asked. It counts as so many *messages*.
        """
        while True:
            target = self.targets.find(room)
            if target is None:
                return _NO_ROOM
            with self.gate.line_up(
                target.chat, urgency, thread=target.thread, messages=messages
            ) as holder:
                if not await self._admitted(room, holder, until):
                    return NotNow()
                if mark is not None:
                    await mark()
                    if self.gate.is_silent:
                        return NotNow()
                outcome = await self._read(room, target, await ask(target))
            if outcome is not None:
                return outcome

    async def aside(
        self,
        urgency: Urgency,
        ask: Callable[[], Awaitable[G | Failure]],
        *,
        room: RoomId | None = None,
        chat: int | None = None,
        until: float = float("inf"),
    ) -> G | Hindrance:
        """Ask once, in no room's order; without *chat* it counts for the whole bot only.

        With *room* it can be withdrawn like everything of that room.
        """
        await self._remembered.wait()
        with self.gate.line_up(chat, urgency) as holder:
            if not await self._admitted(room, holder, until):
                return NotNow()
            return await self._weighed(await ask())

    async def _admitted(self, room: RoomId | None, holder: Pass, until: float) -> bool:
        if room is not None:
            self.passes[room] = holder
        with trio.move_on_at(until):
            await holder.admitted()
        if room is not None:
            del self.passes[room]
        return holder.is_admitted

    async def _read(
        self, room: RoomId, target: Target, answer: G | Failure
    ) -> G | Hindrance | None:
        """What *answer* means; None: ask again, at once but elsewhere."""
        match answer:
            case Refused(why=Refusal.THREAD_GONE) if target.thread is not None:
                self.targets.lost_thread(room)
                return None
            case Migrated(chat_id) if chat_id != target.chat:
                self.targets.moved(target.chat, chat_id)
                moved = PutKey(f"{MOVED_PREFIX}{target.chat}", str(chat_id))
                await ask_until_answered(self.store, Commit((moved,)))
                return None
            case _:
                return await self._weighed(answer)

    async def _weighed(self, answer: G | Failure) -> G | Hindrance:
        if not isinstance(answer, Failure):
            self.tally.answered()
            return answer
        match answer:
            case Forbidden() | Refused():
                self.tally.answered()
                return answer
            case RateLimited(wait):
                await self._punish(wait)
                return NotNow()
            case Conflict(reason):
                return Ambiguous(reason)
            case Unreachable() | Ambiguous():
                return answer
            case Unauthorized():
                raise ParkedError(WRONG_TOKEN)
            case Migrated():
                return Refused(400, "the group moved, but not to anywhere else")
            case _:
                assert_never(answer)

    async def _punish(self, wait: float) -> None:
        self.gate.punish(wait)
        self.tally.limited(wait)
        text = penalty_text(self.clock(), wait)
        await ask_until_answered(self.store, Commit((PutKey(PENALTY_KEY, text),)))

    async def _pause(self, reason: str, streak: int) -> None:
        delay = _TROUBLE.delay_before(streak + 1, draw=random.random())  # noqa: S311  # no secret
        self.tally.unreachable(reason, delay)
        await trio.sleep(delay)


async def _formatted(piece: Piece, say: Callable[[Piece], Awaitable[G | End]]) -> G | End:
    """As it is, else with less: neither formatting nor buttons lose a message."""
    outcome = await say(piece)
    for less in simpler(piece):
        if not isinstance(outcome, Refused) or outcome.why in _NOT_FOR_THE_FORMATTING:
            break
        log.warning("formatting.refused", reason=outcome.reason)
        outcome = await say(less)
    return outcome
