"""Open questions: the place for one answer each, and one sweeper for all their time limits."""

from __future__ import annotations

from collections import OrderedDict
from math import inf
from typing import TYPE_CHECKING, Any, cast

import trio
from outcome import Error, Outcome, Value
from trio.lowlevel import Abort, RunVar, Task, reschedule, spawn_system_task

from protocols.mail import AnswerLateError, CalleeDiedError, CalleeParkedError

if TYPE_CHECKING:
    from actors.kernel.box import Box

_Bucket = OrderedDict["OpenReply", None]


class OpenReply:
    """The reserved place for one answer: settled once, by the answer, the limit or a death."""

    __slots__ = ("_bucket", "_task", "box", "deadline", "kind", "within")

    def __init__(self, box: Box[Any], task: Task, kind: str, within: float) -> None:
        self.box = box
        self.kind = kind
        self.within = within
        self.deadline = inf
        self._task: Task | None = task
        self._bucket: _Bucket | None = None

    @property
    def reader(self) -> str:
        """Who is asked."""
        return self.box.reader

    @property
    def why(self) -> str:
        """What is asked."""
        return f"answer to {self.kind}"

    @property
    def is_open(self) -> bool:
        """Somebody still waits for the answer."""
        return self._task is not None

    def send(self, answer: object, /) -> None:
        """Put the answer in its place; late or twice, it is a dead letter."""
        if self._task is None:
            self.box.refuse(answer, f"late answer to {self.kind}")
        else:
            self._settle(Value(answer))

    def callee_died(self, reason: str, *, is_parked: bool = False) -> None:
        """Tell the asker that there will be no answer."""
        if self._task is not None:
            died = CalleeParkedError if is_parked else CalleeDiedError
            self._settle(Error(died(f"{self.reader}: {reason} ({self.kind})")))

    def time_is_up(self) -> None:
        """Tell the asker that the limit has passed."""
        text = f"{self.reader} did not answer {self.kind} within {self.within:g} s"
        self._settle(Error(AnswerLateError(text)))

    def abandon(self, _raise_cancel: object) -> Abort:
        """The asker was cancelled."""
        self._close()
        return Abort.SUCCEEDED

    def watch(self, now: float) -> None:
        """Let the sweeper of this run hold the time limit."""
        self.deadline = now + self.within
        self._bucket = _sweeper().watch(self)

    def _settle(self, result: Outcome[object]) -> None:
        task = cast("Task", self._task)
        self._close()
        reschedule(task, result)

    def _close(self) -> None:
        self._task = None
        self.box.forget(self)
        if self._bucket is not None:
            del self._bucket[self]
            self._bucket = None


class _Sweeper:
    """Holds the time limits of all open questions with one task and one timer.

    Questions of one limit end in the order in which they were asked, so a bucket for each
    limit is always sorted, and an answered question leaves it at once.
    """

    __slots__ = ("_buckets", "_nap")

    def __init__(self) -> None:
        self._buckets: dict[float, _Bucket] = {}
        self._nap = trio.CancelScope()

    def watch(self, reply: OpenReply) -> _Bucket:
        bucket = self._buckets.get(reply.within)
        if bucket is None:
            bucket = self._buckets[reply.within] = OrderedDict()
        bucket[reply] = None
        if reply.deadline < self._nap.deadline:  # noqa: PLR1730  # each set costs a timer
            self._nap.deadline = reply.deadline
        return bucket

    async def run(self) -> None:
        while True:
            with self._nap:
                await trio.sleep_forever()
            self._end_late(trio.current_time())
            self._buckets = {limit: open_ for limit, open_ in self._buckets.items() if open_}
            nearest = min((next(iter(b)).deadline for b in self._buckets.values()), default=inf)
            self._nap = trio.CancelScope(deadline=nearest)

    def _end_late(self, now: float) -> None:
        for bucket in self._buckets.values():
            while bucket and (first := next(iter(bucket))).deadline <= now:
                first.time_is_up()


_run_sweeper: RunVar[_Sweeper] = RunVar("question_sweeper")


def _sweeper() -> _Sweeper:
    try:
        return _run_sweeper.get()
    except LookupError:
        sweeper = _Sweeper()
        _run_sweeper.set(sweeper)
        spawn_system_task(sweeper.run, name="question sweeper")
        return sweeper
