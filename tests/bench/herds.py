"""Sessions by the ten thousand, in a pool."""

import trio.testing
from attrs import define, frozen

from actors.kernel.mailbox import Mailbox
from actors.kernel.pool import Pool

SESSIONS = 10_000


@frozen
class Work:
    """There is something to do."""


@define
class Session:
    """Handles its mail and waits for more."""

    inbox: Mailbox[Work]

    async def run(self) -> None:
        async for _ in self.inbox:
            pass


def _session(_key: str, inbox: Mailbox[Work]) -> Session:
    return Session(inbox)


def a_pool() -> Pool[Work]:
    return Pool("sessions", _session)


async def start(pool: Pool[Work], rooms: range) -> None:
    """Send each its first message, and wait until all have handled it and wait for more."""
    for number in rooms:
        pool.try_send(f"matrix/!room{number}:example.org", Work())
    await trio.testing.wait_all_tasks_blocked()
