"""The one door to Telegram: nothing is sent that has not been let through here."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

import trio
from attrs import define, field

from actors.telegram.outgoing.limits import Budget, Lane, Ticket, Urgency


@define(eq=False)
class Pass(Ticket):
    """A ticket that somebody waits with."""

    is_admitted: bool = False
    _decided: trio.Event = field(factory=trio.Event)

    def admit(self) -> None:
        """Let its holder go on."""
        self.is_admitted = True
        self._decided.set()

    def withdraw(self) -> None:
        """Let its holder go away, if it still waits."""
        self._decided.set()

    async def admitted(self) -> bool:
        """Wait; False if it was withdrawn."""
        await self._decided.wait()
        return self.is_admitted


@define
class Gate:
    """Lets through what the budget allows, the most urgent first."""

    budget: Budget
    _line: list[Pass] = field(factory=list)
    _busy: set[Lane] = field(factory=set)
    _numbers: Iterator[int] = field(factory=count)
    _changed: trio.Event = field(factory=trio.Event)

    @contextmanager
    def line_up(
        self, chat: int | None, urgency: Urgency, *, thread: int | None = None, messages: int = 1
    ) -> Iterator[Pass]:
        """A pass for one request to *chat*, or its topic, which must be over when the block ends.

        Without a chat it waits for no other request, only for its time.
        """
        number = next(self._numbers)
        holder = Pass(chat, urgency, number, messages=messages, thread=thread)
        self._line.append(holder)
        self._admit()
        self._look_again()
        try:
            yield holder
        finally:
            if not holder.is_admitted:
                self._line.remove(holder)
            elif holder.lane is not None:
                self._busy.discard(holder.lane)
            self._look_again()

    def punish(self, wait: float) -> None:
        """Let nothing through for *wait* seconds."""
        self.budget.punish(trio.current_time(), wait)
        self._changed.set()

    @property
    def is_silent(self) -> bool:
        """Telegram wants nothing sent now."""
        return self.budget.penalty.left(trio.current_time()) > 0

    async def run(self) -> None:
        """Let through what had to wait, when its time has come."""
        while True:
            self._changed = trio.Event()
            wait = self._admit()
            # Never shorter than a float near the clock can tell.
            with trio.move_on_after(float("inf") if wait is None else max(wait, 0.001)):
                await self._changed.wait()

    def _look_again(self) -> None:
        if self._line:
            self._changed.set()

    def _admit(self) -> float | None:
        admitted, wait = self.budget.admit(self._line, trio.current_time(), self._busy)
        for holder in admitted:
            self._line.remove(holder)
            if holder.lane is not None:
                self._busy.add(holder.lane)
            holder.admit()
        return wait
