"""Who has children, and what it may want of them."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import TYPE_CHECKING, Any, Protocol

from actors.kernel.decision import Ending, Verdict
from actors.kernel.spec import Actor

if TYPE_CHECKING:
    from actors.kernel.lives import Child


class Wish(Enum):
    """What the supervisor wants of a child beyond living."""

    NONE = "none"
    RESTART = "restart"
    KILL = "kill"
    RETIRE = "retire"
    """End, unless mail is there by then."""
    STOP = "stop"


class Owner(Protocol):
    """Who has children: the supervisor or a pool."""

    def make(self, child: Child) -> Actor:
        """A new actor for the next life."""

    def decide(self, child: Child, ending: Ending, now: float) -> Verdict:
        """What follows the end of a life."""

    def spawn(self, function: Callable[..., Any], *args: object) -> None:
        """Run *function* in the background, in a context of its own."""

    def gone(self, child: Child) -> None:
        """The child's task is over."""

    def gave_up(self, child: Child) -> bool:
        """The restart budget is spent, or the first start failed; whether its task goes on."""

    def stop(self, reason: str, *, code: int = 0) -> None:
        """Stop the whole tree in order."""

    def child_at(self, path: str) -> Child | None:
        """The actor at *path*, for the census."""
