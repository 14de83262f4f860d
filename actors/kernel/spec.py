"""Child specs: the tree as data, checked before anything starts."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, ParamSpec, Protocol

from attrs import evolve, field, frozen

from actors.kernel.backoff import Backoff
from actors.kernel.decision import Restart
from actors.kernel.mailbox import Mailbox

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from actors.kernel.pool import Pool

P = ParamSpec("P")


class Actor(Protocol):
    """Anything that runs; there is no class to inherit."""

    async def run(self) -> None:
        """Work until the mailbox ends or something is wrong."""


class SpecError(ValueError):
    """The tree cannot be built as it was written; the text says everything that is wrong."""


@frozen
class ChildSpec:
    """One child.

    Args:
        make: Makes the actor, anew for every life.
        role: The actor's class name.
        mailbox: What the actor reads, if it reads one.
        shutdown: Seconds that it has to end in good order before it is cancelled.
        is_significant: When it ends and is not restarted, the tree stops in order.
        pool: The pool, if the child is one.
    """

    id: str
    make: Callable[[], Actor] = field(repr=False, eq=False)
    role: str
    restart: Restart
    mailbox: Mailbox[Any] | None = field(default=None, repr=False, eq=False)
    shutdown: float = 5.0
    backoff: Backoff = field(factory=Backoff)
    is_significant: bool = False
    pool: Pool[Any] | None = field(default=None, repr=False, eq=False)

    def with_options(
        self,
        *,
        shutdown: float | None = None,
        backoff: Backoff | None = None,
        significant: bool | None = None,
    ) -> ChildSpec:
        """The same child with other options."""
        return evolve(
            self,
            shutdown=self.shutdown if shutdown is None else shutdown,
            backoff=self.backoff if backoff is None else backoff,
            is_significant=self.is_significant if significant is None else significant,
        )


@frozen
class _Row:
    """Makes one row of the tree."""

    _restart: Restart

    def __call__(
        self,
        id: str,  # noqa: A002  # OTP's word
        actor: Callable[P, Actor],
        /,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> ChildSpec:
        """The child *id*; the further arguments are the actor's own, checked by mypy."""
        # Of all that an actor is handed only its own inbox is a mailbox: the others are addresses.
        boxes = [given for given in (*args, *kwargs.values()) if isinstance(given, Mailbox)]
        return ChildSpec(
            id=id,
            make=lambda: actor(*args, **kwargs),
            role=getattr(actor, "__name__", type(actor).__name__),
            restart=self._restart,
            mailbox=boxes[0] if boxes else None,
        )


permanent = _Row(Restart.PERMANENT)
"""A child that is always started again."""
transient = _Row(Restart.TRANSIENT)
"""A child that is started again after a crash."""
temporary = _Row(Restart.TEMPORARY)
"""A child that is never started again."""


def check_specs(specs: Sequence[ChildSpec]) -> None:
    """Refuse a tree that cannot work.

    Raises:
        SpecError: With everything that is wrong.
    """
    wrong = [f"{spec.id!r}: {fault}" for spec in specs for fault in _faults(spec)]
    wrong += [
        f"{id_!r}: stands {n} times" for id_, n in Counter(s.id for s in specs).items() if n > 1
    ]
    readers = Counter(id(spec.mailbox) for spec in specs if spec.mailbox is not None)
    wrong += [
        f"{spec.id!r}: its mailbox has another reader"
        for spec in specs
        if readers[id(spec.mailbox)] > 1
    ]
    if wrong:
        raise SpecError("; ".join(wrong))


def _faults(spec: ChildSpec) -> list[str]:
    backoff = spec.backoff
    checks = {
        "an id is needed, without '/' or spaces": not spec.id or set(spec.id) & set("/ \t\n"),
        "shutdown must be 0 or more": not spec.shutdown >= 0,
        "a mailbox holds at least 1": spec.mailbox is not None and spec.mailbox.capacity < 1,
        "backoff delays must be 0 or more": not min(backoff.first, backoff.longest) >= 0,
        "a backoff factor is at least 1": not backoff.factor >= 1,
        "a permanent child never ends, so it cannot be significant": (
            spec.is_significant and spec.restart is Restart.PERMANENT
        ),
    }
    return [fault for fault, is_wrong in checks.items() if is_wrong]
