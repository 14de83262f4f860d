"""What the outside sees of supervised actors: the live tree, and dead letters of mailboxes."""

from enum import StrEnum
from typing import Protocol

from attrs import frozen


class ActorState(StrEnum):
    """What an actor is doing, in OTP's words where it has them."""

    WAITING = "waiting"
    """Not started yet."""
    STARTING = "starting"
    UP = "up"
    BACKOFF = "backoff"
    """Crashed; the next start waits."""
    PARKED = "parked"
    """Declared that it cannot work, with a reason; started again on command only."""
    STOPPING = "stopping"
    STUCK = "stuck"
    """Did not end when it was cancelled."""
    ENDED = "ended"


@frozen
class ActorView:
    """One actor in the live tree. All ages and times are in seconds.

    Args:
        path: ``matrix``, ``sessions/matrix/!room:server``.
        role: The class name of the actor.
        life: Counts starts, from 1; 0 before the first.
        used: Messages that wait in the mailbox.
        oldest_age: How long the oldest of them has waited; None if none waits.
        in_hand: Class name of the message being handled; empty for none.
        waits_for: Whom it waits for: an actor's name and why, ``backoff 4.0 s``, ``its inbox``.
        note: What the actor says of itself, such as ``last sync 2 s ago``, or why it is parked.
        beat_age: Since it last did what it is there for, such as a completed poll; None for never.
    """

    path: str
    role: str
    state: ActorState
    life: int
    restarts: int
    uptime: float
    used: int
    capacity: int
    peak: int
    oldest_age: float | None
    in_hand: str
    in_hand_age: float | None
    handled: int
    last_error: str
    waits_for: str
    note: str
    beat_age: float | None = None


@frozen
class UndeliveredMail:
    """A message that no actor handled: late answer, ended reader, set aside after crashes."""

    reader: str
    kind: str
    reason: str
    trace: str
    age: float


class UnknownActorError(LookupError):
    """No actor has that path; the text names some that are near."""


class Control(Protocol):
    """The operator's hand on the running tree; nothing here waits for an actor.

    ``restart``, ``kill`` and ``stack`` raise ``UnknownActorError``.
    """

    @property
    def failure(self) -> str:
        """Why the tree gives up, once it does; empty while it runs or was told to stop."""

    @property
    def is_stopping(self) -> bool:
        """Whether the whole tree ends, and not just the actor that asks."""

    def census(self) -> tuple[ActorView, ...]:
        """The live tree, in start order, a pool's children behind the pool."""

    async def census_in_chunks(self) -> tuple[ActorView, ...]:
        """The same for many actors; others run in between, so that the loop is never held."""

    def restart(self, path: str) -> None:
        """End *path* in good order and start it again now, also out of backoff or parked."""

    def kill(self, path: str) -> None:
        """Crash *path* where it stands: the fault drill."""

    def stack(self, path: str) -> str:
        """Where *path* stands now, as a traceback without values."""

    def stop(self, reason: str) -> None:
        """Stop the whole tree in order; the program exits 0."""

    def undelivered(self) -> tuple[UndeliveredMail, ...]:
        """The newest messages that no actor handled, newest first."""
