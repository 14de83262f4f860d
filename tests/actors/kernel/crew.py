"""Actors and messages for the tests of the kernel."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import trio
import trio.testing
from attrs import define, field, frozen

from actors.kernel.child import ready
from actors.kernel.mailbox import Mailbox
from actors.kernel.spec import ChildSpec
from actors.kernel.supervision import Supervisor
from protocols.lifecycle import ActorView
from protocols.mail import Question


@frozen
class Said:
    """A word that an actor writes down."""

    text: str
    trace: str = ""


@frozen
class Broken:
    """A message that crashes its reader."""

    id: int = 7


@frozen
class Doubled(Question[int]):
    """Twice *number*, please."""

    number: int


@frozen
class Unanswered(Question[int]):
    """A question that is kept open."""


@define
class Log:
    """What all lives of an actor have seen."""

    heard: list[str] = field(factory=list)
    lives: int = 0
    kept: list[Unanswered] = field(factory=list)


@define
class Writer:
    """Writes down what it hears; crashes on ``Broken``."""

    inbox: Mailbox[Any]
    log: Log

    async def run(self) -> None:
        self.log.lives += 1
        async for message in self.inbox:
            match message:
                case Said(text):
                    self.log.heard.append(text)
                case Doubled(number):
                    message.reply_to.send(2 * number)
                case Unanswered():
                    self.log.kept.append(message)
                case _:
                    raise ValueError("a person's words")


@define
class Doing:
    """Does what the test wants, with or without an inbox."""

    work: Callable[[], Awaitable[object]]
    inbox: Mailbox[Any] | None = None

    async def run(self) -> None:
        await self.work()


async def hang() -> None:
    """Be ready and wait, but end when cancelled."""
    ready()
    await trio.sleep_forever()


async def hang_in_start() -> None:
    """Never be ready."""
    await trio.sleep_forever()


async def hang_shielded() -> None:
    """Ignore cancellation for an hour."""
    ready()
    with trio.CancelScope(shield=True):
        await trio.sleep(3600)


@define
class Tree:
    """A supervisor that runs, and its exit code once it is over."""

    supervisor: Supervisor
    codes: list[int] = field(factory=list)

    def __getitem__(self, path: str) -> ActorView:
        return {view.path: view for view in self.supervisor.census()}[path]

    @property
    def paths(self) -> list[str]:
        return [view.path for view in self.supervisor.census()]

    async def settle(self) -> None:
        """Let everybody run until nobody can."""
        await trio.testing.wait_all_tasks_blocked()


@asynccontextmanager
async def running(
    specs: Sequence[ChildSpec] | Callable[[Supervisor], Sequence[ChildSpec]], **options: Any
) -> AsyncIterator[Tree]:
    """The tree of *specs*, started; stopped at the end of the block."""
    tree = Tree(Supervisor(specs, **options))

    async def run() -> None:
        tree.codes.append(await tree.supervisor.run())

    async with trio.open_nursery() as nursery:
        nursery.start_soon(run)
        await tree.settle()
        yield tree
        tree.supervisor.stop("the test is over")
