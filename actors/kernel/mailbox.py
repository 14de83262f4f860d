"""Bounded mailboxes: the supervisor's property, so that queue and addresses outlive a crash.

A message is *in hand* from when the reader gets it until the reader comes for the next one.
Every accepted message is exactly one of queued, in hand, handled, or a dead letter with its
reason (set aside after crashes, its asker gave up, or its reader ended).
"""

from collections import deque
from typing import Generic, TypeVar, cast

import structlog
import trio
from trio.lowlevel import Abort, ParkingLot, checkpoint, current_task, wait_task_rescheduled

from actors.kernel.address import MailAddress
from actors.kernel.box import Box, Entry

M = TypeVar("M")


class Mailbox(Box[M]):
    """The queue of one actor.

    Args:
        reader: The name of the actor that reads here.
        capacity: How many messages may wait before senders wait.
    """

    __slots__ = ()

    @property
    def address(self) -> "MailAddress[M]":
        """Where to send mail for the reader; stays valid over crashes and restarts."""
        return MailAddress(self)

    def __aiter__(self) -> "Mailbox[M]":
        return self

    async def __anext__(self) -> M:
        if not await self._have_mail():
            raise StopAsyncIteration
        message = self._hand[0][1]
        trace: str = getattr(message, "trace", "")
        if trace != self._bound_trace:
            self._bind(trace)
        return message

    async def receive_batch(self, limit: int) -> list[M]:
        """What is there, at most *limit*, at least one; nothing once closed and empty.

        A message that was in hand in a crash comes alone, so that it cannot have its
        neighbours set aside with it.
        """
        if not await self._have_mail():
            return []
        if self._hand[0][2] == 0:
            while self._queue and len(self._hand) < limit and self._queue[0][2] == 0:
                self._hand += (self._pop(),)
        return [entry[1] for entry in self._hand]

    async def _have_mail(self) -> bool:
        """Wait for a message and take it in hand; what was in hand is handled by now."""
        if self._hand:
            self.handled += len(self._hand)
            self._hand = ()
        if self.on_first_wait is not None:
            announce, self.on_first_wait = self.on_first_wait, None
            announce()
        if self._queue and not self._is_life_over:
            await checkpoint()
        while not self._hand:
            if self._is_life_over:
                return False
            if self._withdrawn:
                self._drop_withdrawn()
            if self._queue:
                self._taken_at = trio.current_time()
                self._hand = (self._pop(),)
            elif self.refusal:
                return False
            else:
                await self._wait()
        return True

    async def _wait(self) -> None:
        if self._waiter is not None:
            raise trio.BusyResourceError(f"two tasks read the mailbox of {self.reader}")
        self._queue = None  # an idle actor keeps no empty deque
        self.idle_since = trio.current_time()
        self._waiter = current_task()
        await wait_task_rescheduled(self._stop_waiting)

    def _stop_waiting(self, _raise_cancel: object) -> Abort:
        self._waiter = None
        return Abort.SUCCEEDED

    def _pop(self) -> Entry[M]:
        entry = cast("deque[Entry[M]]", self._queue).popleft()
        self._mark_taken(entry[1])
        if self._line:
            self._admit()
        return entry

    def _bind(self, trace: str) -> None:
        self._bound_trace = trace
        if trace:
            structlog.contextvars.bind_contextvars(trace=trace)
        else:
            structlog.contextvars.unbind_contextvars("trace")


class Latest(Generic[M]):
    """Keeps the newest value; implements ``protocols.mail.Sink``."""

    __slots__ = ("_lot", "_value")

    def __init__(self) -> None:
        self._value: tuple[M, ...] = ()
        self._lot = ParkingLot()

    def put(self, value: M, /) -> None:
        """Show *value*, in the place of one that nobody has taken; never blocks."""
        self._value = (value,)
        self._lot.unpark()

    async def get(self) -> M:
        """Wait for a value that was not taken yet, and take it."""
        if self._value:
            await checkpoint()
        while not self._value:
            await self._lot.park()
        (value,), self._value = self._value, ()
        return value
