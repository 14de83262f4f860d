"""How many words of the gateway one room gets: pure, with the clock handed in."""

from enum import Enum, auto

from attrs import define, field

from protocols.ids import RoomId

MOST_WORDS = 60
"""Words of the gateway in one room within a period."""

PERIOD = 60.0
MOST_ROOMS = 10_000
"""Rooms that are remembered at once; past periods are forgotten beyond."""


class Verdict(Enum):
    """What may be said."""

    SPEAK = auto()
    WARN = auto()
    """The one word that says that nothing is said any more."""
    SILENCE = auto()


@define
class FloodGate:
    """Counts what was said in each room; it starts anew with the directory."""

    _said: dict[RoomId, tuple[float, int]] = field(factory=dict)

    def verdict(self, room: RoomId, now: float) -> Verdict:
        """Whether one more word may be said in *room*; it counts as said."""
        since, count = self._said.get(room, (now, 0))
        if now - since >= PERIOD:
            since, count = now, 0
        self._said[room] = since, count + 1
        if len(self._said) > MOST_ROOMS:
            self._forget(now)
        if count < MOST_WORDS:
            return Verdict.SPEAK
        return Verdict.WARN if count == MOST_WORDS else Verdict.SILENCE

    def copy(self) -> "FloodGate":
        """The same gate, from now on apart from this one."""
        return FloodGate(dict(self._said))

    def _forget(self, now: float) -> None:
        self._said = {
            room: (since, count)
            for room, (since, count) in self._said.items()
            if now - since < PERIOD
        }
