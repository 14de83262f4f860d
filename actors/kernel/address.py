"""Addresses: how mail gets into a mailbox, and how questions are asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

import trio
from trio.lowlevel import (
    Abort,
    cancel_shielded_checkpoint,
    checkpoint_if_cancelled,
    current_task,
    wait_task_rescheduled,
)

from actors.kernel.child import Wait, current_life
from actors.kernel.questions import OpenReply
from protocols.mail import CalleeDiedError, CalleeParkedError, Question

if TYPE_CHECKING:
    from collections.abc import Callable

    from actors.kernel.box import Box

A = TypeVar("A")
M_contra = TypeVar("M_contra", contravariant=True)


class MailAddress(Generic[M_contra]):
    """Where to send mail for one actor; implements ``protocols.mail.Address``."""

    __slots__ = ("_box",)

    def __init__(self, box: Box[M_contra]) -> None:
        self._box = box

    @property
    def reader(self) -> str:
        """The name of the actor that reads here."""
        return self._box.reader

    def try_send(self, message: M_contra, /) -> bool:
        """Queue *message* if there is room now; False if not, or if the reader is gone."""
        box = self._box
        if box.refusal:
            box.refuse(message, box.refusal)
            return False
        if not box.has_room:
            return False
        box.put(message)
        return True

    async def send(self, message: M_contra, /) -> None:
        """Queue *message*, waiting for room; to a parked or ended reader it is a dead letter."""
        await checkpoint_if_cancelled()
        box = self._box
        if box.refusal:
            box.refuse(message, box.refusal)
        elif box.has_room:
            box.put(message)
        else:
            await _wait_for_room(box, message)
            return
        await cancel_shielded_checkpoint()

    async def ask(self, question: Question[A], /, *, within: float = 10.0) -> A:
        """Ask, and wait at most *within* seconds for the answer, also for room in the mailbox.

        Raises:
            CalleeDiedError: The reader died with the question, or has ended.
            CalleeParkedError: It is parked.
            AnswerLateError: No answer in time.
        """
        await checkpoint_if_cancelled()
        box, kind = self._box, type(question).__name__
        if box.refusal:
            died = CalleeParkedError if box.is_parked else CalleeDiedError
            raise died(f"{box.reader}: {box.refusal} ({kind})")
        reply = OpenReply(box, current_task(), kind, within)
        object.__setattr__(question, "reply_to", reply)
        if box.has_room:
            box.put(cast("M_contra", question))
        else:
            box.stand_in_line(reply, cast("M_contra", question))
        reply.watch(trio.current_time())
        return cast("A", await _wait(reply, reply.abandon))


async def _wait(wait: Wait, give_up: Callable[[object], Abort]) -> object:
    """Sleep until somebody reschedules this task; the live tree shows for what."""
    life = current_life.get()
    if life is None:
        return await wait_task_rescheduled(give_up)
    life.wait_began(wait)
    try:
        return await wait_task_rescheduled(give_up)
    finally:
        life.wait_ended(wait)


class _RoomWait:
    """A sender waits for room in a mailbox."""

    __slots__ = ("reader",)
    why = "room in its mailbox"

    def __init__(self, reader: str) -> None:
        self.reader = reader


async def _wait_for_room(box: Box[Any], message: object) -> None:
    task = current_task()

    def give_up(_raise_cancel: object) -> Abort:
        box.leave_line(task)
        return Abort.SUCCEEDED

    box.stand_in_line(task, message)
    await _wait(_RoomWait(box.reader), give_up)
