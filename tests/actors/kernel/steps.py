"""Schedules that can be repeated, and things that happen at one exact step of a task."""

import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

import trio
import trio._core._run as trio_run
import trio.testing
from attrs import define
from trio.abc import Instrument
from trio.lowlevel import Task

T = TypeVar("T")


def run_seeded(seed: int, main: Callable[[], Awaitable[T]], *instruments: Instrument) -> T:
    """Run *main* with the scheduler's choices made from *seed*, on a clock that jumps."""
    trio_run._ALLOW_DETERMINISTIC_SCHEDULING = True  # type: ignore[misc]
    trio_run._r.seed(seed)
    random.seed(seed)  # the backoff's jitter
    try:
        clock = trio.testing.MockClock(autojump_threshold=0)
        return trio.run(main, clock=clock, instruments=instruments)
    finally:
        trio_run._ALLOW_DETERMINISTIC_SCHEDULING = False  # type: ignore[misc]


@define(eq=False)
class AtStep(Instrument):
    """Does something just before the step number *step* of the task called *name*."""

    name: str
    step: int
    do: Callable[[], object]
    seen: int = 0

    def before_task_step(self, task: Task) -> None:
        if task.name == self.name:
            self.seen += 1
            if self.seen == self.step:
                self.do()

    @property
    def has_happened(self) -> bool:
        return self.seen >= self.step
