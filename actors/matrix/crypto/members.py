"""Who is in a room, as far as we were told; asked for where we were not."""

from typing import Any

from attrs import define, field

from actors.matrix.api.replies import Done, Refused
from actors.matrix.crypto.port import NotSealed
from actors.matrix.crypto.requests import KeyRequests, not_sealed
from actors.matrix.crypto.shapes import events_of, joined, tables, text
from actors.surfaces.shapes import table

Json = dict[str, Any]

_INSIDE = frozenset({"join", "invite"})
"""Who is asked in will read, once inside, what was said meanwhile."""


@define
class Members:
    """The people of each encrypted room: those inside and those asked in."""

    requests: KeyRequests
    _known: dict[str, set[str]] = field(factory=dict)
    _changes: dict[str, int] = field(factory=dict)

    def take(self, page: Json) -> None:
        """Learn from an answer of ``/sync`` who came and went."""
        for room, body in joined(page):
            if table(body.get("timeline")).get("limited") is True:
                self._forget(room)
            else:
                self._follow(room, events_of(body))
        for room in table(table(page.get("rooms")).get("leave")):
            self._forget(room)

    def lose_track(self) -> None:
        """Anybody may have come or gone, unseen."""
        for room in [*self._known]:
            self._forget(room)

    def now(self, room: str) -> frozenset[str] | None:
        """Who is in *room*, where that is known without asking."""
        known = self._known.get(room)
        return None if known is None else frozenset(known)

    async def of(self, room: str) -> frozenset[str] | NotSealed:
        """Who is in *room*; nobody where we are not in it ourselves: nothing can be sent there."""
        if room not in self._known:
            changes = self._changes.get(room, 0)
            match await self.requests.members(room):
                case Done(body):
                    found = _inside(body)
                case Refused(_, "M_FORBIDDEN"):
                    return frozenset()
                case reply:
                    return not_sealed(reply)
            if changes != self._changes.get(room, 0):
                # Whoever asks looks again: somebody came or went meanwhile.
                return frozenset(found)
            self._known[room] = found
        return frozenset(self._known[room])

    def _follow(self, room: str, events: list[Json]) -> None:
        for event in events:
            user_id = event.get("state_key")
            if event.get("type") != "m.room.member" or not isinstance(user_id, str):
                continue
            self._changes[room] = self._changes.get(room, 0) + 1
            if room in self._known:
                (self._known[room].add if _is_inside(event) else self._known[room].discard)(user_id)

    def _forget(self, room: str) -> None:
        self._changes[room] = self._changes.get(room, 0) + 1
        self._known.pop(room, None)


def _inside(body: Json) -> set[str]:
    return {
        text(event.get("state_key")) for event in tables(body.get("chunk")) if _is_inside(event)
    } - {""}


def _is_inside(event: Json) -> bool:
    return table(event.get("content")).get("membership") in _INSIDE
