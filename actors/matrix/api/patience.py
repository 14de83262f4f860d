"""Asks the homeserver until there is an answer."""

import random
from collections.abc import Awaitable, Callable

import trio

from actors.matrix.api.limits import MOST_STRANGE, delay_before
from actors.matrix.api.replies import Done, Limited, Refused, Reply, TokenRefused, Unreachable
from actors.matrix.api.status import Status

Settled = Done | TokenRefused | Refused


async def insist(
    status: Status, ask: Callable[[], Awaitable[Reply]], *, most_strange: float = MOST_STRANGE
) -> Settled:
    """What the server says in the end; while it is away or wants silence, wait as it says.

    What no homeserver said is believed the *most_strange*-th time: a proxy in front of it may
    refuse for a while. Infinite where that would cost messages.
    """
    streak = strange = 0
    while True:
        match await ask():
            case Limited(wait):
                status.limited(wait)
                await trio.sleep(wait)
            case Unreachable(reason):
                streak += 1
                await pause(status, reason, streak)
            case Refused(code) as refused if refused.is_strange and strange + 1 < most_strange:
                streak, strange = streak + 1, strange + 1
                await pause(status, f"{code} without a reason", streak)
            case settled:
                return settled


async def pause(status: Status, reason: str, streak: int) -> None:
    """Wait before the next try, and say so in the tree."""
    delay = delay_before(streak, spread=random.random())  # noqa: S311  # no secret
    status.unreachable(reason, delay)
    await trio.sleep(delay)
