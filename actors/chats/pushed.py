"""What is known about the pushes of a page before they are decided."""

from collections.abc import Iterable
from typing import TypeVar

import trio
from attrs import define, field

from actors.chats.asking import ask_through_restarts
from actors.chats.lasts import read_person
from actors.chats.links import Identity
from actors.chats.tasks import EndedTask, Task, TaskName, open_key, over_key, read_open, read_over
from protocols.ids import PersonId
from protocols.journal import Row, RowState
from protocols.mail import Address, Question
from protocols.pushes import AgentEvent, agent_user_key, read_event
from protocols.store import FindRow, GetKey, StoreMessage

A = TypeVar("A")


@define
class Pushed:
    """What the store has about the tasks and users that some pushes name.

    Args:
        people: By the platform's user id; they may be linked with others since.
        groups: The identities that a person is one with, if there are any.
    """

    store: Address[StoreMessage]
    people: dict[str, PersonId] = field(factory=dict)
    groups: dict[PersonId, tuple[Identity, ...]] = field(factory=dict)
    open: dict[TaskName, Task] = field(factory=dict)
    over: dict[TaskName, EndedTask] = field(factory=dict)

    async def look_up(self, rows: Iterable[Row]) -> dict[str, PersonId]:
        """Ask for all that the pushes *rows* name; gives the people."""
        events = [event for row in rows if (event := event_of(row)) is not None]
        async with trio.open_nursery() as nursery:
            for user_id in {event.user_id for event in events}:
                nursery.start_soon(self._find_person, user_id)
            for name in {name_of(event) for event in events}:
                nursery.start_soon(self._find_task, name)
        return self.people

    async def _find_person(self, user_id: str) -> None:
        person = read_person(await self._ask(GetKey(agent_user_key(user_id))))
        if person is not None:
            self.people[user_id] = person

    async def _find_task(self, name: TaskName) -> None:
        text = await self._ask(GetKey(open_key(name)))
        if text is not None:
            task = read_open(text)
            row = await self._ask(FindRow(task.row))
            if row is not None and row.state is RowState.RUNNING:
                self.open[name] = task
        text = await self._ask(GetKey(over_key(name)))
        if text is not None:
            self.over[name] = read_over(text)

    async def _ask(self, question: Question[A]) -> A:
        return await ask_through_restarts(self.store, question)


def event_of(row: Row) -> AgentEvent | None:
    """What was pushed; None where nobody can read it: another program wrote it."""
    try:
        return read_event(row.text)
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def name_of(event: AgentEvent) -> TaskName:
    """The task that *event* is about."""
    return TaskName(event.user_id, event.task_id)
