"""Rooms that were closed and go on elsewhere: the bot follows, and the room keeps its slot.

Only the replacement's own first event proves that it continues a room. So a replacement is
joined first and believed when that is read; until then the room stays where it was.
"""

import json
from functools import partial
from math import inf

import structlog
import trio
from attrs import define, field, frozen

from actors.kernel.asking import ask_until_answered
from actors.matrix.api.homeserver import Homeserver
from actors.matrix.api.patience import insist
from actors.matrix.api.replies import Done, Limited, Refused, TokenRefused
from actors.matrix.api.status import Status
from actors.matrix.incoming.pages import JoinedRoom, Page, Tombstone
from actors.matrix.incoming.requests import fetch_creation, fetch_joined_rooms, join_by
from actors.matrix.places import Places
from actors.surfaces.shapes import table, text_in
from protocols.changes import Change, DeleteKey, PutKey
from protocols.mail import Address
from protocols.store import FindKeys, StoreMessage

log = structlog.get_logger("matrix.upgrades")

FOLLOW_PREFIX = "matrix_follow:"
"""The keys that say of a room that we want to join which one it is said to continue."""

_FIRST_DELAY = 15.0
_LONGEST_DELAY = 3600.0
"""Seconds: an invitation into the replacement may come late, and nobody has to hurry then."""
_NO_SUCH_ROOM = "This room does not continue the one that named it."


@frozen
class _Follow:
    """A room that is said to continue the room *old*; the server *via* knows it."""

    old: str
    via: str


@frozen
class Continues:
    """The room goes on where another ended: what was said there before we came is for us."""


@define
class Upgrades:
    """The replacements that we are on the way to."""

    server: Homeserver
    store: Address[StoreMessage]
    status: Status
    places: Places
    _follows: dict[str, _Follow] = field(factory=dict)
    _next_at: dict[str, float] = field(factory=dict)
    _streaks: dict[str, int] = field(factory=dict)
    _strange: set[str] = field(factory=set)
    _arrived: set[str] = field(factory=set)
    """Where we have come to, which is not yet durable: the page may have to be read again."""
    _unwritten: list[Change] = field(factory=list)
    _changed: trio.Event = field(factory=trio.Event)

    async def begin(self) -> None:
        """Know where an earlier life was going."""
        for key, text in await ask_until_answered(self.store, FindKeys(FOLLOW_PREFIX)):
            found = table(json.loads(text))
            follow = _Follow(text_in(found.get("old")), text_in(found.get("via")))
            self._follows[key.removeprefix(FOLLOW_PREFIX)] = follow
        self._note_leaving()
        self._set_out()

    async def see(self, joined: JoinedRoom) -> Continues | TokenRefused | None:
        """Take what *joined* says of a room's end, or of its going on here."""
        if joined.tombstone is not None:
            refused = await self._see_end(joined.room, joined.tombstone)
            if refused is not None:
                return refused
        if joined.room in self._arrived:
            return Continues()
        follow = self._follows.get(joined.room)
        return None if follow is None else await self._arrive(joined.room, follow)

    def is_over(self, room: str) -> bool:
        """Whether *room* goes on elsewhere, or is about to: to be out of it is no loss."""
        return room in self.places.leaving or self.places.newest(room) != room

    def take_invites(self, page: Page) -> None:
        """An invitation into a room that we are on the way to is the way in."""
        for invite in page.invites:
            if invite.room in self._follows:
                self._next_at[invite.room] = trio.current_time()
                self._changed.set()

    def changes(self) -> tuple[Change, ...]:
        """What to remember with the token of the page."""
        return tuple(self._unwritten)

    def written(self) -> None:
        """The changes are durable."""
        self._unwritten.clear()
        self._arrived.clear()
        # Not before: who comes into a room must know for ever why.
        self._set_out()

    async def run(self) -> None:
        """Join the replacements, each as patiently as its server is slow to let us in."""
        while True:
            self._changed = trio.Event()
            for room in tuple(self._next_at):
                if self._next_at.get(room, float("inf")) <= trio.current_time():
                    await self._join(room)
            while self._strange:
                await self.server.leave(self._strange.pop(), _NO_SUCH_ROOM)
            with trio.move_on_at(min(self._next_at.values(), default=float("inf"))):
                await self._changed.wait()

    async def _see_end(self, old: str, end: Tombstone) -> TokenRefused | None:
        new = end.replacement
        if new in self._follows or self.places.newest(old) != old or new == old:
            return None
        is_in = await self._is_in(new)
        if isinstance(is_in, TokenRefused):
            return is_in
        # What anybody may read has to be entered all the same.
        match await self._continues(new, old) if is_in else None:
            case True:
                self._move(old, new)
            case False:
                log.warning("replacement.strange", room=old, replacement=new)
            case None:
                # The one that was named before was a mistake, or will never let us in.
                for other in [room for room, one in self._follows.items() if one.old == old]:
                    self._forget(other)
                follow = _Follow(old, end.sender.partition(":")[2])
                text = json.dumps({"old": follow.old, "via": follow.via})
                self._unwritten.append(PutKey(FOLLOW_PREFIX + new, text))
                self._follows[new] = follow
                self._note_leaving()
            case TokenRefused() as refused:
                return refused
        return None

    async def _arrive(self, room: str, follow: _Follow) -> Continues | TokenRefused | None:
        """We are in *room*: see whether it is what it was said to be."""
        found = await self._continues(room, follow.old)
        if isinstance(found, TokenRefused):
            return found
        self._forget(room)
        if found is not True:
            log.warning("replacement.strange", room=follow.old, replacement=room)
            self._strange.add(room)
            self._changed.set()
            return None
        self._move(follow.old, room)
        self._arrived.add(room)
        return Continues()

    def _forget(self, room: str) -> None:
        del self._follows[room]
        self._note_leaving()
        self._next_at.pop(room, None)
        self._streaks.pop(room, None)
        self._unwritten.append(DeleteKey(FOLLOW_PREFIX + room))

    def _note_leaving(self) -> None:
        self.places.leaving = frozenset(follow.old for follow in self._follows.values())

    def _move(self, old: str, new: str) -> None:
        log.info("room.moved", room=old, replacement=new)
        self._unwritten += self.places.moved(old, new)

    async def _continues(self, new: str, old: str) -> bool | TokenRefused | None:
        """Whether *new* says that it continues *old*; None where we may not read it."""
        ask = partial(fetch_creation, self.server, new)
        match await insist(self.status, ask, most_strange=inf):
            case Done(body):
                return table(body.get("predecessor")).get("room_id") == old
            case Refused():
                return None
            case TokenRefused() as refused:
                return refused

    async def _is_in(self, room: str) -> bool | TokenRefused:
        match await insist(self.status, partial(fetch_joined_rooms, self.server), most_strange=inf):
            case Done({"joined_rooms": list(rooms)}):
                return room in rooms
            case TokenRefused() as refused:
                return refused
            case _:
                return False

    def _set_out(self) -> None:
        """Go to the rooms that we follow to; a try that is planned stays planned."""
        now = trio.current_time()
        if new := self._follows.keys() - self._next_at.keys():
            self._next_at.update(dict.fromkeys(new, now))
            self._changed.set()

    async def _join(self, room: str) -> None:
        """Try once; how it went shows in the sync, and is believed there only."""
        follow = self._follows.get(room)
        if follow is None:
            self._next_at.pop(room, None)
            return
        reply = await join_by(self.server, room, follow.via)
        self._streaks[room] = streak = self._streaks.get(room, 0) + 1
        delay = min(_LONGEST_DELAY, _FIRST_DELAY * 2.0 ** min(streak - 1, 16))
        match reply:
            case Limited(wait):
                self.status.limited(wait)
                delay = max(delay, wait)
            case Refused(status, errcode):
                log.info("replacement.closed", room=room, status=status, errcode=errcode)
            case _:
                pass
        self._next_at[room] = trio.current_time() + delay
