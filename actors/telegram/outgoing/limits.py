"""Telegram's limits on sending, as numbers; reads no clock: every *now* comes from outside.

The sizes are such that no window of time, wherever it begins, holds more than Telegram allows:
what a full bucket lets through at once, and what is refilled while the window lasts.
"""

from collections.abc import Iterable
from enum import IntEnum
from typing import TypeVar

from attrs import define, field, frozen

_NEAR = 1e-9  # sums of floats may fall short by so much

PENALTY_KEY = "telegram_penalty"
"""The key under which a penalty is remembered."""


class Urgency(IntEnum):
    """Who goes first."""

    FINAL = 0
    NOTICE = 1
    DRAFT = 2
    TYPING = 3


@frozen
class Rate:
    """At most *burst* at once, and *every_second* more each second.

    Args:
        at_first: So many at once when nobody knows what was sent before: another life may have
            used up the burst.
    """

    burst: float
    every_second: float
    at_first: float = 1.0


WHOLE_BOT = Rate(burst=4, every_second=22)
"""Bot FAQ: 30 messages a second over all; the rest is for what the network bunches together."""

PRIVATE_CHAT = Rate(burst=3, every_second=1, at_first=2)
"""Bot FAQ: more than one message a second in a chat only in short bursts.

Two at first: a placeholder and the answer in its place, so that the first answer need not wait.
"""

GROUP = Rate(burst=4, every_second=16 / 60)
"""Bot FAQ: 20 messages a minute in a group."""

_KEPT_FREE = {Urgency.FINAL: 0.0, Urgency.NOTICE: 0.0, Urgency.DRAFT: 0.25, Urgency.TYPING: 0.5}
"""The share of a chat's burst that is left for what is more urgent."""

_MANY_CHATS = 512


@define
class Bucket:
    """Tokens that come back with time."""

    rate: Rate
    tokens: float
    at: float

    @classmethod
    def begun(cls, rate: Rate, now: float) -> "Bucket":
        """One of which nobody knows what was taken: another life may have."""
        return cls(rate, rate.at_first, now)

    def wait(self, now: float, tokens: float = 1.0) -> float:
        """Seconds until there are *tokens*."""
        short = tokens - self._level(now) - _NEAR
        return max(0.0, short / self.rate.every_second)

    def take(self, now: float, tokens: float = 1.0) -> None:
        """Take *tokens*; with more than there are it owes them."""
        self.tokens, self.at = self._level(now) - tokens, max(self.at, now)

    def empty(self, until: float) -> None:
        """Leave none until *until*, and one then."""
        self.tokens, self.at = 1.0, max(self.at, until)

    def is_full(self, now: float) -> bool:
        """Whether it says nothing any more."""
        return self._level(now) >= self.rate.burst

    def _level(self, now: float) -> float:
        grown = self.tokens + max(0.0, now - self.at) * self.rate.every_second
        return min(self.rate.burst, grown)


@define
class Penalty:
    """The time in which Telegram wants nothing sent; it holds for the whole bot."""

    until: float = float("-inf")
    wait: float = 0.0

    def extend(self, now: float, wait: float) -> None:
        """Telegram said at *now* to wait for *wait* seconds."""
        if now + wait > self.until:
            self.until, self.wait = now + wait, wait

    def left(self, now: float, urgency: Urgency = Urgency.FINAL) -> float:
        """Seconds until something so urgent may be sent."""
        # What nobody misses comes later: it must not earn the next penalty.
        more = min(self.wait, 30.0) if urgency >= Urgency.DRAFT else 0.0
        return max(0.0, self.until + more - now)


Lane = tuple[int, int | None]
"""A chat and a topic of it, in which one goes after the other: a reader sees it as one room."""


@define(eq=False)
class Ticket:
    """One request that waits to be sent.

    Args:
        chat: Where it says something; None: nowhere, so that it counts for the whole bot only.
        number: Its place among its equals.
        messages: As how many it counts: each part of an album is one.
        thread: The topic of the chat that it is for.
    """

    chat: int | None
    urgency: Urgency
    number: int
    messages: int = field(default=1, kw_only=True)
    thread: int | None = field(default=None, kw_only=True)

    @property
    def lane(self) -> Lane | None:
        """What it has to itself while it is under way."""
        return None if self.chat is None else (self.chat, self.thread)

    @property
    def order(self) -> tuple[int, int]:
        """The smaller goes first."""
        return self.urgency, self.number


T = TypeVar("T", bound=Ticket)


@define
class Budget:
    """What may be sent when: over all, in each chat, and not in a penalty."""

    whole: Bucket
    began_at: float
    penalty: Penalty = field(factory=Penalty)
    _chats: dict[int, Bucket] = field(factory=dict)

    @classmethod
    def fresh(cls, now: float) -> "Budget":
        """Nothing was sent yet in this life."""
        return cls(Bucket.begun(WHOLE_BOT, now), now)

    def wait(self, chat: int | None, urgency: Urgency, now: float) -> float:
        """Seconds until this alone might be sent."""
        wait = max(self.penalty.left(now, urgency), self.whole.wait(now))
        if chat is None:
            return wait
        bucket = self._bucket(chat)
        in_chat = bucket.wait(now, 1.0 + _KEPT_FREE[urgency] * (bucket.rate.burst - 1))
        return max(wait, in_chat)

    def admit(
        self, waiting: Iterable[T], now: float, busy: Iterable[Lane] = ()
    ) -> tuple[list[T], float | None]:
        """Who may go now, and after how many seconds to ask again; None if nobody waits for time.

        One at a time in each lane, and nobody overtakes the more urgent or the earlier there: what
        is sent there at once arrives in any order. In *busy* lanes one is under way. All lanes of
        a chat share its rate.
        """
        admitted: list[T] = []
        waits: list[float] = []
        held = set(busy)
        for ticket in sorted(waiting, key=lambda ticket: ticket.order):
            if ticket.lane in held:
                continue
            if ticket.lane is not None:
                held.add(ticket.lane)
            if wait := self.wait(ticket.chat, ticket.urgency, now):
                waits.append(wait)
                continue
            self._take(ticket, now)
            admitted.append(ticket)
        self._forget_full(now)
        return admitted, min(waits, default=None)

    def punish(self, now: float, wait: float) -> None:
        """Telegram said at *now* to wait for *wait* seconds."""
        self.penalty.extend(now, wait)
        self.whole.empty(self.penalty.until)

    def _take(self, ticket: Ticket, now: float) -> None:
        if ticket.chat is not None:
            self._bucket(ticket.chat).take(now, ticket.messages)
        self.whole.take(now, ticket.messages)

    def _bucket(self, chat: int) -> Bucket:
        rate = GROUP if chat < 0 else PRIVATE_CHAT
        return self._chats.setdefault(chat, Bucket.begun(rate, self.began_at))

    def _forget_full(self, now: float) -> None:
        if len(self._chats) >= _MANY_CHATS:
            self._chats = {id_: b for id_, b in self._chats.items() if not b.is_full(now)}
