"""Decides what of that which is said in a room is for us, and makes arrivals of it."""

from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import assert_never

from attrs import define, evolve

from actors.kernel.asking import ask_until_answered
from actors.matrix.buttons import emoji_of
from actors.matrix.incoming.batch import Batch, Room
from actors.matrix.incoming.lookup import Known, Lookup
from actors.matrix.incoming.meaning import (
    Decoded,
    Origin,
    OwnDraft,
    Reacted,
    Said,
    TakenBack,
    Unreadable,
)
from actors.matrix.incoming.quotes import Quote, is_command, with_quote
from actors.matrix.incoming.relations import Relation, relation_of, same_emoji
from actors.matrix.incoming.shapes import is_redacted
from actors.matrix.places import Places, person_id
from actors.matrix.settings import GroupMode, Threads
from actors.surfaces.shapes import table
from protocols.files import RemoteFile
from protocols.ids import RemoteId, RoomId, TraceId
from protocols.journal import Arrival, Keyboard, Press, Row
from protocols.mail import Address
from protocols.store import (
    FindMessage,
    FindOutgoing,
    StoreMessage,
    UnsortedRows,
    WaitingRooms,
    WaitingRows,
)

_MOST_WAITING = 1000


@define
class Listener:
    """Knows when we are spoken to.

    Args:
        waits: Whether an event of earlier pages waits for its key.
    """

    store: Address[StoreMessage]
    places: Places
    lookup: Lookup
    group_mode: GroupMode
    threads: Threads
    waits: Callable[[str], bool]

    async def hear(self, found: Decoded, room: Room, batch: Batch, *, is_backlog: bool) -> None:
        """Add what *found* comes to; *batch* is what was said before it."""
        match found:
            case Said():
                arrival = await self._said(found, room, batch)
            case Reacted():
                arrival = await self._pressed(found, room)
            case TakenBack():
                arrival = await self._taken_back(found, room, batch)
            case OwnDraft() | Unreadable() | None:
                batch.add(found)
                return
            case _:
                assert_never(found)
        batch.add(arrival and evolve(arrival, is_backlog=is_backlog))

    # Messages.

    async def _said(self, said: Said, room: Room, batch: Batch) -> Arrival | None:
        if said.edits:
            return await self._edited(said, room, batch)
        here = self._room_id(room, said.thread)
        is_for_us = said.is_to_us or not self._is_choosy(room)
        replied = await self._replied(said, room, here, is_for_us=is_for_us)
        if not (is_for_us or (replied is not None and replied.is_ours)):
            return None
        arrival = self._arrival(said.origin, here, said.thread, room)
        is_alone = is_command(said.text) or not (said.text or said.files)
        pointed = () if is_alone else _pointed_at(replied, room)
        quote = None if is_alone or replied is None else replied.quote
        return evolve(
            arrival,
            text=with_quote(said.text, quote),
            message_id=RemoteId(said.origin.event_id),
            files=said.files + pointed,
        )

    async def _replied(
        self, said: Said, room: Room, here: RoomId, *, is_for_us: bool
    ) -> Known | None:
        """What *said* replies to, where that matters."""
        is_alone = is_for_us and is_command(said.text)
        if not said.reply_to or is_alone:
            return None
        return await self.lookup.known(room.native, here, said.reply_to)

    async def _edited(self, said: Said, room: Room, batch: Batch) -> Arrival | None:
        """The new words of a message; everything else that may change in one does not count."""
        if not said.text:
            return None
        original = await self._message(room, said.edits, batch)
        if original is None and not said.is_to_us and self._is_choosy(room):
            return None
        relation = await self._relation_of(said, room)
        if relation is None and original is None:
            return None
        is_first_read = original is None and self._is_waiting(said.edits, batch)
        if is_first_read:
            batch.forget(said.edits)
        relation = relation or Relation()
        thread = relation.thread if original is None else original.thread_id
        here = self._room_id(room, thread) if original is None else original.room
        arrival = self._arrival(said.origin, here, thread, room)
        return evolve(
            arrival,
            text=with_quote(said.text, await self._quote(said, room, here, relation)),
            message_id=RemoteId(said.edits),
            edits=None if is_first_read else RemoteId(said.edits),
            files=said.files,
        )

    def _is_waiting(self, event_id: str, batch: Batch) -> bool:
        """Whether the event waits for its key."""
        return self.waits(event_id) or any(one.event_id == event_id for one in batch.sealed)

    async def _quote(
        self, said: Said, room: Room, here: RoomId, relation: Relation
    ) -> Quote | None:
        if not relation.reply_to or is_command(said.text):
            return None
        known = await self.lookup.known(room.native, here, relation.reply_to)
        return None if known is None else known.quote

    async def _relation_of(self, said: Said, room: Room) -> Relation | None:
        """What the message that *said* edits is about; None where it is not theirs, or is gone."""
        event = await self.lookup.event(room.native, said.edits)
        if event is None or is_redacted(event) or event.get("sender") != said.origin.sender:
            return None
        return relation_of(table(event.get("content")))

    # What is about a message.

    async def _pressed(self, found: Reacted, room: Room) -> Arrival | None:
        """The button that the emoji stands for; any other reaction is just one."""
        target = RemoteId(found.target)
        for here in await self._rooms_of(room, found.target):
            out = await ask_until_answered(self.store, FindOutgoing(here, target))
            action = None if out is None else _actions(out.keyboard).get(found.key)
            if out is not None and action is not None:
                arrival = self._arrival(found.origin, here, out.thread_id, room)
                return evolve(arrival, press=Press(found.origin.event_id, action, target))
        return None

    async def _taken_back(self, found: TakenBack, room: Room, batch: Batch) -> Arrival | None:
        """What matters only of a message that was taken, or would have been with its key."""
        batch.forget(found.target)
        taken = await self._message(room, found.target, batch)
        taken = taken or await self._edit_of(room, found.target, batch)
        if taken is None:
            return None
        arrival = self._arrival(found.origin, taken.room, taken.thread_id, room)
        return evolve(arrival, redacts=RemoteId(found.target))

    async def _message(self, room: Room, event_id: str, batch: Batch) -> Arrival | Row | None:
        """The message *event_id*, if it was for us."""
        if (found := batch.message(event_id)) is not None:
            return found
        for here in await self._rooms_of(room, event_id):
            row = await ask_until_answered(self.store, FindMessage(here, RemoteId(event_id)))
            if row is not None:
                return row
        return None

    async def _edit_of(self, room: Room, event_id: str, batch: Batch) -> Arrival | Row | None:
        """An edit of *event_id* that may wait as a message: its first words were not for us."""
        rooms = await self._rooms_of(room, event_id)
        rows = await ask_until_answered(self.store, UnsortedRows(limit=_MOST_WAITING))
        for here in rooms:
            rows += await ask_until_answered(self.store, WaitingRows(here, limit=_MOST_WAITING))
        waiting: list[Arrival | Row] = [*batch.arrivals, *rows]
        edits = (one for one in waiting if one.edits == RemoteId(event_id) and one.room in rooms)
        return next(edits, None)

    async def _rooms_of(self, room: Room, event_id: str) -> tuple[RoomId, ...]:
        """Where the journal may have the event: each thread may be a room of its own."""
        here = self.places.room_id(room.native)
        if self.threads is Threads.ROOM:
            return (here,)
        event = await self.lookup.event(room.native, event_id)
        thread = relation_of(table(event.get("content"))).thread if event is not None else ""
        # What was taken back does not say any more where it stood.
        waiting = [*await ask_until_answered(self.store, WaitingRooms())]
        unsorted = await ask_until_answered(self.store, UnsortedRows(limit=_MOST_WAITING))
        waiting += [row.room for row in unsorted]
        threads = [other for other in waiting if other.startswith(f"{here}/")]
        found = (here, *([self.places.room_id(room.native, thread)] if thread else []), *threads)
        return tuple(dict.fromkeys(found))

    # Arrivals.

    def _is_choosy(self, room: Room) -> bool:
        """Whether only what is addressed to us counts in *room*."""
        return room.is_shared and self.group_mode is GroupMode.MENTION

    def _room_id(self, room: Room, thread: str) -> RoomId:
        of_its_own = thread if self.threads is Threads.SESSION else ""
        return self.places.room_id(room.native, of_its_own)

    def _arrival(self, origin: Origin, here: RoomId, thread: str, room: Room) -> Arrival:
        return Arrival(
            event_id=origin.event_id,
            room=here,
            sender=person_id(origin.sender),
            sender_name=origin.sender_name,
            text="",
            sent_at=origin.sent_at,
            trace=TraceId(sha256(origin.event_id.encode()).hexdigest()[:32]),
            thread_id=RemoteId(thread),
            is_shared=room.is_shared,
        )


def _pointed_at(replied: Known | None, room: Room) -> tuple[RemoteFile, ...]:
    """What a reply in a group is about, where it is a file of somebody else's.

    The agent has not seen it; in a direct chat it has seen all.
    """
    if replied is None or replied.is_ours or not room.is_shared:
        return ()
    return replied.files[:1]


def _actions(keyboard: Keyboard) -> Mapping[str, str]:
    """What each emoji below a message with *keyboard* asks for."""
    return {same_emoji(emoji): button.action for emoji, button in emoji_of(keyboard)}
