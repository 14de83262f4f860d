"""What an exit was: the one place where exceptions are sorted."""

import errno
import os
from enum import StrEnum

import trio
from attrs import frozen

from actors.kernel.aio import ASYNCIO_CANCELLED
from actors.kernel.child import ParkedError


class KilledError(Exception):
    """The operator killed the actor: the fault drill."""


class StrayCancelledError(Exception):
    """A cancellation came out of the actor that nobody ordered, such as one kept from earlier."""


class ExitKind(StrEnum):
    """How a life ended."""

    NORMAL = "normal"
    """``run`` returned."""
    CANCELLED = "cancelled"
    """Its cancel scope, or one around it, ended it."""
    CRASH = "crash"
    PARKED = "parked"
    FOREIGN = "foreign"
    """``KeyboardInterrupt``, ``SystemExit`` and their like: the whole tree is meant."""


@frozen
class Exit:
    """One life's end.

    Args:
        leaves: Every exception of it, groups resolved, cancellation left out.
        outer: A cancellation that comes from outside this life and has to go on.
    """

    kind: ExitKind
    leaves: tuple[BaseException, ...] = ()
    outer: BaseException | None = None

    @property
    def text(self) -> str:
        """The exit in one line."""
        if self.kind is ExitKind.NORMAL:
            return "ended by itself"
        return "; ".join(describe(leaf) for leaf in self.leaves) or self.kind.value


def classify(
    error: BaseException | None, *, was_cancelled: bool, is_cancelled_around: bool = False
) -> Exit:
    """Sort what came out of ``run``; a crash in a cleanup counts more than the cancellation."""
    if error is None:
        return Exit(ExitKind.CANCELLED if was_cancelled else ExitKind.NORMAL)
    outer, rest = _split(error)
    leaves = tuple(_leaves(rest)) if rest is not None else ()
    if outer is not None and not is_cancelled_around:
        stray = StrayCancelledError()
        stray.__cause__ = outer
        leaves, outer = (*leaves, stray), None
    return Exit(_kind_of(leaves), leaves, outer)


def _split(error: BaseException) -> tuple[BaseException | None, BaseException | None]:
    """The cancellation in *error*, and what else there is."""
    if isinstance(error, trio.Cancelled):
        return error, None
    if isinstance(error, BaseExceptionGroup):
        return error.split(trio.Cancelled)
    return None, error


def _leaves(error: BaseException) -> list[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        return [leaf for part in error.exceptions for leaf in _leaves(part)]
    return [error]


def _kind_of(leaves: tuple[BaseException, ...]) -> ExitKind:
    if not leaves:
        return ExitKind.CANCELLED
    if not all(isinstance(leaf, (Exception, ASYNCIO_CANCELLED)) for leaf in leaves):
        return ExitKind.FOREIGN
    if all(isinstance(leaf, ParkedError) for leaf in leaves):
        return ExitKind.PARKED
    return ExitKind.CRASH


def describe(error: BaseException) -> str:
    """An exception without what a person may have written.

    A library's exception may quote its input, so only its type is told. The texts of our own
    exceptions are written to be read, and of an ``OSError`` the system's word for its number.
    """
    name = type(error).__name__
    if (
        isinstance(error, OSError)
        and isinstance(error.errno, int)
        and error.errno in errno.errorcode
    ):
        return f"{name}: {os.strerror(error.errno)}"
    if type(error).__module__.partition(".")[0] in {"actors", "protocols"} and str(error):
        return f"{name}: {error}"
    return name
