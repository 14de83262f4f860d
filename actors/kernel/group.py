"""A child with children of its own, as its supervisor sees it."""

from collections.abc import Callable, Sequence
from typing import Protocol

from actors.kernel.letters import DeadLetters
from protocols.lifecycle import ActorView


class Handle(Protocol):
    """The operator's hand on one child, and what the census asks of it."""

    @property
    def waits_on(self) -> str:
        """The reader that it waits for; empty if it waits for none."""

    def restart(self) -> None:
        """End it in good order and start it again now."""

    def kill(self) -> None:
        """Crash it where it stands."""

    def stack(self) -> str:
        """Where it stands now, as a traceback without values."""


class Parent(Protocol):
    """The tree around a group."""

    letters: DeadLetters

    def stop(self, reason: str, *, code: int = 0) -> None:
        """Stop the whole tree in order."""

    def child_at(self, path: str) -> Handle | None:
        """The actor at *path*."""


class Group(Protocol):
    """A pool, or whatever else starts supervised children."""

    def adopt(self, parent: Parent) -> None:
        """Be part of a tree from now on."""

    def end(self) -> None:
        """End all children in good order, and then the group's own life."""

    def restart_all(self) -> None:
        """Restart every child."""

    def looks(self) -> Sequence[Callable[[float], ActorView]]:
        """One look at each child; it takes the time now."""

    def find(self, key: str) -> Handle | None:
        """The child of *key*, if there is one now."""

    def keys(self) -> Sequence[str]:
        """The children that there are now."""

    @property
    def summary(self) -> str:
        """The group in one line, for the tree."""
