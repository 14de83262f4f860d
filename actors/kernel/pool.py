"""A pool: one child for each key, started by its first message, retired when idle."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar, cast

import trio
from attrs import define, field

from actors.kernel import child as own
from actors.kernel.address import MailAddress
from actors.kernel.backoff import Backoff
from actors.kernel.decision import Budget, Ending, Restart, Verdict, decide
from actors.kernel.ending import CANCEL_GRACE, Wish, end_all
from actors.kernel.letters import DeadLetters
from actors.kernel.lives import Child
from actors.kernel.mailbox import Mailbox
from actors.kernel.spec import Actor, ChildSpec
from protocols.lifecycle import ActorState
from protocols.mail import Question

if TYPE_CHECKING:
    from collections.abc import Callable

    from actors.kernel.supervision import Supervisor

A = TypeVar("A")
M = TypeVar("M")

_CHUNK = 200


@define(eq=False)
class Pool(Generic[M]):
    """One child per key; a child's crashes never end the tree.

    A child whose restart budget is spent is parked; a message that comes *cool_off* seconds
    later, or the operator, starts it again.

    Args:
        make: Makes the actor of a key, anew for every life.
        capacity: How many messages may wait for one child.
        idle: After so many seconds without mail a child is retired; it costs nothing then.
        shutdown: Seconds that all children together have to end in good order.
    """

    id: str
    _make: Callable[[str, Mailbox[M]], Actor]
    capacity: int = field(default=64, kw_only=True)
    idle: float = field(default=900.0, kw_only=True)
    shutdown: float = field(default=30.0, kw_only=True)
    backoff: Backoff = field(factory=Backoff, kw_only=True)
    budget: Budget = field(default=Budget(intensity=5, in_a_row=8), kw_only=True)
    cool_off: float = field(default=60.0, kw_only=True)
    role: str = field(default="", kw_only=True)
    _children: dict[str, Child] = field(init=False, factory=dict)
    _lives: dict[str, int] = field(init=False, factory=dict)
    """How many lives each retired child has had."""
    _parent: Supervisor | None = field(init=False, default=None)
    nursery: trio.Nursery | None = field(init=False, default=None)
    _ending: trio.Event = field(init=False, factory=trio.Event)
    _closed: Mailbox[M] | None = field(init=False, default=None)
    _child_spec: ChildSpec = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._child_spec = ChildSpec(
            id=self.id,
            make=lambda: self,
            role=self.role or getattr(self._make, "__name__", "Session"),
            restart=Restart.PERMANENT,
            shutdown=self.shutdown,
            backoff=self.backoff,
        )

    def spec(self) -> ChildSpec:
        """Its row in the tree."""
        return ChildSpec(
            id=self.id,
            make=lambda: self,
            role="Pool",
            restart=Restart.PERMANENT,
            # Its own deadline, then the grace of its children; only then is the pool itself late.
            shutdown=self.shutdown + CANCEL_GRACE + 1.0,
            pool=self,
        )

    @property
    def _letters(self) -> DeadLetters | None:
        return self._parent.letters if self._parent is not None else None

    # Mail.

    def address(self, key: str) -> PoolAddress[M]:
        """Where to send mail for *key*; always valid, and sending starts the child."""
        return PoolAddress(self, key)

    def try_send(self, key: str, message: M) -> bool:
        """Queue *message* for *key* if there is room now."""
        return self.address(key).try_send(message)

    async def ask(self, key: str, question: Question[A], *, within: float = 10.0) -> A:
        """Ask the child of *key*, which is started for it."""
        return await self.address(key).ask(question, within=within)

    def is_running(self, key: str) -> bool:
        """A child of *key* is there, also between two lives."""
        return key in self._children

    def mailbox_of(self, key: str) -> Mailbox[M]:
        """The mailbox of *key*, which a child reads or is about to read."""
        if self._closed is not None:
            return self._closed
        child = self._children.get(key)
        if child is None:
            child = self._open(key)
        elif child.state is ActorState.PARKED and self._has_cooled(child):
            child.mailbox.reopen()  # type: ignore[union-attr]  # a pool's child has one
            child.restart()
        return cast("Mailbox[M]", child.mailbox)

    def _has_cooled(self, child: Child) -> bool:
        return trio.current_time() - child.since >= self.cool_off

    def _open(self, key: str) -> Child:
        path = f"{self.id}/{key}"
        box: Mailbox[M] = Mailbox(path, capacity=self.capacity)
        box.letters = self._letters
        child = Child(path, self._child_spec, self, box, life=self._lives.pop(key, 0))
        self._children[key] = child
        child.start()
        return child

    # The pool's own life.

    async def run(self) -> None:
        """Run the children until the pool is to end."""
        async with trio.open_nursery() as nursery:
            self.nursery = nursery
            try:
                for child in self._children.values():
                    child.start()
                own.ready()
                async with trio.open_nursery() as timer:
                    timer.start_soon(self._retire_idle)
                    await self._ending.wait()
                    timer.cancel_scope.cancel(reason="the pool ends")
                await end_all(tuple(self._children.values()), Wish.STOP, self.shutdown)
            finally:
                # Inside the block: once its body is over, the nursery may close at any step.
                self.nursery = None

    async def _retire_idle(self) -> None:
        while True:
            await trio.sleep(self.idle / 8)
            children = tuple(self._children.values())
            for start in range(0, len(children), _CHUNK):
                await trio.lowlevel.checkpoint()
                idle = tuple(filter(self._is_idle, children[start : start + _CHUNK]))
                await end_all(idle, Wish.RETIRE, self.shutdown)

    def _is_idle(self, child: Child) -> bool:
        box = child.mailbox
        if box is None or child.waits or child.state is not ActorState.UP or not box.is_idle:
            return False
        return trio.current_time() - box.idle_since >= self.idle

    # What the children's lives need.

    def make(self, child: Child) -> Actor:
        """A new actor for the next life of *child*."""
        return self._make(self._key_of(child), cast("Mailbox[M]", child.mailbox))

    def decide(self, child: Child, ending: Ending, now: float) -> Verdict:
        """What follows the end of a life: as for one supervisor per child, but it parks."""
        has_mail = child.mailbox is not None and child.mailbox.used > 0
        return decide(
            # One that ended by itself is gone; mail that it left unread must not be.
            Restart.PERMANENT if has_mail else Restart.TRANSIENT,
            ending,
            budget=self.budget,
            recent=child.recent,
            streak=child.streak,
            now=now,
        )

    def gone(self, child: Child) -> None:
        """The child's task is over; unless the pool itself was killed, it is retired."""
        if child.state is not ActorState.WAITING:
            key = self._key_of(child)
            del self._children[key]
            self._lives[key] = child.life

    def gave_up(self, child: Child) -> bool:
        """Park it, and go on with the others."""
        child.park(f"crashed too often, last: {child.last_error}")
        return True

    def stop(self, reason: str, *, code: int = 0) -> None:
        """Stop the whole tree in order."""
        if self._parent is not None:
            self._parent.stop(reason, code=code)

    def _key_of(self, child: Child) -> str:
        return child.path[len(self.id) + 1 :]

    # What the supervisor needs of a pool.

    def adopt(self, parent: Supervisor) -> None:
        """Be part of a tree from now on."""
        self._parent = parent
        for child in self._children.values():
            cast("Mailbox[M]", child.mailbox).letters = parent.letters

    def end(self) -> None:
        """End all children in good order, and then the pool's own life."""
        self._closed = Mailbox(self.id)
        self._closed.letters = self._letters
        self._closed.close("stopped")
        self._ending.set()
        if self.nursery is None:  # between two lives, and there is no further one
            for child in self._children.values():
                cast("Mailbox[M]", child.mailbox).bury("stopped")

    def restart(self, key: str) -> None:
        """End the child of *key* at once, however it hangs, and start it again now."""
        child = self._children.get(key)
        if child is not None:
            child.restart(at_once=True)

    def restart_all(self) -> None:
        """Restart every child."""
        for child in tuple(self._children.values()):
            child.restart()

    def children(self) -> list[Child]:
        """The children that there are now."""
        return list(self._children.values())

    def find(self, key: str) -> Child | None:
        """The child of *key*, if there is one now."""
        return self._children.get(key)

    @property
    def summary(self) -> str:
        """The pool in one line, for the tree."""
        return f"{len(self._children)} running, {len(self._lives)} retired"


class PoolAddress(MailAddress[M]):
    """Where to send mail for one key of a pool; starts the child that is to read it."""

    __slots__ = ("_key", "_pool")

    def __init__(self, pool: Pool[M], key: str) -> None:
        self._pool = pool
        self._key = key

    @property
    def reader(self) -> str:
        """The name of the actor that reads here."""
        return f"{self._pool.id}/{self._key}"

    @property
    def _box(self) -> Mailbox[M]:  # type: ignore[override]  # found anew for each message
        return self._pool.mailbox_of(self._key)
