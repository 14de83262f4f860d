"""A child as it stands, and the ladder down: ask, wait for the deadline, cancel, report."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any, cast

import trio
from attrs import define

from actors.kernel.report import report_stuck, stack_of
from protocols.lifecycle import ActorState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from trio.lowlevel import Task

    from actors.kernel.child import Wait
    from actors.kernel.mailbox import Mailbox
    from actors.kernel.pool import Pool
    from actors.kernel.spec import ChildSpec
    from actors.kernel.supervision import Supervisor

CANCEL_GRACE = 2.0
"""Seconds between the cancellation of an actor and the report that it is stuck."""
_CHUNK = 200
_ALIVE = (ActorState.UP, ActorState.STARTING, ActorState.STOPPING, ActorState.STUCK)
"""A tuple, as it is searched by identity, where a set would hash the text."""


class Wish(Enum):
    """What the supervisor wants of a child beyond living."""

    NONE = "none"
    RESTART = "restart"
    KILL = "kill"
    RETIRE = "retire"
    """End, unless mail is there by then."""
    STOP = "stop"


@define(eq=False)
class Endable:
    """What is known of one supervised actor, and how it is ended; implements ``child.Life``."""

    path: str
    spec: ChildSpec
    owner: Supervisor | Pool[Any]
    mailbox: Mailbox[Any] | None
    state: ActorState = ActorState.WAITING
    life: int = 0
    restarts: int = 0
    streak: int = 0
    recent: tuple[float, ...] = ()
    since: float = 0.0
    """When the life began, or the pause after it."""
    pause: float = 0.0
    last_error: str = ""
    said: str = ""
    beat_at: float | None = None
    wish: Wish = Wish.NONE
    task: Task | None = None
    waits: dict[Wait, None] | None = None
    on_settled: Callable[[], None] | None = None
    """Told once, when the start is over, well or not."""
    _scope: trio.CancelScope | None = None
    _over: trio.Event | None = None

    def ready(self) -> None:
        """The start is over."""
        if self.state is ActorState.STARTING:
            self.state = ActorState.UP
            self._settle()

    def note(self, text: str) -> None:
        """Show *text* in the live tree."""
        self.said = text

    def beat(self) -> None:
        """It has just done what it is there for; a crash after that does not undo it."""
        self.beat_at = trio.current_time()

    def wait_began(self, wait: Wait) -> None:
        """A task of this actor waits."""
        if self.waits is None:
            self.waits = {}
        self.waits[wait] = None

    def wait_ended(self, wait: Wait) -> None:
        """It waits no more."""
        cast("dict[Wait, None]", self.waits).pop(wait, None)

    def _settle(self) -> None:
        if self.on_settled is not None:
            told, self.on_settled = self.on_settled, None
            told()

    @property
    def is_alive(self) -> bool:
        """A life runs, or its start, or its end."""
        return self.state in _ALIVE

    def stack(self) -> str:
        """Where it stands now, as a traceback without values."""
        return stack_of(self.task) if self.task is not None else f"{self.path}: {self.state}\n"

    def ask_to_end(self, wish: Wish) -> None:
        """Let it end at its next message; what reads no mail is cancelled."""
        self.wish = wish
        if self.spec.pool is not None:
            self.spec.pool.end()
        elif self.mailbox is None or self.state is ActorState.STARTING:
            self.cancel()
        if not self.is_alive:
            self.cancel()
            return
        if self.state is not ActorState.STUCK:
            self.state = ActorState.STOPPING
        if self.mailbox is not None and wish is Wish.STOP:
            self.mailbox.close("stopping")
        elif self.mailbox is not None:
            self.mailbox.end_life()

    def is_over(self, life: int) -> bool:
        """Whether *life* has ended; in a stop, whether the task has."""
        if self.task is None or self.life != life:
            return True
        return self.wish is not Wish.STOP and not self.is_alive

    async def over(self, life: int) -> None:
        """Wait for that."""
        if not self.is_over(life):
            if self._over is None:
                self._over = trio.Event()
            await self._over.wait()

    def _tell_over(self) -> None:
        if self._over is not None:
            self._over.set()
            self._over = None

    def cancel(self) -> None:
        """End the life or the pause at once."""
        if self._scope is not None:
            self._scope.cancel(reason=f"supervision of {self.path}: {self.wish.value}")

    def mark_stuck(self) -> None:
        """It did not end when it was cancelled."""
        if self.state is not ActorState.STUCK:
            self.state = ActorState.STUCK
            report_stuck(self)


async def end_all(children: Iterable[Endable], wish: Wish, within: float) -> None:
    """End *children* side by side, all by one deadline."""
    lives = []
    for number, child in enumerate(children, start=1):
        lives.append((child, child.life))
        child.ask_to_end(wish)
        if number % _CHUNK == 0:
            await trio.lowlevel.checkpoint()
    await see_off(lives, within)


async def see_off(lives: list[tuple[Endable, int]], within: float) -> None:
    """Wait until *lives* are over; cancel those that are late, and report what is stuck."""
    if await _are_over_within(within, lives):
        return
    late = [(child, life) for child, life in lives if not child.is_over(life)]
    for child, _ in late:
        child.cancel()
    await _are_over_within(CANCEL_GRACE, late)
    for child, life in late:
        if not child.is_over(life):
            child.mark_stuck()


async def _are_over_within(seconds: float, lives: list[tuple[Endable, int]]) -> bool:
    with trio.move_on_after(seconds) as limit:
        for child, life in lives:
            await child.over(life)
    return not limit.cancelled_caught
