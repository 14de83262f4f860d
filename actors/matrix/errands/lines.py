"""Asks the homeserver beside the chats: when we are logged in, and not inside a penalty."""

import random
from collections.abc import Awaitable, Callable

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


@define
class Line:
    """Requests of one kind, which the server limits together."""

    account: Account
    status: Status
    penalty: Penalty = field(factory=Penalty)

    async def ask(self, ask: Ask) -> Reply:
        """What comes of asking once."""
        await self.account.opened.wait()
        # A loop, because a request that was in the air may prolong it.
        while wait := self.penalty.left(trio.current_time()):  # noqa: ASYNC110  # see above
            await trio.sleep(wait)
        reply = await ask()
        if isinstance(reply, Limited):
            self.penalty.extend(trio.current_time(), reply.wait)
            self.status.limited(reply.wait)
        return reply

    async def insist(self, ask: Ask) -> Done | Refused | None:
        """What the server says to what may be asked twice; None for trouble that does not pass."""
        streak = 1
        while streak <= _MOST_TRIES:
            await pause(streak)
            match await self.ask(ask):
                case Done() | Refused() as settled:
                    return settled
                case Limited():
                    pass
                case _:
                    streak += 1
        return None


async def pause(streak: int) -> None:
    """Wait before try number *streak*; the first comes at once."""
    await trio.sleep(_TROUBLE.delay_before(streak, draw=random.random()))  # noqa: S311  # no secret
