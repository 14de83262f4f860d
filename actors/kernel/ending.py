"""A child as it stands, and the ladder down: ask, wait for the deadline, cancel, report."""

from collections.abc import Callable
from typing import Any, cast

import trio
from attrs import define
from trio.lowlevel import Task

from actors.kernel.child import Wait
from actors.kernel.mailbox import Mailbox
from actors.kernel.owner import Owner, Wish
from actors.kernel.report import report_stuck
from actors.kernel.spec import ChildSpec
from actors.kernel.stacks import stack_of
from protocols.lifecycle import ActorState

CANCEL_GRACE = 2.0
"""Seconds between the cancellation of an actor and the report that it is stuck."""

_ALIVE = (ActorState.UP, ActorState.STARTING, ActorState.STOPPING, ActorState.STUCK)
"""A tuple, as it is searched by identity, where a set would hash the text."""


@define(eq=False)
class Endable:
    """What is known of one supervised actor, and how it is ended; implements ``child.Life``."""

    path: str
    spec: ChildSpec
    owner: Owner
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
    wish: Wish = Wish.NONE
    task: Task | None = None
    waits: dict[Wait, None] | None = None
    on_settled: Callable[[], None] | None = None
    """Told once, when the start is over, well or not."""
    _scope: trio.CancelScope | None = None
    _over: trio.Event | None = None

    # What the actor says of itself.

    def ready(self) -> None:
        """The start is over."""
        if self.state is ActorState.STARTING:
            self.state = ActorState.UP
            self._settle()

    def note(self, text: str) -> None:
        """Show *text* in the live tree."""
        self.said = text

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

    def _tell_over(self) -> None:
        if self._over is not None:
            self._over.set()
            self._over = None

    # After a life.

    # The ladder down.

    @property
    def is_alive(self) -> bool:
        """A life runs, or its start, or its end."""
        return self.state in _ALIVE

    def stack(self) -> str:
        """Where it stands now, as a traceback without values."""
        return stack_of(self.task) if self.task is not None else f"{self.path}: {self.state}\n"

    async def end(self, wish: Wish) -> None:
        """Drain until the deadline, then cancel, then report what is stuck."""
        self.ask_to_end(wish)
        await self._end_by_deadline(self.life)

    async def _end_by_deadline(self, life: int) -> None:
        if not await self.is_over_within(self.spec.shutdown, life):
            await self._end_by_force(life)

    async def _end_by_force(self, life: int) -> None:
        if not self.is_over(life):
            self.cancel()
            if not await self.is_over_within(CANCEL_GRACE, life):
                self.mark_stuck()

    def ask_to_end(self, wish: Wish) -> None:
        """Let it end at its next message; what reads no mail is cancelled."""
        if self.wish is Wish.STOP:
            return
        self.wish = wish
        if self.spec.group is not None:
            self.spec.group.end()
        if not self.is_alive:
            self.cancel()
            return
        is_starting = self.state is ActorState.STARTING
        if self.state is not ActorState.STUCK:
            self.state = ActorState.STOPPING
        if self.spec.group is not None:
            pass
        elif self.mailbox is None or is_starting:
            self.cancel()
        if self.mailbox is not None:
            if wish is Wish.STOP:
                self.mailbox.close("stopping")
            else:
                self.mailbox.end_life()

    def is_over(self, life: int) -> bool:
        """Whether *life* has ended; in a stop, whether the task has."""
        if self.task is None or self.life != life:
            return True
        return self.wish is not Wish.STOP and not self.is_alive

    async def is_over_within(self, seconds: float, life: int) -> bool:
        """Wait for the end of *life*, and in a stop for the end of the task."""
        with trio.move_on_after(seconds) as limit:
            await self.over(life)
        return not limit.cancelled_caught

    async def over(self, life: int) -> None:
        """Wait for the same without a limit."""
        if not self.is_over(life):
            if self._over is None:
                self._over = trio.Event()
            await self._over.wait()

    @property
    def waits_on(self) -> str:
        """The reader that it waits for; empty if it waits for none."""
        return next(iter(self.waits)).reader if self.waits else ""

    def mark_stuck(self) -> None:
        """It did not end when it was cancelled."""
        if self.state is not ActorState.STUCK:
            self.state = ActorState.STUCK
            report_stuck(self)

    def cancel(self) -> None:
        """End the life or the pause at once."""
        if self._scope is not None:
            self._scope.cancel(reason=f"supervision of {self.path}: {self.wish.value}")
