"""What follows an exit: the restart decision, without I/O and without a clock.

The rules are those of Erlang/OTP's ``supervisor``, strategy one_for_one, with one addition:
failures in a row are limited too, as with backoff the window alone may never fill.
"""

from enum import StrEnum

from attrs import frozen


class Restart(StrEnum):
    """When a child that ended is started again."""

    PERMANENT = "permanent"
    """Always."""
    TRANSIENT = "transient"
    """After a crash."""
    TEMPORARY = "temporary"
    """Never; once ended it is forgotten."""


class Ending(StrEnum):
    """How a life ended, as far as the decision is concerned."""

    NORMAL = "normal"
    SHUTDOWN = "shutdown"
    """It was asked to."""
    CRASH = "crash"
    """Also a start that failed."""


class Next(StrEnum):
    """What happens now."""

    RESTART = "restart"
    END = "end"
    """It stays in the tree, without a life."""
    FORGET = "forget"
    """It leaves the tree."""
    GIVE_UP = "give up"
    """The budget is spent: this level cannot help any more."""
    COMPLETE = "complete"
    """A significant child ended: the whole tree stops in order."""


@frozen
class Budget:
    """How many restarts are bearable.

    Args:
        intensity: So many restarts are allowed within *period* seconds.
        in_a_row: So many failures in a row are allowed, however slowly they come.
    """

    intensity: int = 10
    period: float = 60.0
    in_a_row: int = 20


@frozen
class Verdict:
    """The decision, and the times of the restarts that are now within the period."""

    next: Next
    recent: tuple[float, ...]


def decide(
    restart: Restart,
    ending: Ending,
    *,
    is_significant: bool = False,
    budget: Budget,
    recent: tuple[float, ...],
    streak: int,
    now: float,
) -> Verdict:
    """What follows when a child of type *restart* ended.

    *recent* says when the restarts of this level happened, oldest first; *streak* counts the
    failures of this child in a row, this one included.
    """
    if not _comes_back(restart, ending):
        if is_significant:
            return Verdict(Next.COMPLETE, recent)
        return Verdict(Next.FORGET if restart is Restart.TEMPORARY else Next.END, recent)
    within = (*(at for at in recent if now - at <= budget.period), now)
    is_spent = len(within) > budget.intensity or streak > budget.in_a_row
    return Verdict(Next.GIVE_UP if is_spent else Next.RESTART, within)


def _comes_back(restart: Restart, ending: Ending) -> bool:
    if restart is Restart.TRANSIENT:
        return ending is Ending.CRASH
    return restart is Restart.PERMANENT
