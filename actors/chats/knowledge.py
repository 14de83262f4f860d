"""What the directory looks up before it decides a page of rows, all at once."""

from collections.abc import Iterable, Mapping
from typing import TypeVar

import trio
from attrs import define, field

from actors.chats.asking import ask_through_restarts
from actors.chats.lasts import GONE, Lasts, last_key, read_gone
from actors.chats.links import Links, group_key, in_its_chat, linked_key, read_group, read_linked
from actors.chats.notes import RoomNotes, TurnContext, notes_prefix, read_notes
from actors.chats.presses import EDIT_OFFERED, AnewPress, read_press
from actors.chats.pushed import Pushed
from actors.chats.replies import MOST_WAITING
from actors.chats.slots import Chat, chats_prefix, keys_of, person_key, read_chats
from protocols.ids import EventId, PersonId, RemoteId, RoomId, RowId, SlotId, surface_of
from protocols.journal import OutboxRow, Row
from protocols.mail import Address, Question
from protocols.store import (
    FinalOutgoing,
    FindEvent,
    FindKeys,
    FindMessage,
    FindRow,
    GetKey,
    LastFinished,
    RecentRows,
    StoreMessage,
    WaitingRows,
)

A = TypeVar("A")
K = TypeVar("K")

_RECENT = 300
"""Rows of a room among which the newest message of a person is looked for: more than a page."""


@define
class Knowledge:
    """What the store has about the rooms and people of some rows, and about what the rows name.

    Args:
        unfinished: How many rows of a room run or wait, as far as that matters.
        failed: The last failed row by room and person.
        rows: Those that presses and open questions name.
        people: Who each of those who sent the rows is for the platform, where that is another.
        links: What a ``/link`` needs; looked up for that alone.
        held: What waits until its person says whether it is answered.
    """

    store: Address[StoreMessage]
    keys: dict[str, str] = field(factory=dict)
    chats: dict[PersonId, dict[SlotId, Chat]] = field(factory=dict)
    unfinished: dict[RoomId, int] = field(factory=dict)
    failed: dict[tuple[RoomId, PersonId], Row | None] = field(factory=dict)
    notes: dict[RoomId, RoomNotes] = field(factory=dict)
    rows: dict[RowId, Row | None] = field(factory=dict)
    people: dict[PersonId, PersonId] = field(factory=dict)
    links: Links = field(factory=Links)
    held: dict[tuple[RoomId, PersonId], Mapping[RowId, Row]] = field(factory=dict)
    lasts: Lasts = field(init=False)
    pushed: Pushed = field(init=False)
    _finals: dict[RowId, OutboxRow | None] = field(factory=dict)
    _events: dict[RowId, Row | None] = field(factory=dict)
    _messages: dict[tuple[RoomId, RemoteId], Row | None] = field(factory=dict)
    _recent: dict[RoomId, tuple[Row, ...]] = field(factory=dict)

    def __attrs_post_init__(self) -> None:
        self.lasts, self.pushed = Lasts(self.people), Pushed(self.store)

    async def look_up_pushes(self, rows: Iterable[Row]) -> None:
        """Ask for all that the pushes *rows* name, and where their people are told of them."""
        owners = set((await self.pushed.look_up(rows)).values())
        async with trio.open_nursery() as nursery:
            for owner in owners:
                nursery.start_soon(self._find_linked, owner)
        people = set(map(self.person, owners))
        await self.look_up_chats(people)
        async with trio.open_nursery() as nursery:
            for person in people:
                nursery.start_soon(self._find_group, person)

    async def look_up(
        self, rows: Iterable[Row], retries: Iterable[Row], opened: Mapping[RowId, RoomId | None]
    ) -> None:
        """Ask for all that concerns *rows*, and for what *retries* would run again.

        Some of *rows* have a room that was *opened* for them.
        """
        rows = tuple(rows)
        pairs = {(row.room, row.sender) for row in rows}
        new = {(room, row.sender) for row in rows if (room := opened.get(row.id)) is not None}
        redactions = [row for row in rows if row.redacts is not None]
        pressed = [it for row in rows if row.press and (it := read_press(row.press.action))]
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._find_gone)
            for key in {key for room, person in pairs | new for key in keys_of(room, person)}:
                nursery.start_soon(self._find_key, key)
            for person in {person for _, person in pairs}:
                nursery.start_soon(self._find_chats, person)
                nursery.start_soon(self._find_linked, person)
            for room in {room for room, _ in pairs}:
                nursery.start_soon(self._count_unfinished, room)
                nursery.start_soon(self._find_notes, room)
            for room, person in {(row.room, row.sender) for row in retries}:
                question = LastFinished(room, person)
                nursery.start_soon(self._find, self.failed, (room, person), question)
            for target in {it.row for it in pressed}:
                nursery.start_soon(self._find, self.rows, target, FindRow(target))
            for redaction in redactions:
                nursery.start_soon(self._find, self._events, redaction.id, _event_of(redaction))
        await self.look_up_chats(self.people.values())
        await self._find_notes_of_events()
        anew = [it.row for it in pressed if isinstance(it, AnewPress)]
        await self._look_further(pairs, rows, anew)

    async def look_up_chats(self, people: Iterable[PersonId]) -> None:
        """Ask for the chats and the counter of *people*."""
        async with trio.open_nursery() as nursery:
            for person in set(people):
                nursery.start_soon(self._find_chats, person)
                nursery.start_soon(self._find_key, person_key(person))

    async def look_up_people(self, people: Iterable[PersonId]) -> None:
        """Ask for all that is kept of *people*, whoever they are linked with."""
        async with trio.open_nursery() as nursery:
            for person in set(people):
                nursery.start_soon(self._find_linked, person)
        await self.look_up_chats(people)

    async def look_up_keys(self, keys: Iterable[str]) -> None:
        """Ask for what is under *keys*."""
        async with trio.open_nursery() as nursery:
            for key in keys:
                nursery.start_soon(self._find_key, key)

    async def _find_notes_of_events(self) -> None:
        """Ask for the notes of the rooms of what was taken back: a thread may be a room."""
        rooms = {row.room for row in self._events.values() if row is not None}
        async with trio.open_nursery() as nursery:
            for room in rooms - self.notes.keys():
                nursery.start_soon(self._find_notes, room)

    async def _look_further(
        self, pairs: set[tuple[RoomId, PersonId]], rows: tuple[Row, ...], anew: list[RowId]
    ) -> None:
        """Ask for what is named by what was found; most messages name nothing."""
        asked = [it for room, person in pairs if (it := self.notes[room].questions.get(person))]
        failed = [row.id for row in self.failed.values() if row is not None]
        edits = (*rows, *(row for target in anew if (row := self.rows[target]) is not None))
        edited = {(row.room, row.edits) for row in edits if row.edits is not None}
        edited |= {self.place_of(row) for row in rows if row.redacts is not None}
        if not (asked or failed or edited):
            return
        async with trio.open_nursery() as nursery:
            for id_ in {id_ for it in asked for id_ in (it.row, it.decided_on) if id_ is not None}:
                nursery.start_soon(self._find, self.rows, id_, FindRow(id_))
            for id_ in {*failed, *(it.row for it in asked), *self._answered(edited)}:
                nursery.start_soon(self._find, self._finals, id_, FinalOutgoing(id_))
            for room, message in edited:
                question = FindMessage(room, message)
                nursery.start_soon(self._find, self._messages, (room, message), question)
            for room in {room for room, _ in edited}:
                nursery.start_soon(self._find, self._recent, room, RecentRows(_RECENT, room))
        self._follow_questions(pairs)
        await self._find_offers(edited)

    def _follow_questions(self, pairs: set[tuple[RoomId, PersonId]]) -> None:
        """Know the open questions in the chats where what asked them is now."""
        for room, person in pairs:
            questions = self.notes[room].questions
            if (asked := questions.get(person)) is not None:
                questions[person] = in_its_chat(asked, self.rows[asked.row])

    async def _find_offers(self, edited: set[tuple[RoomId, RemoteId]]) -> None:
        """Ask where the new texts of *edited* messages were offered before."""
        recent = (row for room in {room for room, _ in edited} for row in self.recent(room))
        offers = [row for row in recent if row.reason == EDIT_OFFERED and not row.decided]
        async with trio.open_nursery() as nursery:
            for row in offers:
                if (row.room, row.edits) in edited:
                    nursery.start_soon(self._find, self._finals, row.id, FinalOutgoing(row.id))

    def _answered(self, edited: set[tuple[RoomId, RemoteId]]) -> set[RowId]:
        """The rows whose questions some waiting messages answer, where messages are edited."""
        contexts = (it for room, _ in edited for it in self.notes_of(room).contexts.values())
        return {context.answers.row for context in contexts if context.answers is not None}

    async def _find(self, place: dict[K, A], key: K, question: Question[A]) -> None:
        place[key] = await ask_through_restarts(self.store, question)

    async def _find_key(self, key: str) -> None:
        text = await ask_through_restarts(self.store, GetKey(key))
        if text is not None:
            self.keys[key] = text

    async def _find_chats(self, person: PersonId) -> None:
        rows = await ask_through_restarts(self.store, FindKeys(chats_prefix(person)))
        self.chats[person] = read_chats(person, rows)

    async def _find_linked(self, person: PersonId) -> None:
        text = await ask_through_restarts(self.store, GetKey(linked_key(person)))
        if text is not None:
            self.people[person] = read_linked(person, text)
        kept_for = self.person(person)
        text = await ask_through_restarts(self.store, GetKey(last_key(kept_for)))
        if text is not None:
            self.lasts.texts[kept_for] = text

    async def _find_group(self, person: PersonId) -> None:
        text = await ask_through_restarts(self.store, GetKey(group_key(person)))
        self.pushed.groups[person] = read_group(text)

    async def _find_gone(self) -> None:
        self.lasts.gone = read_gone(await ask_through_restarts(self.store, FindKeys(GONE)))

    async def _find_notes(self, room: RoomId) -> None:
        rows = await ask_through_restarts(self.store, FindKeys(notes_prefix(room)))
        self.notes[room] = read_notes(room, rows)

    async def _count_unfinished(self, room: RoomId) -> None:
        rows = await ask_through_restarts(self.store, WaitingRows(room, limit=MOST_WAITING + 1))
        self.unfinished[room] = len(rows)

    # What is known.

    def person(self, identity: PersonId) -> PersonId:
        """Who *identity* is for the platform."""
        return self.people.get(identity, identity)

    def notes_of(self, room: RoomId) -> RoomNotes:
        """The notes of *room*."""
        return self.notes.setdefault(room, RoomNotes())

    def is_held(self, row: Row) -> bool:
        """Whether *row* waits until its person says whether it is answered."""
        return row.id in self.held.get((row.room, row.sender), {})

    def context_of(self, row: Row) -> TurnContext:
        """What the turn of *row* is about beside its words."""
        return self.notes_of(row.room).contexts.get(row.id, TurnContext())

    def files_of(self, row: Row) -> RowId | None:
        """The row that has the files which the turn of *row* takes along, if there are any."""
        return row.id if row.files else self.context_of(row).files_of

    def shown(self, row: RowId) -> RemoteId | None:
        """The message that shows the outcome of *row*, if the surface can point at it."""
        final = self._finals.get(row)
        return None if final is None else final.remote_id

    def message(self, room: RoomId, message_id: RemoteId) -> Row | None:
        """The message *message_id* of *room*, as its first words came."""
        return self._messages.get((room, message_id))

    def event(self, redaction: Row) -> Row | None:
        """The row that *redaction* takes back, if it was journaled."""
        return self._events.get(redaction.id)

    def place_of(self, redaction: Row) -> tuple[RoomId, RemoteId]:
        """The message that *redaction* takes back: its room, and its id there."""
        event = self.event(redaction)
        if event is None:
            return redaction.room, redaction.redacts or RemoteId("")
        return event.room, event.edits or event.message_id

    def recent(self, room: RoomId) -> tuple[Row, ...]:
        """The newest rows of *room*, newest first; looked up where a message is changed."""
        return self._recent.get(room, ())


def _event_of(redaction: Row) -> FindEvent:
    event_id = EventId(redaction.redacts or "")
    return FindEvent(surface_of(redaction.room), event_id)
