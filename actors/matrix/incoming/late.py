"""Messages whose key has not come yet: kept, read when it comes, and told of when it does not."""

import json
import time
from collections.abc import Callable, Iterable

import structlog
import trio
from attrs import define, evolve, field, frozen

from actors.kernel.asking import ask_until_answered
from actors.matrix.api.status import Status
from actors.matrix.crypto.port import KeyMissing, Opened, Vault
from actors.matrix.incoming.batch import KIND, SOURCE, Batch, SealedEvent
from actors.matrix.incoming.opening import unwrapped
from actors.matrix.incoming.relations import relation_of
from actors.matrix.incoming.shapes import is_name
from actors.matrix.places import Places
from actors.matrix.settings import Threads
from actors.surfaces.shapes import Json, is_number, table, text_in
from actors.words import Word, say
from protocols.changes import AddDeadLetter, AddOutgoing, Change, DeleteKey, PutKey
from protocols.ids import Language, RoomId
from protocols.journal import Voice
from protocols.mail import Address
from protocols.store import Commit, FindKeys, StoreMessage
from protocols.surfaces import Deliver

log = structlog.get_logger("matrix.late")

SEALED_PREFIX = "matrix_sealed:"
"""The keys of events that wait for the keys to read them."""

MOST_WAITING = 1000
_KEPT_FOR = 7 * 24 * 3600.0
_TELL_AGAIN_AFTER = 60.0
"""Seconds between two notices in one room, whatever comes there."""
_LOOK_EVERY = 3600.0
_NEVER_CAME = AddDeadLetter(SOURCE, KIND, "its key never came")


@frozen
class _Waiting:
    """One event that waits.

    Args:
        since: Seconds since the epoch.
        due: When its people are told, by this life's clock.
        is_told: Its people know.
    """

    sealed: SealedEvent
    since: float
    due: float
    is_told: bool = False

    @property
    def session(self) -> tuple[str, str]:
        """What one notice stands for."""
        return self.sealed.room, self.sealed.session_id


@frozen
class Late:
    """An event that waited and can be read now; None where it holds nothing that we take."""

    sealed: SealedEvent
    event: Json | None = field(repr=False)


@define
class LateKeys:
    """The events that wait; the journal remembers them.

    Args:
        wait: Seconds that a key may take before its people are told.
        deliver: Tells the sender that the outbox has something.
        clock: Seconds since the epoch.
    """

    store: Address[StoreMessage]
    vault: Vault
    status: Status
    places: Places
    threads: Threads
    wait: float
    deliver: Callable[[Deliver], None]
    clock: Callable[[], float] = time.time
    _waiting: dict[str, _Waiting] = field(factory=dict)
    _told_at: dict[RoomId, float] = field(factory=dict)
    _new_keys: set[str] = field(factory=set)
    _tries_all: bool = True
    _changed: trio.Event = field(factory=trio.Event)

    async def begin(self) -> None:
        """Know what an earlier life has left waiting."""
        due = trio.current_time() + self.wait
        for key, text in await ask_until_answered(self.store, FindKeys(SEALED_PREFIX)):
            found = _read(text, due)
            if found is not None:
                self._waiting.setdefault(key.removeprefix(SEALED_PREFIX), found)

    def is_waiting(self, event_id: str) -> bool:
        """Whether the event waits for its key."""
        return event_id in self._waiting

    def readable(self) -> list[Late]:
        """Those whose keys have come by now, oldest first.

        The same again until ``took``: a page may have to be read again.
        """
        self._new_keys |= self.vault.take_new_keys()
        found = []
        for waiting in self._waiting.values():
            sealed = waiting.sealed
            if not sealed.is_broken and (self._tries_all or sealed.session_id in self._new_keys):
                match self.vault.unseal(sealed.room, sealed.event):
                    case Opened(inner):
                        found.append(Late(sealed, unwrapped(sealed.event, inner)))
                    case _:
                        pass
        return found

    def changes(self, batch: Batch) -> tuple[Change, ...]:
        """What to remember of *batch*, in the same transaction as its token."""
        new = self._new(batch)
        kept = new[-MOST_WAITING:]
        gone = [event_id for event_id in batch.opened if event_id in self._waiting]
        dropped = self._too_many(len(kept))
        return (
            *(DeleteKey(SEALED_PREFIX + event_id) for event_id in (*gone, *dropped)),
            *(_NEVER_CAME for _ in range(len(dropped) + len(new) - len(kept))),
            *(PutKey(SEALED_PREFIX + one.sealed.event_id, _written(one)) for one in kept),
        )

    def took(self, batch: Batch) -> None:
        """*batch* is durable."""
        self._new_keys.clear()
        self._tries_all = False
        new = self._new(batch)[-MOST_WAITING:]
        for event_id in (*batch.opened, *self._too_many(len(new))):
            self._waiting.pop(event_id, None)
        self._waiting.update((one.sealed.event_id, one) for one in new)
        self.status.sealed(len(self._waiting))
        if new:
            self._changed.set()

    async def run(self) -> None:
        """Tell people of what could not be read, and give up what is too old."""
        while True:
            self._changed = trio.Event()
            await self._tell()
            await self._give_up()
            with trio.move_on_after(self._pause()):
                await self._changed.wait()

    def _new(self, batch: Batch) -> list[_Waiting]:
        """What of *batch* has to wait; of a key that people know of, what is broken need not."""
        now, told = self.clock(), {one.session for one in self._waiting.values() if one.is_told}
        found = []
        for sealed in batch.sealed:
            due = trio.current_time() + (0 if sealed.is_broken else self.wait)
            one = _Waiting(sealed, now, due)
            one = evolve(one, is_told=one.session in told)
            if sealed.event_id not in self._waiting and not (one.is_told and sealed.is_broken):
                found.append(one)
        return found

    def _too_many(self, added: int) -> list[str]:
        """The oldest, which have to go when *added* more wait."""
        return list(self._waiting)[: max(0, len(self._waiting) + added - MOST_WAITING)]

    # Notices.

    def _pause(self) -> float:
        now = trio.current_time()
        dues = [self._due(one) for one in self._waiting.values() if not one.is_told]
        return min(_LOOK_EVERY, max(0.0, min(dues, default=now + _LOOK_EVERY) - now))

    def _due(self, one: _Waiting) -> float:
        told_at = self._told_at.get(self._room_of(one.sealed))
        return one.due if told_at is None else max(one.due, told_at + _TELL_AGAIN_AFTER)

    async def _tell(self) -> None:
        now = trio.current_time()
        rooms: dict[RoomId, list[_Waiting]] = {}
        for one in self._waiting.values():
            if not one.is_told and self._due(one) <= now:
                rooms.setdefault(self._room_of(one.sealed), []).append(one)
        for room, due in rooms.items():
            await self._tell_room(room, due)

    async def _tell_room(self, room: RoomId, due: list[_Waiting]) -> None:
        """One notice for all that is *due* in *room*; what else has such a key needs none."""
        is_withheld = any(self._is_withheld(one.sealed) for one in due)
        word = Word.KEY_WITHHELD if is_withheld else Word.UNDECRYPTABLE
        sessions = {one.session for one in due}
        told = [
            evolve(one, is_told=True)
            for one in self._waiting.values()
            if not one.is_told and one.session in sessions
        ]
        notice = AddOutgoing(room, Voice.GATEWAY, say(word, Language("")))
        await ask_until_answered(self.store, Commit((notice, *map(_remembered, told))))
        log.warning("events.unreadable", room=room, events=len(told), is_withheld=is_withheld)
        self._told_at[room] = trio.current_time()
        await self._note_told(told)
        self.deliver(Deliver(room))

    async def _note_told(self, told: Iterable[_Waiting]) -> None:
        for one in told:
            event_id = one.sealed.event_id
            if one.sealed.is_broken:
                self._waiting.pop(event_id, None)
            elif event_id in self._waiting:
                self._waiting[event_id] = one
            else:
                # Its key came while we wrote that it had not.
                gone = DeleteKey(SEALED_PREFIX + event_id)
                await ask_until_answered(self.store, Commit((gone,)))
        self.status.sealed(len(self._waiting))

    def _is_withheld(self, sealed: SealedEvent) -> bool:
        if sealed.is_broken or sealed.is_withheld:
            return sealed.is_withheld
        match self.vault.unseal(sealed.room, sealed.event):
            case KeyMissing(_, is_withheld):
                return is_withheld
            case _:
                return False

    def _room_of(self, sealed: SealedEvent) -> RoomId:
        relation = relation_of(table(sealed.event.get("content")))
        thread = relation.thread if self.threads is Threads.SESSION else ""
        return self.places.room_id(sealed.room, thread)

    async def _give_up(self) -> None:
        before = self.clock() - _KEPT_FOR
        for event_id, one in tuple(self._waiting.items()):
            if one.since < before:
                gone = DeleteKey(SEALED_PREFIX + event_id)
                await ask_until_answered(self.store, Commit((gone, _NEVER_CAME)))
                self._waiting.pop(event_id, None)


def _remembered(one: _Waiting) -> Change:
    key = SEALED_PREFIX + one.sealed.event_id
    return DeleteKey(key) if one.sealed.is_broken else PutKey(key, _written(one))


def _written(one: _Waiting) -> str:
    sealed = one.sealed
    return json.dumps(
        {
            "room": sealed.room,
            "event": sealed.event,
            "session": sealed.session_id,
            "name": sealed.name,
            "is_withheld": sealed.is_withheld,
            "is_broken": sealed.is_broken,
            "since": one.since,
            "is_told": one.is_told,
        }
    )


def _read(text: str, due: float) -> _Waiting | None:
    """What was written; None where that is nothing."""
    found = json.loads(text)
    event = table(found.get("event"))
    if not is_name(event.get("event_id"), "$"):
        return None
    sealed = SealedEvent(
        room=text_in(found.get("room")),
        event=event,
        session_id=text_in(found.get("session")),
        name=text_in(found.get("name")),
        is_withheld=found.get("is_withheld") is True,
        is_broken=found.get("is_broken") is True,
    )
    since = found.get("since")
    is_time = isinstance(since, float) or is_number(since)
    return _Waiting(sealed, since if is_time else 0.0, due, found.get("is_told") is True)
