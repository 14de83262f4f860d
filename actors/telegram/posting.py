"""Makes one request of Telegram, inside the limits, until there is something to say of it."""

import random
import time
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar, assert_never

import structlog
import trio
from attrs import define, evolve, field, frozen

from actors.kernel.backoff import Backoff
from actors.kernel.child import ParkedError
from actors.telegram.fields import Entity
from actors.telegram.gate import Gate, Pass
from actors.telegram.limits import PENALTY_KEY, Urgency, penalty_left, penalty_text
from actors.telegram.outcomes import (
    Ambiguous,
    Conflict,
    Done,
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
from actors.telegram.render import Piece
from actors.telegram.tally import Tally
from actors.telegram.targets import Target, Targets
from protocols.ids import RoomId, RowId
from protocols.mail import Address, NoAnswerError, Question
from protocols.store import Commit, GetKey, PutKey, StoreMessage

log = structlog.get_logger("telegram.posting")

A = TypeVar("A")

WRONG_TOKEN = "Telegram refused the token: set TELEGRAM_BOT_TOKEN"  # noqa: S105  # words

_TROUBLE = Backoff(first=1.0, longest=60.0, jitter=0.25)
_NOT_FOR_THE_FORMATTING = {Refusal.MESSAGE_GONE, Refusal.CHAT_GONE, Refusal.THREAD_GONE}
_NO_ROOM = Refused(400, "this is no room of Telegram's")


class Bot(Protocol):
    """What sending needs of a client."""

    async def send_message(
        self, chat_id: int, text: str, entities: tuple[Entity, ...] = (), *, thread_id: int | None
    ) -> Sent | Failure:
        """Send a new message."""

    async def edit_message(
        self, chat_id: int, message_id: int, text: str, entities: tuple[Entity, ...] = ()
    ) -> Sent | NotModified | Failure:
        """Replace the text of a message."""

    async def send_typing(self, chat_id: int, thread_id: int | None = None) -> Done | Failure:
        """Show typing."""


@frozen
class NotNow:
    """It was withdrawn before it was sent, or Telegram wants silence first."""


Good = Sent | NotModified | Done
Outcome = Good | Forbidden | Refused | Unreachable | Ambiguous | NotNow
_Trouble = RateLimited | Conflict | Forbidden | Unreachable | Ambiguous
Settled = Good | Forbidden | Refused | Ambiguous
Ask = Callable[[Target], Awaitable[Good | Failure]]


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

    async def remember(self) -> None:
        """Honour a penalty of an earlier life."""
        text = await ask_store(self.store, GetKey(PENALTY_KEY))
        left = penalty_left(text, self.clock())
        if left > 0:
            self.gate.punish(left)
            self.tally.limited(left)

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

    async def send(self, room: RoomId, piece: Piece, urgency: Urgency) -> Settled:
        """A new message; ``Ambiguous`` if it may stand there or not."""

        async def ask(piece: Piece, target: Target) -> Good | Failure:
            return await self.bot.send_message(
                target.chat, piece.text, piece.entities, thread_id=target.thread
            )

        return await self._formatted(room, piece, urgency, ask, is_repeatable=False)

    async def edit(self, room: RoomId, message_id: int, piece: Piece, urgency: Urgency) -> Settled:
        """Replace a message; the same again changes nothing, so it is repeated until it is sure."""

        async def ask(piece: Piece, target: Target) -> Good | Failure:
            return await self.bot.edit_message(target.chat, message_id, piece.text, piece.entities)

        return await self._formatted(room, piece, urgency, ask, is_repeatable=True)

    async def insist(
        self, room: RoomId, urgency: Urgency, ask: Ask, *, is_repeatable: bool
    ) -> Settled:
        """Ask until it is done or never will be."""
        streak = 0
        while True:
            match outcome := await self.attempt(room, urgency, ask):
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
        self, room: RoomId, urgency: Urgency, ask: Ask, *, until: float = float("inf")
    ) -> Outcome:
        """Ask once, when it may be, but not later than *until*."""
        while True:
            target = self.targets.find(room)
            if target is None:
                return _NO_ROOM
            with self.gate.line_up(target.chat, urgency) as holder:
                if not await self._admitted(room, holder, until):
                    return NotNow()
                outcome = await self._read(room, target, await ask(target))
            if outcome is not None:
                return outcome

    async def _admitted(self, room: RoomId, holder: Pass, until: float) -> bool:
        self.passes[room] = holder
        with trio.move_on_at(until):
            await holder.admitted()
        del self.passes[room]
        return holder.is_admitted

    async def _read(self, room: RoomId, target: Target, answer: Good | Failure) -> Outcome | None:
        """What *answer* means; None: ask again, at once but elsewhere."""
        match answer:
            case Refused(why=Refusal.THREAD_GONE) if target.thread is not None:
                self.targets.lost_thread(room)
                return None
            case Migrated(chat_id) if chat_id != target.chat:
                self.targets.moved(target.chat, chat_id)
                return None
            case Migrated():
                return Refused(400, "the group moved to where it is")
            case Unauthorized():
                raise ParkedError(WRONG_TOKEN)
            case _:
                return await self._weighed(answer)

    async def _weighed(self, answer: Good | Refused | _Trouble) -> Outcome:
        match answer:
            case Sent() | NotModified() | Done() | Forbidden() | Refused():
                self.tally.answered()
                return answer
            case RateLimited(wait):
                await self._punish(wait)
                return NotNow()
            case Conflict(reason):
                return Ambiguous(reason)
            case Unreachable() | Ambiguous():
                return answer
            case _:
                assert_never(answer)

    async def _formatted(
        self,
        room: RoomId,
        piece: Piece,
        urgency: Urgency,
        ask: Callable[[Piece, Target], Awaitable[Good | Failure]],
        *,
        is_repeatable: bool,
    ) -> Settled:
        """With its entities, else without: formatting never loses a message."""
        outcome = await self.insist(
            room, urgency, lambda target: ask(piece, target), is_repeatable=is_repeatable
        )
        match outcome:
            case Refused(why=why) if piece.entities and why not in _NOT_FOR_THE_FORMATTING:
                log.warning("entities.refused", reason=outcome.reason)
                plain = evolve(piece, text=piece.plain, entities=())
                return await self.insist(
                    room, urgency, lambda target: ask(plain, target), is_repeatable=is_repeatable
                )
            case _:
                return outcome

    async def _punish(self, wait: float) -> None:
        self.gate.punish(wait)
        self.tally.limited(wait)
        text = penalty_text(self.clock(), wait)
        await ask_store(self.store, Commit((PutKey(PENALTY_KEY, text),)))

    async def _pause(self, reason: str, streak: int) -> None:
        delay = _TROUBLE.delay_before(streak + 1, draw=random.random())  # noqa: S311  # no secret
        self.tally.unreachable(reason, delay)
        await trio.sleep(delay)


async def ask_store(store: Address[StoreMessage], question: Question[A]) -> A:
    """The store's answer, also over its crashes; only for questions that may be asked twice."""
    delay = 0.1
    while True:
        try:
            return await store.ask(evolve(question))
        except NoAnswerError:
            await trio.sleep(delay)
            delay = min(5.0, 2 * delay)
