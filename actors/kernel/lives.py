"""One supervised actor: its lives one after the other, in one long-lived task.

A life has a cancel scope of its own and no nursery; as the same task runs the next life only
when this one is over, an actor never runs beside itself, however stuck it is.
"""

import contextvars
import random
from collections.abc import Callable
from math import inf
from typing import Any, Literal, Self, assert_never

import structlog
import trio
from attrs import define
from trio.lowlevel import current_task

from actors.kernel.child import current_life
from actors.kernel.decision import Ending, Next, Verdict
from actors.kernel.ending import Endable, Wish, see_off
from actors.kernel.exits import Exit, ExitKind, KilledError, classify, describe
from actors.kernel.report import report_crash
from protocols.lifecycle import ActorState

log = structlog.get_logger("kernel.lives")


_FAILURES = (Next.RESTART, Next.GIVE_UP)
"""What shows that even a normal end was one too many."""


@define
class _Caught:
    """Keeps whatever comes out of its block: every exit of a life is sorted, none lost."""

    error: BaseException | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _type: object, error: BaseException | None, _traceback: object
    ) -> Literal[True]:
        self.error = error
        return True


@define(eq=False)
class Child(Endable):
    """One supervised actor: its task, its lives, and what follows each."""

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
        with _Caught() as caught, scope:
            await self.owner.make(self).run()
        self._scope = None
        exit_ = classify(
            caught.error,
            was_cancelled=scope.cancelled_caught,
            is_cancelled_around=trio.current_effective_deadline() == -inf,
        )
        caught.error = None  # its traceback holds this very frame
        return exit_

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
        foreign = next(leaf for leaf in exit_.leaves if not isinstance(leaf, Exception))
        self.owner.stop(f"{type(foreign).__name__} in {self.path}")
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
        self.streak = 0
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
            self.mailbox.put_back(
                crashed=exit_.kind is ExitKind.CRASH,
                reason=_reason(exit_),
                is_parked=exit_.kind is ExitKind.PARKED,
            )

    # What others want of it.

    def start(self) -> None:
        """Begin its task, in an empty context, where its owner runs."""
        self._spawn(self.run)

    def restart(self, *, at_once: bool = False) -> None:
        """End the life, in good order or *at_once*, and start the next now; also out of backoff."""
        if self.wish is Wish.STOP or self.state is ActorState.WAITING:
            return  # for good, or its turn to start comes
        if self.state is ActorState.ENDED:
            self.state = ActorState.WAITING
            self.start()
        elif not self.is_alive:
            self.cancel()
        elif at_once:
            self._force(Wish.RESTART)
        elif self.spec.pool is not None:
            self.spec.pool.restart_all()
        elif self.wish in {Wish.NONE, Wish.RETIRE}:
            self.ask_to_end(Wish.RESTART)
            self._spawn(see_off, [(self, self.life)], self.spec.shutdown)

    def kill(self) -> None:
        """Crash it where it stands; without a life there is nothing to kill."""
        if self.is_alive and self.wish is not Wish.STOP:
            self._force(Wish.KILL)

    def _force(self, wish: Wish) -> None:
        self.wish = wish
        self.cancel()
        self._spawn(see_off, [(self, self.life)], 0.0)

    def _spawn(self, function: Callable[..., Any], *args: object) -> None:
        if self.owner.nursery is not None:
            contextvars.Context().run(self.owner.nursery.start_soon, function, *args)


def _next_action(next_: Next, pause: float) -> str:
    return f"restart in {pause:.2f} s" if next_ is Next.RESTART else next_.value


def _reason(exit_: Exit) -> str:
    return describe(exit_.leaves[0]) if exit_.leaves else "cancelled"
