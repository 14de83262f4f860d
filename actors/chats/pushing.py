"""What becomes of a push of the platform: a line, the end of a task, or nothing new; pure."""

from collections.abc import Mapping

from attrs import define, evolve

from actors.chats.decisions import Decision, ignored
from actors.chats.endings import Ending
from actors.chats.lasts import LastChat, private_room
from actors.chats.links import surface_of_person
from actors.chats.manner import Manner, manner_for
from actors.chats.page import Page
from actors.chats.pushed import Pushed, event_of, name_of
from actors.chats.slots import Chat, number_of, read_slot, slot_with
from actors.chats.task_words import done, failed, line_of
from actors.chats.tasks import EndedTask, Task, open_key, put_open, put_over
from protocols.changes import (
    AddDeadLetter,
    AddOutgoing,
    Change,
    DeleteKey,
    FinishRow,
    QueueRow,
    StartRow,
)
from protocols.ids import Language, PersonId, RowId, SlotId, run_id_for, surface_of
from protocols.journal import Row, RowState
from protocols.pushes import AgentEvent, AgentEventKind


@define
class PushSorter:
    """Decides the pushes of one page."""

    page: Page

    @property
    def pushed(self) -> Pushed:
        """What is known about them."""
        return self.page.known.pushed

    def decide(self, row: Row) -> Decision:
        """What becomes of the push *row*."""
        event = event_of(row)
        if event is None:
            return Decision(row, kept_for_operator(row, "it cannot be read"))
        if (old := self._is_said(event)) is not None:
            return Decision(row, ignored(row, old))
        owner = self.pushed.people.get(event.user_id)
        if owner is None:
            return self._untold(row, event, "nobody here is that user")
        task = self.pushed.open.get(name_of(event))
        place = self._place(event, owner, task)
        if place is None:
            return self._untold(row, event, "no room of the person is known")
        if not self.page.access.may_write(self._reader(owner, place)):
            return self._untold(row, event, "its person has no access")
        if surface_of(place.room) not in self.page.surfaces:
            return Decision(row)  # it waits until that is back
        if event.kind is AgentEventKind.TASK_PROGRESS:
            return self._goes_on(row, event, task, place)
        return self._ends(row, event, task, place)

    def _is_said(self, event: AgentEvent) -> str | None:
        """Why *event* says nothing new; None where it may."""
        ended = self.pushed.over.get(name_of(event))
        if ended is None:
            return None
        if event.kind is AgentEventKind.TASK_PROGRESS:
            return f"the task is over: its outcome is that of row {ended.row}"
        return f"{event.kind} was said before" if event.kind in ended.kinds else None

    def _untold(self, row: Row, event: AgentEvent, why: str) -> Decision:
        """*row* is said to nobody, and its line ends; the operator has all but progress."""
        is_progress = event.kind is AgentEventKind.TASK_PROGRESS
        changes = ignored(row, f"push: {why}") if is_progress else kept_for_operator(row, why)
        task = self.pushed.open.pop(name_of(event), None)
        if task is None:
            return Decision(row, changes)
        ended = FinishRow(task.row, RowState.REFUSED, f"push: {why}")
        changes = (*changes, ended, DeleteKey(open_key(task.name)))
        return Decision(row, changes, ended_task=task.row)

    def _place(self, event: AgentEvent, owner: PersonId, task: Task | None) -> LastChat | None:
        """Where *event* is told: where its line stands, in its chat, or in the last one."""
        if task is not None:
            return LastChat(task.room, slot_with(1), task.language)
        person, lasts = self.page.known.person(owner), self.page.known.lasts
        # The archived are there as well.
        known = self.page.known.chats.get(person, {}).items()
        chats = {slot: it for slot, it in known if it.room and not lasts.is_gone(it.room)}
        chat, last = self._named(event, owner, chats), lasts.of(person)
        if chat is None and last is not None:
            return last
        if chat is None and chats:
            chat = chats[max(chats, key=number_of)]  # an earlier program did not note the last
        language = Language("") if last is None else last.language
        if chat is not None:
            return LastChat(chat.room, chat.slot, language)
        room = private_room(person)
        if room is None or lasts.is_gone(room):
            return None
        return LastChat(room, slot_with(1), language)

    def _named(
        self, event: AgentEvent, owner: PersonId, chats: Mapping[SlotId, Chat]
    ) -> Chat | None:
        """The chat that *event* names, if that is one of *chats*."""
        slot = None if event.chat_id is None else read_slot(event.chat_id)
        chat = None if slot is None else chats.get(slot)
        if chat is None or self.page.known.person(owner) == owner:
            return chat
        # A link may have given the chat another number, which is that of the other's chat now.
        return chat if surface_of(chat.room) == surface_of_person(owner) else None

    def _reader(self, owner: PersonId, place: LastChat) -> PersonId:
        """Who reads in *place* what is said to *owner*."""
        person, here = self.page.known.person(owner), surface_of(place.room)
        group = (one.person for one in self.pushed.groups.get(person, ()))
        return next((one for one in group if surface_of_person(one) == here), person)

    def _goes_on(self, row: Row, event: AgentEvent, task: Task | None, place: LastChat) -> Decision:
        """A line about a task: a new one, or newer words in it."""
        line, now = line_of(event, place.language), self.page.now
        if task is None:
            task = Task(name_of(event), row.id, place.room, place.language, line, event.seq, now)
            run_id = run_id_for(row.room, row.event_id)
            begun: tuple[Change, ...] = (QueueRow(row.id, place.slot, run_id), StartRow(row.id))
        elif event.seq is not None and task.seq is not None and event.seq <= task.seq:
            return Decision(row, ignored(row, "older than what is shown"))
        else:
            seq = task.seq if event.seq is None else event.seq
            task = evolve(task, line=line, seq=seq, heard_at=now)
            begun = ignored(row, f"it goes on in the line of row {task.row}")
        self.pushed.open[task.name] = task
        return Decision(row, (*begun, put_open(task)), task=task)

    def _ends(self, row: Row, event: AgentEvent, task: Task | None, place: LastChat) -> Decision:
        """The end of a task: the outcome of the row that owns its line, or else of *row*."""
        name, manner = name_of(event), self._manner(row, place)
        owner, line = (row.id, "") if task is None else (task.row, task.line)
        ending = (
            done(event, row, manner, line=line)
            if event.kind is AgentEventKind.TASK_DONE
            else failed(event, manner, line=line)
        )
        before = self.pushed.over.get(name)
        kinds = {event.kind} if before is None else {event.kind, *before.kinds}
        ended = self.pushed.over[name] = EndedTask(owner, frozenset(kinds))
        changes: tuple[Change, ...] = ()
        if task is not None:
            del self.pushed.open[name]
            changes = (
                *ignored(row, f"it is the outcome of row {owner}"),
                DeleteKey(open_key(name)),
            )
        said = outcome(ending, owner, place)
        return Decision(row, (*changes, *said, put_over(name, ended)), ended_task=owner)

    def _manner(self, row: Row, place: LastChat) -> Manner:
        surface = self.page.surfaces[surface_of(place.room)]
        return manner_for(evolve(row, language=place.language), surface)


def outcome(ending: Ending, owner: RowId, place: LastChat) -> tuple[Change, ...]:
    """The changes that end the row *owner*, which is not of the room where people read it."""
    return (
        FinishRow(owner, ending.state, ending.reason),
        AddOutgoing(place.room, ending.voice, ending.text, row=owner, keyboard=ending.keyboard),
    )


def kept_for_operator(row: Row, why: str) -> tuple[Change, ...]:
    """The changes that end a push which nobody can be told of, such that the operator sees it."""
    return (
        FinishRow(row.id, RowState.REFUSED, f"push: {why}"),
        AddDeadLetter("chats", "push", f"row {row.id}: {why}", row.text),
    )


def set_aside_push(row: Row, *, attempts: int) -> tuple[Change, ...]:
    """The changes that end a push which crashed the directory too often."""
    why = f"set aside after {attempts} attempts"
    return (
        FinishRow(row.id, RowState.SET_ASIDE, f"push: {why}"),
        AddDeadLetter("chats", "push", f"row {row.id}: {why}", row.text),
    )
