"""What the receiving half says of itself in the live tree, and how long it waits after trouble."""

import random
import time
from collections.abc import Callable
from typing import assert_never

import structlog
import trio
from attrs import define, field

from actors.kernel.backoff import Backoff
from actors.kernel.child import note
from actors.telegram.api.outcomes import (
    Ambiguous,
    Conflict,
    Failure,
    Forbidden,
    Migrated,
    RateLimited,
    Refused,
    Unauthorized,
    Unreachable,
)

log = structlog.get_logger("telegram.status")

_TROUBLE = Backoff(first=1.0, longest=60.0, jitter=0.25)
_CONFLICT = Backoff(first=5.0, longest=60.0, jitter=0.25)


@define
class Patience:
    """One line of the tree: the last completed poll, and what is wrong or waited for.

    Alive means a completed poll and nothing else.

    Args:
        clock: Seconds since the epoch.
    """

    clock: Callable[[], float] = time.time
    _polled_at: str = ""
    _trouble: str = ""
    _waits_for: str = "Telegram"
    _streak: int = 0
    _answered_at: float = field(factory=trio.current_time)

    def begin(self) -> None:
        """Nothing is known yet."""
        self._tell()

    def polled(self, *, is_held: bool) -> None:
        """A poll is complete.

        Only one that *is_held* ends the row of failures: the other program that polls interrupts
        no other.
        """
        if self._trouble:
            log.info("server.reached")
        self._polled_at, self._trouble = _time_of_day(self.clock()), ""
        if is_held:
            self._streak = 0
        self.answered()
        self._wait_for("news")

    async def wait_for_album(self, wait: float) -> None:
        """Give the rest of an album *wait* seconds to come."""
        self._wait_for("the rest of an album")
        await trio.sleep(wait)

    def answered(self) -> None:
        """The server has answered, whatever it said: the connection is good."""
        self._answered_at = trio.current_time()

    def silent_for(self) -> float:
        """Seconds since the server's last answer."""
        return trio.current_time() - self._answered_at

    async def pause(self, failure: Failure) -> None:
        """Wait before the next try, for as long as *failure* asks, and say so."""
        self._streak += 1
        match failure:
            case Unreachable(reason) | Ambiguous(reason):
                await self._back_off(f"Telegram unreachable: {reason}", _TROUBLE)
                return
            case RateLimited(wait):
                until = _time_of_day(self.clock() + wait)
                await self._wait(f"rate limited by Telegram until {until}", wait)
            case Conflict(reason):
                await self._back_off(_conflict(reason), _CONFLICT)
            case Forbidden(reason) | Refused(reason=reason):
                await self._back_off(f"Telegram refuses: {reason}", _TROUBLE)
            case Unauthorized() | Migrated():
                await self._back_off("Telegram refuses", _TROUBLE)
            case _:
                assert_never(failure)
        self.answered()

    async def _back_off(self, trouble: str, backoff: Backoff) -> None:
        # The kernel's first retry comes at once; ours waits from the first failure on.
        delay = backoff.delay_before(self._streak + 1, draw=random.random())  # noqa: S311  # no secret
        at = _time_of_day(self.clock() + delay)
        await self._wait(f"{trouble}: next try at {at}", delay)

    async def _wait(self, trouble: str, wait: float) -> None:
        if _kind(trouble) != _kind(self._trouble):
            log.warning("poll.failed", trouble=trouble, wait=wait)
        self._trouble = trouble
        self._tell()
        await trio.sleep(wait)

    def _wait_for(self, what: str) -> None:
        self._waits_for = what
        self._tell()

    def _tell(self) -> None:
        polled = f"last poll {self._polled_at}" if self._polled_at else "no poll yet"
        note(f"{polled}; {self._trouble or f'waits for {self._waits_for}'}")


def _kind(trouble: str) -> str:
    return trouble.partition(":")[0].partition(" until ")[0]


def _conflict(reason: str) -> str:
    if "webhook" in reason:
        return "this bot has a webhook, so it cannot be polled: delete the webhook"
    return "another program polls with this token"


def _time_of_day(at: float) -> str:
    return time.strftime("%H:%M:%S", time.localtime(at))
