"""Asks the homeserver beside the chats: when we are logged in, and not inside a penalty."""

import random
from collections.abc import Awaitable, Callable
from typing import Protocol

import trio
from attrs import define, field

from actors.kernel.backoff import Backoff
from actors.matrix.api.limits import Penalty
from actors.matrix.api.replies import Done, Limited, Refused, Reply
from actors.matrix.api.status import Status

Ask = Callable[[], Awaitable[Reply]]

_MOST_TRIES = 6
_TROUBLE = Backoff(first=1.0, longest=30.0, jitter=0.25)


@define
class Account:
    """Who we are, from when we are logged in."""

    me: str = ""
    opened: trio.Event = field(factory=trio.Event)

    def open(self, me: str) -> None:
        """We are logged in as *me*."""
        self.me = me
        self.opened.set()


class Limit(Protocol):
    """What the server limits together: a ``Post`` for what counts as a message."""

    async def silence(self) -> None:
        """Wait until the penalty is over."""

    async def punish(self, wait: float) -> None:
        """The server wants *wait* seconds of silence."""


@define
class OwnLimit:
    """A limit that holds up no message."""

    status: Status
    _penalty: Penalty = field(factory=Penalty)

    async def silence(self) -> None:
        """Wait until the penalty is over."""
        # A loop, because a request that was in the air may prolong it.
        while wait := self._penalty.left(trio.current_time()):  # noqa: ASYNC110  # see above
            await trio.sleep(wait)

    async def punish(self, wait: float) -> None:
        """The server wants *wait* seconds of silence."""
        self._penalty.extend(trio.current_time(), wait)
        self.status.limited(wait)


@define
class Line:
    """Requests of one kind."""

    account: Account
    limit: Limit

    async def ask(self, ask: Ask) -> Reply:
        """What comes of asking once."""
        await self.account.opened.wait()
        await self.limit.silence()
        reply = await ask()
        if isinstance(reply, Limited):
            await self.limit.punish(reply.wait)
        return reply

    async def insist(self, ask: Ask) -> Done | Refused | None:
        """What the server says to what may be asked twice; None for trouble that does not pass."""
        streak = 1
        while streak <= _MOST_TRIES:
            await pause(streak)
            match await self.ask(ask):
                case Done() as done:
                    return done
                case Refused() as refused if not refused.is_strange:
                    return refused
                case Limited():
                    pass
                case _:
                    streak += 1
        return None


async def pause(streak: int) -> None:
    """Wait before try number *streak*; the first comes at once."""
    await trio.sleep(_TROUBLE.delay_before(streak, draw=random.random()))  # noqa: S311  # no secret
