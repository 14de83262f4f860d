"""Trees for benchmarks: quiet, and with restarts that wait for nothing."""

import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from sys import maxsize

import structlog
import trio
from attrs import Factory, define

from actors.kernel.backoff import Backoff
from actors.kernel.spec import ChildSpec
from actors.kernel.supervision import Supervisor

AT_ONCE = Backoff(first=0.0, stable_after=0.0)


@define
class Tree:
    """A tree that runs."""

    supervisor: Supervisor
    _over: trio.Event = Factory(trio.Event)

    async def run(self) -> None:
        await self.supervisor.run()
        self._over.set()

    async def stop(self) -> None:
        self.supervisor.stop("measured")
        await self._over.wait()


@asynccontextmanager
async def growing(specs: Sequence[ChildSpec], *, freezes: bool = False) -> AsyncIterator[Tree]:
    """Run a tree that bears any number of crashes, and stop it behind the block."""
    tree = Tree(Supervisor(specs, intensity=maxsize, period=0.0, freezes=freezes))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(tree.run)
        yield tree
        await tree.stop()


def silence() -> None:
    """Log nothing, from now until somebody configures the logs."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
