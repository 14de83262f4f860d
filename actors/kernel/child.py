"""What a running actor may say of itself; outside a supervisor nothing of it has an effect."""

from contextvars import ContextVar
from typing import Protocol


class ParkedError(Exception):
    """The actor cannot work until a person changes something; the text says what.

    Raised out of ``run``: the actor is shown as parked and started again on command only.
    The text stands in the tree and in logs, so it holds no secret and no person's words.
    """


class Wait(Protocol):
    """Something that a task waits for."""

    @property
    def reader(self) -> str:
        """Whose turn it is."""

    @property
    def why(self) -> str:
        """What is waited for: an answer, or room in a mailbox."""


class Life(Protocol):
    """One life of a supervised actor, as its own code and its mailboxes see it."""

    def ready(self) -> None:
        """The start is over."""

    def note(self, text: str) -> None:
        """Show *text* in the live tree."""

    def beat(self) -> None:
        """It has just done what it is there for."""

    def wait_began(self, wait: Wait) -> None:
        """A task of this actor waits."""

    def wait_ended(self, wait: Wait) -> None:
        """It waits no more."""


current_life: ContextVar[Life | None] = ContextVar("current_life", default=None)
"""The life that this task belongs to; None outside a supervisor."""


def ready() -> None:
    """Say that the start is over; the first wait on the actor's own inbox says it too."""
    life = current_life.get()
    if life is not None:
        life.ready()


def note(text: str) -> None:
    """Say one line for the live tree, such as ``last sync 12:00:03``; the newest stands."""
    life = current_life.get()
    if life is not None:
        life.note(text)


def beat() -> None:
    """Say that the actor has just done what it is there for, such as a completed poll."""
    life = current_life.get()
    if life is not None:
        life.beat()
