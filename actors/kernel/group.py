"""A child with children of its own, as its supervisor sees it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from actors.kernel.letters import DeadLetters

if TYPE_CHECKING:
    from actors.kernel.lives import Child


class Parent(Protocol):
    """The tree around a group."""

    letters: DeadLetters

    def stop(self, reason: str, *, code: int = 0) -> None:
        """Stop the whole tree in order."""

    def child_at(self, path: str) -> Child | None:
        """The actor at *path*."""


class Group(Protocol):
    """A pool, or whatever else starts supervised children."""

    def adopt(self, parent: Parent) -> None:
        """Be part of a tree from now on."""

    def end(self) -> None:
        """End all children in good order, and then the group's own life."""

    def restart_all(self) -> None:
        """Restart every child."""

    def children(self) -> Sequence[Child]:
        """The children that there are now."""

    def find(self, key: str) -> Child | None:
        """The child of *key*, if there is one now."""

    @property
    def summary(self) -> str:
        """The group in one line, for the tree."""
