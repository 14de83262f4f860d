"""One supervised actor: its lives one after the other, in one long-lived task.

A life has a cancel scope of its own and no nursery; as the same task runs the next life only
when this one is over, an actor never runs beside itself, however stuck it is.
"""

import random
from collections.abc import Callable
from enum import Enum
from math import inf
from typing import Any, Protocol, assert_never, cast

import structlog
import trio
from attrs import define
from trio.lowlevel import Task, current_task

from actors.kernel.child import Wait, current_life
from actors.kernel.decision import Ending, Next, Verdict
from actors.kernel.exits import Exit, ExitKind, KilledError, classify, describe
from actors.kernel.mailbox import Mailbox
from actors.kernel.report import report_crash, report_stuck
from actors.kernel.spec import Actor, ChildSpec
from actors.kernel.stacks import stack_of
from protocols.lifecycle import ActorState

log = structlog.get_logger("kernel.lives")

CANCEL_GRACE = 2.0
"""Seconds between the cancellation of an actor and the report that it is stuck."""


_FAILURES = (Next.RESTART, Next.GIVE_UP)
"""What shows that even a normal end was one too many."""


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


class Owner(Protocol):
    """Who has children: the supervisor or a pool."""

    def make(self, child: "Child") -> Actor:
        """A new actor for the next life."""

    def decide(self, child: "Child", ending: Ending, now: float) -> Verdict:
        """What follows the end of a life."""

    def spawn(self, function: Callable[..., Any], *args: object) -> None:
        """Run *function* in the background, in a context of its own."""

    def gone(self, child: "Child") -> None:
        """The child's task is over."""

    def gave_up(self, child: "Child") -> bool:
        """The restart budget is spent, or the first start failed; whether its task goes on."""

    def stop(self, reason: str, *, code: int = 0) -> None:
        """Stop the whole tree in order."""

    def child_at(self, path: str) -> "Child | None":
        """The actor at *path*, for the census."""


@define(eq=False)
class Child:
    """One supervised actor; implements ``child.Life``."""

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

    # The task.

    async def run(self) -> None:
        """Live, and live again, as long as the owner decides so."""
        self.task = current_task()
        self.task.name = self.path
        current_life.set(self)
        try:
            while self.wish is not Wish.STOP and await self._live_once():
                pass
        finally:
            self._leave()

    async def _live_once(self) -> bool:
        """One life and the pause after it; whether there is to be another life."""
        exit_ = await self._live()
        goes_on = self._conclude(exit_)
        if exit_.outer is not None:
            raise exit_.outer
        del exit_  # its traceback holds this very frame
        return goes_on and await self._rest()

    async def _live(self) -> Exit:
        self._begin()
        scope = self._scope = trio.CancelScope()
        error: BaseException | None = None
        try:
            with scope:
                await self.owner.make(self).run()
        except BaseException as caught:  # noqa: BLE001  # supervision: every exit is sorted
            error = caught
        self._scope = None
        try:
            return classify(error, was_cancelled=scope.cancelled_caught)
        finally:
            del error  # its traceback holds this very frame

    def _begin(self) -> None:
        if self.life:
            structlog.contextvars.clear_contextvars()
        self.life += 1
        self.since = trio.current_time()
        self.state = ActorState.STARTING
        self.wish = Wish.NONE
        self.said = ""
        if self.mailbox is not None:
            self.mailbox.reopen()
            self.mailbox.begin_life(self.ready)

    async def _rest(self) -> bool:
        self.since = trio.current_time()
        if self.pause > 0:
            with trio.CancelScope(deadline=self.since + self.pause) as self._scope:
                await trio.sleep_forever()
            self._scope = None
        elif not self._has_yielded:
            await trio.lowlevel.cancel_shielded_checkpoint()
        return self.wish is not Wish.STOP

    @property
    def _has_yielded(self) -> bool:
        """The life that ended read mail, so that lives without a pause cannot hold the loop."""
        return self.mailbox is not None and self.mailbox.on_first_wait is None

    def _leave(self) -> None:
        self.task = self._scope = None
        if self.state is not ActorState.ENDED:
            # Cancelled from around it, as by a pool that was killed: the next pool goes on.
            self.state = ActorState.ENDED if self.wish is Wish.STOP else ActorState.WAITING
        if self.wish is Wish.STOP and self.mailbox is not None:
            self.mailbox.bury("stopped")
        self._tell_over()
        self._settle()
        self.owner.gone(self)

    def _settle(self) -> None:
        if self.on_settled is not None:
            told, self.on_settled = self.on_settled, None
            told()

    def _tell_over(self) -> None:
        if self._over is not None:
            self._over.set()
            self._over = None

    # After a life.

    def _conclude(self, exit_: Exit) -> bool:
        """Take note of the exit and say whether the task goes on, after ``pause``."""
        self._tell_over()
        self.pause = 0.0
        if exit_.kind is ExitKind.CANCELLED and self.wish is Wish.KILL:
            exit_ = Exit(ExitKind.CRASH, (KilledError("killed by the operator"),), exit_.outer)
        if exit_.kind is ExitKind.CRASH:
            return self._after_crash(exit_)
        if exit_.kind is ExitKind.FOREIGN:
            return self._after_foreign(exit_)
        if exit_.kind is ExitKind.PARKED:
            return self._after_parked(exit_)
        self._hand_back(exit_)
        return self._after_end(exit_)

    def _after_end(self, exit_: Exit) -> bool:
        if exit_.outer is not None:
            self.state = ActorState.WAITING
            return False
        match self.wish:
            case Wish.STOP:
                return self._end()
            case Wish.RESTART | Wish.KILL:
                self.restarts += 1
                self.streak = 0
                return True
            case Wish.RETIRE:
                return self._has_mail or self._end()
            case Wish.NONE:
                return self._obey(self._decide(Ending.NORMAL), Exit(ExitKind.NORMAL))
            case _:
                assert_never(self.wish)

    @property
    def _has_mail(self) -> bool:
        return self.mailbox is not None and self.mailbox.used > 0

    def _after_crash(self, exit_: Exit) -> bool:
        if self.wish is not Wish.STOP and exit_.outer is None:
            return self._obey(self._decide(Ending.CRASH), exit_)
        self.last_error = exit_.text
        report_crash(self, exit_, "the stop goes on")
        self._hand_back(exit_)
        return self._after_end(exit_)

    def _after_foreign(self, exit_: Exit) -> bool:
        self.last_error = exit_.text
        report_crash(self, exit_, "the tree stops in order")
        self._hand_back(exit_)
        self.owner.stop(f"{type(exit_.leaves[0]).__name__} in {self.path}")
        return self._end()

    def _after_parked(self, exit_: Exit) -> bool:
        self.last_error = exit_.text
        self._hand_back(exit_)
        if self.wish is Wish.STOP:
            return self._end()
        self.park(str(exit_.leaves[0]))
        return True

    def park(self, reason: str) -> None:
        """Wait for a command; *reason* says why."""
        log.warning("actor.parked", path=self.path, life=self.life, reason=reason)
        self.state = ActorState.PARKED
        self.said = reason
        self.pause = inf
        if self.mailbox is not None:
            self.mailbox.park(f"parked: {reason}")
        self._settle()

    def _decide(self, ending: Ending) -> Verdict:
        now = trio.current_time()
        if now - self.since >= self.spec.backoff.stable_after:
            self.streak = 0
        self.streak += 1
        return self.owner.decide(self, ending, now)

    def _obey(self, verdict: Verdict, exit_: Exit) -> bool:
        self.recent = verdict.recent
        draw = random.random()  # noqa: S311  # spreads restarts, protects nothing
        self.pause = self.spec.backoff.delay_before(self.streak, draw=draw)
        if exit_.kind is ExitKind.CRASH or verdict.next in _FAILURES:
            self.last_error = exit_.text
            report_crash(self, exit_, _next_action(verdict.next, self.pause))
        self._hand_back(exit_)
        match verdict.next:
            case Next.RESTART:
                self.restarts += 1
                self.state = ActorState.BACKOFF
                return True
            case Next.COMPLETE:
                self.owner.stop(f"{self.path} ended")
            case Next.GIVE_UP:
                if self.owner.gave_up(self):
                    return True
            case Next.END | Next.FORGET:
                pass
            case _:
                assert_never(verdict.next)
        return self._end()

    def _end(self) -> bool:
        self.state = ActorState.ENDED
        if self.mailbox is not None:
            self.mailbox.bury("stopped" if self.wish is Wish.STOP else "ended")
        return False

    def _hand_back(self, exit_: Exit) -> None:
        if self.mailbox is None:
            return
        if exit_.kind is ExitKind.NORMAL:
            self.mailbox.put_down("it ended")
        else:
            crashed = exit_.kind is ExitKind.CRASH
            self.mailbox.put_back(crashed=crashed, reason=_reason(exit_))

    # What others want of it.

    @property
    def is_alive(self) -> bool:
        """A life runs, or its start, or its end."""
        return self.state in _ALIVE

    def restart(self) -> None:
        """End the life in good order and start the next one now; also out of backoff."""
        if self.task is None:
            self.wish = Wish.NONE
            self.owner.spawn(self.run)
        elif not self.is_alive:
            self.cancel()
        elif self.spec.group is not None:
            self.spec.group.restart_all()
        elif self.wish in {Wish.NONE, Wish.RETIRE}:
            self.ask_to_end(Wish.RESTART)
            self.owner.spawn(self._end_by_deadline, self.life)

    def kill(self) -> None:
        """Crash it where it stands; without a life there is nothing to kill."""
        if self.is_alive and self.wish is not Wish.STOP:
            self.wish = Wish.KILL
            self.cancel()
            self.owner.spawn(self._end_by_force, self.life)

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
        if not self.is_alive:
            self.cancel()
            return
        is_starting = self.state is ActorState.STARTING
        if self.state is not ActorState.STUCK:
            self.state = ActorState.STOPPING
        if self.spec.group is not None:
            self.spec.group.end()
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


def _next_action(next_: Next, pause: float) -> str:
    return f"restart in {pause:.2f} s" if next_ is Next.RESTART else next_.value


def _reason(exit_: Exit) -> str:
    return describe(exit_.leaves[0]) if exit_.leaves else "cancelled"
