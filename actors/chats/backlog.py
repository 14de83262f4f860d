"""What waited while we were away: held back until its person says whether it is still wanted.

Messages that wait since long come in many batches, and three are no reason to ask. So the first
that is older than ``CATCH_UP_ASK`` makes its room wait until no more such have come for a moment.
Then whoever has more than three in a room is asked about them, once, and the rest goes its way.
The rows that are asked about stay as they are in the journal, and ``catch_up:<room> <person>``
says that they were asked about, so that another life holds them back too and asks nothing.
"""

import json
from collections.abc import Container, Iterable, Mapping, Sequence
from math import inf

import trio
from attrs import define, evolve, field, frozen

from actors.chats.commands import Blank, Command, CommandName, ForAgent, Typed
from protocols.changes import Change, DeleteKey, FinishRow, PutKey, RepeatRow, RewordRow
from protocols.ids import EventId, PersonId, RoomId, RowId, SurfaceName, surface_of
from protocols.journal import Row
from protocols.store import HELD_BACK

MOST_UNASKED = 3
"""Messages of one person in a room that are answered without asking, however old."""

QUIET = 3.0
"""Seconds without another old message after which all of them have come; batches take a while."""

LONGEST = 30.0
"""Seconds that a room waits for more of them, at most."""

_AGAIN = ":again"

Place = tuple[RoomId, PersonId]


def note_key(place: Place) -> str:
    """Where it is kept when somebody was asked about their messages in a room."""
    room, person = place
    return f"{HELD_BACK}{room} {person}"


def put_note(place: Place, at: float) -> PutKey:
    """The change that notes that the question stood there *at* that time."""
    room, person = place
    return PutKey(note_key(place), json.dumps({"room": room, "person": person, "at": at}))


def read_notes(rows: tuple[tuple[str, str], ...]) -> dict[Place, float]:
    """When who was asked in which room, among stored *rows*."""
    notes = (json.loads(text) for _, text in rows)
    return {(RoomId(it["room"]), PersonId(it["person"])): float(it["at"]) for it in notes}


def again(row: Row) -> EventId:
    """The event as which *row* comes once more."""
    return EventId(f"{row.event_id}{_AGAIN}")


def is_message(row: Row, words: Typed) -> bool:
    """Whether *row* is a message for the agent that may be asked about."""
    if row.press or row.redacts or row.edits or row.event_id.endswith(_AGAIN):
        return False
    return isinstance(words, ForAgent) or (isinstance(words, Blank) and bool(row.files))


@frozen
class Settled:
    """What becomes of messages that waited.

    Args:
        asked: Those that their people are asked about, for each room and person; with them those
            of an earlier absence, about which nothing was said.
        rest: All others.
    """

    asked: tuple[tuple[Row, ...], ...]
    rest: tuple[Row, ...]


@define
class Backlog:
    """Remembers, for one life of the directory, which rows are held back and why.

    Args:
        ask_after: Seconds; who has waited for longer is asked. 0: nobody is.
    """

    ask_after: float
    repeats: bool = False
    """Rows came once more: there is something new in the journal of which no hint tells."""
    _asked: dict[Place, float] = field(factory=dict)
    _held: dict[Place, dict[RowId, Row]] = field(factory=dict)
    _gathered: dict[RoomId, list[tuple[Row, bool]]] = field(factory=dict)
    """All of a room that came since the first old message, and which of it is waiting for us."""
    _began: trio.Event = field(factory=trio.Event)
    _came: int = 0

    def load(self, notes: Mapping[Place, float]) -> None:
        """Know what earlier lives have asked."""
        self._asked = dict(notes)

    def sift(self, rows: Sequence[tuple[Row, Typed | None]], now: float) -> list[Row]:
        """Those of *rows* that are decided now; the others are kept.

        Their words are None where they come from nobody whose messages are answered.
        """
        if not self.ask_after:
            return [row for row, _ in rows]
        return [row for row, words in rows if not self._takes(row, words, now)]

    def _takes(self, row: Row, words: Typed | None, now: float) -> bool:
        is_old = now - row.sent_at > self.ask_after
        is_waiting = (row.is_backlog or is_old) and words is not None and is_message(row, words)
        place = row.room, row.sender
        if is_waiting and row.sent_at <= self._asked.get(place, -inf):
            self._held.setdefault(place, {})[row.id] = row
            return True
        if row.room not in self._gathered:
            if not (is_waiting and is_old):
                return False
            self._gathered[row.room] = []
            self._began.set()
        elif isinstance(words, Command) and words.name in {CommandName.STOP, CommandName.STATUS}:
            return False
        self._came += is_waiting
        self._gathered[row.room].append((row, is_waiting))
        return True

    async def gathered(self) -> None:
        """Wait until there are old messages, and no more of them come."""
        await self._began.wait()
        with trio.move_on_after(LONGEST):
            came = -1
            while came != self._came:
                came = self._came
                await trio.sleep(QUIET)

    def settle(self, now: float) -> Settled:
        """What becomes of all that was gathered."""
        waiting: dict[Place, list[Row]] = {}
        for row, is_waiting in self._all_gathered():
            if is_waiting:
                waiting.setdefault((row.room, row.sender), []).append(row)
        much = {place: rows for place, rows in waiting.items() if self._is_much(rows, now)}
        for place, rows in much.items():
            self._asked[place] = now
            held = {**self._held.get(place, {}), **{row.id: row for row in rows}}
            self._held[place] = {id_: held[id_] for id_ in sorted(held)}
        asked = tuple(tuple(self._held[place].values()) for place in much)
        waits = {row.id for rows in asked for row in rows}
        rest = [row for row, _ in self._all_gathered() if row.id not in waits]
        self._gathered, self._began = {}, trio.Event()
        return Settled(asked, tuple(sorted(rest, key=_id_of)))

    def _all_gathered(self) -> list[tuple[Row, bool]]:
        return [it for rows in self._gathered.values() for it in rows]

    def _is_much(self, rows: Sequence[Row], now: float) -> bool:
        oldest = min(row.sent_at for row in rows)
        return len(rows) > MOST_UNASKED and now - oldest > self.ask_after

    def held(self) -> dict[Place, Mapping[RowId, Row]]:
        """What waits for the word of its person, in order."""
        return {place: rows for place, rows in self._held.items() if rows}

    def idle_notes(self, surfaces: Container[SurfaceName]) -> tuple[DeleteKey, ...]:
        """The changes that forget questions on *surfaces* of which nothing is left to say."""
        idle = [place for place in self._asked if not self._held.get(place)]
        return tuple(DeleteKey(note_key(it)) for it in idle if surface_of(it[0]) in surfaces)

    def follow(self, changes: Iterable[Change]) -> None:
        """Know what *changes*, which are durable, make of the rows that are held back."""
        for change in changes:
            match change:
                case FinishRow(id_):
                    self.forget(id_)
                case RewordRow(id_, text):
                    for rows in self._held.values():
                        if id_ in rows:
                            rows[id_] = evolve(rows[id_], text=text)
                case RepeatRow():
                    self.repeats = True
                case DeleteKey(key) if key.startswith(HELD_BACK):
                    self._asked = {it: at for it, at in self._asked.items() if note_key(it) != key}
                case _:
                    pass

    def forget(self, id_: RowId) -> None:
        """Hold the row *id_* back no longer: it was decided."""
        for rows in self._held.values():
            rows.pop(id_, None)

    def drop(self, room: RoomId) -> tuple[Row, ...]:
        """The rows of *room* that are kept; nobody will decide them any more."""
        gathered = [row for row, _ in self._gathered.pop(room, ())]
        mine = [place for place in self._held if place[0] == room]
        held = [row for place in mine for row in self._held.pop(place).values()]
        return tuple(sorted((*gathered, *held), key=_id_of))


def _id_of(row: Row) -> RowId:
    return row.id
