"""The lines of open tasks: shown now and then, the newest words only, until they end or fade."""

from collections.abc import Callable, Mapping
from math import inf
from typing import TypeVar

import trio
from attrs import define, field

from actors.chats.asking import ask_through_restarts
from actors.chats.hints import DeliveryHints
from actors.chats.lasts import LAST, is_within, put_gone, read_last
from actors.chats.task_words import given_up
from actors.chats.tasks import LONGEST_SILENCE, OPEN, Task, open_key, read_all_open
from protocols.changes import AddOutgoing, Change, DeleteKey, FinishRow
from protocols.ids import RoomId, RowId, SurfaceName, surface_of
from protocols.journal import RowState, Voice
from protocols.mail import Address, Question
from protocols.store import (
    Commit,
    Committed,
    Conflict,
    FindKeys,
    OutgoingRooms,
    StoreMessage,
)
from protocols.surfaces import ShowDraft, Surface

A = TypeVar("A")
Keys = tuple[tuple[str, str], ...]

SHORTEST_PAUSE = 5.0
"""Seconds between the first changes of a line."""

LONGEST_PAUSE = 60.0
_PAUSE_WHERE_FULL = 1.0


@define
class _Line:
    """One line as people see it.

    Args:
        next_at: When it may be changed again, by the loop's clock.
    """

    task: Task
    is_unseen: bool = True
    shows: int = 0
    next_at: float = -inf

    @property
    def due_at(self) -> float:
        """When there is something to do about it."""
        return self.next_at if self.is_unseen else inf


@define
class TaskLines:
    """Shows the lines, and ends those of which there will be no more; never waits for a surface.

    A line is a draft of the row that owns it, so its surface remembers the message by which it is
    shown, and puts the row's outcome in the place of that.

    Args:
        clock: Seconds since the epoch.
    """

    store: Address[StoreMessage]
    surfaces: Mapping[SurfaceName, Surface]
    hints: DeliveryHints
    clock: Callable[[], float]
    _lines: dict[RowId, _Line] = field(factory=dict)
    _news: trio.Event = field(factory=trio.Event)

    async def run(self) -> None:
        """Show lines until cancelled."""
        while True:
            self._news = trio.Event()
            for line in self._lines.values():
                if line.due_at <= trio.current_time():
                    self._show(line)
            with trio.move_on_at(min((line.due_at for line in self._lines.values()), default=inf)):
                await self._news.wait()

    def show(self, task: Task) -> None:
        """*task* has newer words."""
        line = self._lines.setdefault(task.row, _Line(task))
        line.task, line.is_unseen = task, True
        self._news.set()

    def end(self, row: RowId) -> None:
        """Show nothing more of the line that *row* owns."""
        self._lines.pop(row, None)

    async def show_all(self) -> None:
        """Show what is open by the journal, and let everybody deliver: hints may be lost."""
        for task in await self._open():
            self.show(task)
        for name in self.surfaces:
            for room in await self._ask(OutgoingRooms(name)):
                self.hints.deliver(room)

    async def give_up_silent(self) -> None:
        """End the tasks that nothing was heard of for a day; their people are told."""
        for task in await self._open():
            if self.clock() - task.heard_at > LONGEST_SILENCE:
                text = given_up(task.name.task_id, task.language, line=task.line)
                words = AddOutgoing(task.room, Voice.GATEWAY, text, row=task.row)
                await self._end(task, "nothing was heard of the task for a day", words)
                self.hints.deliver(task.room)

    async def close_room(self, room: RoomId, reason: str) -> None:
        """End the lines in *room* without a word, and let nobody be told anything there."""
        for task in await self._open():
            if is_within(task.room, room):
                await self._end(task, reason)
        stored: Keys = await self._ask(FindKeys(LAST))
        there = (
            key for key, text in stored if (it := read_last(text)) and is_within(it.room, room)
        )
        await self._ask(Commit((put_gone(room), *map(DeleteKey, there))))

    async def _end(self, task: Task, reason: str, *words: AddOutgoing) -> None:
        gone = DeleteKey(open_key(task.name))
        end: tuple[Change, ...] = (FinishRow(task.row, RowState.FAILED, reason), *words, gone)
        done: Committed | Conflict = await self._ask(Commit(end))
        if isinstance(done, Conflict):
            await self._ask(Commit((gone,)))  # its row has ended without it
        self.end(task.row)

    def _show(self, line: _Line) -> None:
        task, now = line.task, trio.current_time()
        surface = self.surfaces.get(surface_of(task.room))
        draft = ShowDraft(task.room, task.row, "", status=task.line, is_task=True)
        if surface is not None and not surface.address.try_send(draft):
            line.next_at = now + _PAUSE_WHERE_FULL
            return
        line.is_unseen = False
        line.shows += 1
        line.next_at = now + pause_after(line.shows)

    async def _open(self) -> tuple[Task, ...]:
        stored: Keys = await self._ask(FindKeys(OPEN))
        return read_all_open(stored)

    async def _ask(self, question: Question[A]) -> A:
        return await ask_through_restarts(self.store, question)


def pause_after(shows: int) -> float:
    """Seconds until a line may be changed again: on Matrix each change is an event for ever."""
    return min(LONGEST_PAUSE, SHORTEST_PAUSE * (1 + shows // 4))
