"""Rooms and people as the other actors call them, and where a room is by now; pure.

A room that was upgraded is another room to Matrix. Here it keeps for ever the id that it began
with, and so its slot and its order.
"""

from collections.abc import Iterable

from attrs import define, field, frozen

from protocols.changes import PutKey
from protocols.ids import PersonId, RoomId, native_id

MOVED_PREFIX = "matrix_moved:"
"""The keys that say from which room the one behind the prefix took over."""


@frozen
class Place:
    """Where something is sent: a room by its present id, and a thread in it.

    Args:
        thread: The event that began the thread; empty for the room itself.
    """

    room: str
    thread: str = ""


def person_id(user_id: str) -> PersonId:
    """The person as the other actors call them."""
    return PersonId(f"matrix:{user_id}")


@define
class Places:
    """What is known of rooms that were upgraded."""

    _before: dict[str, str] = field(factory=dict)
    _after: dict[str, str] = field(factory=dict)
    leaving: frozenset[str] = frozenset()
    """Rooms that go on elsewhere, where we are not yet."""

    def learn(self, keys: Iterable[tuple[str, str]]) -> None:
        """Know what was stored under ``MOVED_PREFIX``."""
        for key, old in keys:
            self._note(old, key.removeprefix(MOVED_PREFIX))

    def moved(self, old: str, new: str) -> tuple[PutKey, ...]:
        """Room *new* replaces *old*; what to remember of it. What was said first stands."""
        if new in self._before or old in self._after or self.oldest(old) == new:
            return ()
        self._note(old, new)
        return (PutKey(MOVED_PREFIX + new, old),)

    def oldest(self, room: str) -> str:
        """The id that *room* began with."""
        while room in self._before:
            room = self._before[room]
        return room

    def newest(self, room: str) -> str:
        """The id under which *room* goes on."""
        while room in self._after:
            room = self._after[room]
        return room

    def room_id(self, room: str, thread: str = "") -> RoomId:
        """*room*, or with *thread* that alone, as the other actors call it."""
        oldest = self.oldest(room)
        return RoomId(f"matrix/{oldest}/{thread}" if thread else f"matrix/{oldest}")

    def find(self, room: RoomId) -> Place:
        """Where *room* is by now."""
        native, _, thread = native_id(room).partition("/")
        return Place(self.newest(native), thread)

    def _note(self, old: str, new: str) -> None:
        self._before[new], self._after[old] = old, new
