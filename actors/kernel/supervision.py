"""The root of the tree: ordered start, one_for_one restarts, reverse stop, the operator's hand."""

import gc
from collections.abc import Callable, Sequence
from difflib import get_close_matches

import structlog
import trio
from attrs import define, field

from actors.kernel.census import read_in_chunks, view_of
from actors.kernel.decision import Budget, Ending, Next, Restart, Verdict, decide
from actors.kernel.ending import CANCEL_GRACE, Wish, end_all
from actors.kernel.letters import DeadLetters
from actors.kernel.lives import Child
from actors.kernel.signals import StopSignals
from actors.kernel.spec import Actor, ChildSpec, check_specs
from actors.kernel.watchdog import Watchdog
from protocols.lifecycle import ActorState, ActorView, UndeliveredMail, UnknownActorError

EXIT_STOPPED = 0
EXIT_START_FAILED = 1
EXIT_BUDGET_SPENT = 70
WATCHDOG_SLACK = 5.0
NEW_OBJECTS = 5000
"""Made since the garbage collector looked last; Python's own 700 cost a tenth of all time under
load, and nearly all that is made goes away without it.
"""

log = structlog.get_logger("kernel.supervision")


@define(eq=False)
class Supervisor:
    """Runs a tree; implements ``protocols.lifecycle.Control``.

    Args:
        specs: The children in start order, or what makes them, given this tree's ``Control``.
        name: The tree's name, for logs.
        signals: Handle SIGINT and SIGTERM while the tree runs.
        on_interrupt: Gets SIGINT first; True if it was meant for something smaller.
        freezes: Take what start-up made out of the garbage collector's sight, and have it look
            less often: everybody waits while it does.

    Raises:
        SpecError: With everything that is wrong with *specs*, before anything starts.
    """

    specs: "Sequence[ChildSpec] | Callable[[Supervisor], Sequence[ChildSpec]]"
    name: str = field(default="surfaces", kw_only=True)
    intensity: int = field(default=10, kw_only=True)
    period: float = field(default=60.0, kw_only=True)
    signals: bool = field(default=False, kw_only=True)
    on_interrupt: Callable[[], bool] | None = field(default=None, kw_only=True)
    freezes: bool = field(default=False, kw_only=True)
    letters: DeadLetters = field(factory=DeadLetters, kw_only=True)
    _children: dict[str, Child] = field(init=False, factory=dict)
    _recent: tuple[float, ...] = field(init=False, default=())
    nursery: trio.Nursery | None = field(init=False, default=None)
    failure: str = field(init=False, default="")
    _is_starting: bool = field(init=False, default=False)
    _code: int | None = field(init=False, default=None)
    _wanted: trio.Event = field(init=False, factory=trio.Event)
    _settled: trio.Event = field(init=False, factory=trio.Event)

    def __attrs_post_init__(self) -> None:
        specs = self.specs(self) if callable(self.specs) else self.specs
        check_specs(specs)
        for spec in specs:
            box = spec.mailbox
            self._children[spec.id] = Child(spec.id, spec, self, box)
            if box is not None:
                box.reader = spec.id
                box.letters = self.letters
            if spec.pool is not None:
                spec.pool.adopt(self)

    # Start, run, stop.

    async def run(self) -> int:
        """Run the tree until it ends; 0 in order, 70 budget spent, 1 a first start failed.

        Cancelled from outside, it stops in order, too.
        """
        async with trio.open_nursery() as nursery:
            over = trio.Event()
            nursery.start_soon(self._run_shielded, over)
            try:
                await over.wait()
            finally:
                self.stop("cancelled")
        return self._code or EXIT_STOPPED

    async def _run_shielded(self, over: trio.Event) -> None:
        watchdog = Watchdog(self._longest_stop, self._who_is_left)
        with trio.CancelScope(shield=True):
            if self.signals:
                with StopSignals(self.stop, self.on_interrupt, alarm=watchdog.arm).heard():
                    await self._run_tree(watchdog)
            else:
                await self._run_tree(watchdog)
        watchdog.call_off()
        over.set()

    async def _run_tree(self, watchdog: Watchdog) -> None:
        async with trio.open_nursery() as nursery:
            self.nursery = nursery
            await self._start_all()
            await self._wanted.wait()
            watchdog.arm()
            await self._stop_all()
            self.nursery = None
        log.info("tree.stopped", name=self.name, exit_code=self._code or EXIT_STOPPED)

    async def _start_all(self) -> None:
        self._is_starting = True
        for child in tuple(self._children.values()):
            if self._wanted.is_set():
                return
            self._settled = trio.Event()
            child.on_settled = self._settled.set
            child.start()
            await self._settled.wait()
        self._is_starting = False
        if not self._wanted.is_set():
            log.info("tree.started", name=self.name, actors=len(self._children))
            if self.freezes:
                gc.collect()
                gc.freeze()
                gc.set_threshold(NEW_OBJECTS, *gc.get_threshold()[1:])

    async def _stop_all(self) -> None:
        for child in reversed(tuple(self._children.values())):
            await end_all((child,), Wish.STOP, child.spec.shutdown)
            if child.task is None and child.mailbox is not None:
                child.mailbox.bury("stopped")

    @property
    def _longest_stop(self) -> float:
        each = (child.spec.shutdown + CANCEL_GRACE for child in self._children.values())
        return sum(each) + WATCHDOG_SLACK

    def _who_is_left(self) -> str:
        left = [child for child in tuple(self._children.values()) if child.task]
        return "; ".join(f"{child.path} is {child.state}" for child in left)

    # What the children's lives need.

    def make(self, child: Child) -> Actor:
        """A new actor for the next life."""
        return child.spec.make()

    def decide(self, child: Child, ending: Ending, now: float) -> Verdict:
        """What follows the end of a life; during the ordered start, a failure ends it all."""
        verdict = decide(
            child.spec.restart,
            ending,
            is_significant=child.spec.is_significant,
            budget=Budget(self.intensity, self.period),
            recent=self._recent,
            streak=child.streak,
            now=now,
        )
        self._recent = verdict.recent
        is_failure = ending is Ending.CRASH or verdict.next is Next.RESTART
        if is_failure and self._is_first_start(child):
            return Verdict(Next.GIVE_UP, verdict.recent)
        return verdict

    def gave_up(self, child: Child) -> bool:
        """Stop the tree and say which child is the reason."""
        if self._is_first_start(child):
            log.error("tree.start_failed", name=self.name, child=child.path, cause=child.last_error)
            self.stop(f"{child.path} did not start", code=EXIT_START_FAILED)
        else:
            log.error(
                "tree.gave_up",
                name=self.name,
                child=child.path,
                cause=child.last_error,
                restarts_in_window=len(self._recent) - 1,
                period=self.period,
            )
            self.stop(f"the restart budget is spent by {child.path}", code=EXIT_BUDGET_SPENT)
        return False

    def _is_first_start(self, child: Child) -> bool:
        return self._is_starting and child.life == 1 and child.state is ActorState.STARTING

    def gone(self, child: Child) -> None:
        """The child's task is over; a temporary one leaves the tree."""
        if child.spec.restart is Restart.TEMPORARY:
            del self._children[child.path]

    # The operator's hand: ``protocols.lifecycle.Control``.

    def stop(self, reason: str, *, code: int = EXIT_STOPPED) -> None:
        """Stop the whole tree in order."""
        if self._wanted.is_set():
            return
        self._code = code
        self.failure = reason if code else ""
        log.info("tree.stopping", name=self.name, reason=reason)
        self._wanted.set()
        self._settled.set()

    @property
    def is_stopping(self) -> bool:
        """Whether the whole tree ends, and not just the actor that asks."""
        return self._wanted.is_set()

    def census(self) -> tuple[ActorView, ...]:
        """The live tree, in start order, a pool's children behind the pool."""
        now = trio.current_time()
        return tuple(view_of(child, now, self.child_at) for child in self._everyone())

    async def census_in_chunks(self) -> tuple[ActorView, ...]:
        """The same for many actors, without holding the loop."""
        return await read_in_chunks(self._everyone(), self.child_at)

    def restart(self, path: str) -> None:
        """End *path* in good order and start it again now, also out of backoff or parked."""
        handle = self._handle(path)
        if not self._wanted.is_set():
            handle.restart()

    def kill(self, path: str) -> None:
        """Crash *path* where it stands: the fault drill."""
        self._handle(path).kill()

    def stack(self, path: str) -> str:
        """Where *path* stands now, as a traceback without values."""
        return self._handle(path).stack()

    def undelivered(self) -> tuple[UndeliveredMail, ...]:
        """The newest messages that no actor handled, newest first."""
        return self.letters.newest()

    def _everyone(self) -> list[Child]:
        everyone: list[Child] = []
        for child in self._children.values():
            everyone.append(child)
            if child.spec.pool is not None:
                everyone += child.spec.pool.children()
        return everyone

    def _handle(self, path: str) -> Child:
        found = self.child_at(path)
        if found is None:
            near = get_close_matches(path, [child.path for child in self._everyone()])
            hint = f"; near: {', '.join(near)}" if near else ""
            raise UnknownActorError(f"no actor {path}{hint}")
        return found

    def child_at(self, path: str) -> Child | None:
        """The actor at *path*, also within a pool."""
        head, _, key = path.partition("/")
        child = self._children.get(head)
        if child is None or not key:
            return child
        return child.spec.pool.find(key) if child.spec.pool is not None else None
