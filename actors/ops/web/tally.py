"""The census added up by actor. Pure but for its pauses.

No name of a person or a room comes out: a pool's children are counted under the pool's name.
"""

from collections import Counter
from collections.abc import Sequence

import trio
from attrs import define, field

from protocols.lifecycle import ActorState, ActorView

_VIEWS_A_PIECE = 500
"""Some 0.5 ms of work between two checkpoints."""


@define
class Totals:
    """One actor, or a pool with its children; ages are seconds, of the oldest.

    Args:
        restarts: Since the program started, as is ``handled``; neither ever goes down.
        beat_age: None where nobody has done what it is there for.
    """

    states: Counter[ActorState] = field(factory=Counter)
    restarts: int = 0
    handled: int = 0
    waiting: int = 0
    oldest_age: float = 0.0
    beat_age: float | None = None

    def add(self, view: ActorView) -> None:
        """Add what is so now; ``Tally`` adds what has been counted."""
        self.states[view.state] += 1
        self.waiting += view.used
        self.oldest_age = max(self.oldest_age, view.oldest_age or 0.0, view.in_hand_age or 0.0)
        if view.beat_age is not None:
            self.beat_age = max(self.beat_age or 0.0, view.beat_age)


@define
class Tally:
    """Sums that stay when a child, with its own counts, has gone."""

    _seen: dict[str, tuple[int, int]] = field(factory=dict)
    _sums: dict[str, tuple[int, int]] = field(factory=dict)

    async def take(self, views: Sequence[ActorView]) -> dict[str, Totals]:
        """The totals by the names of top actors, in start order. Only one at a time may run."""
        found: dict[str, Totals] = {}
        before, self._seen = self._seen, {}
        for number, view in enumerate(views, start=1):
            name = view.path.partition("/")[0]
            found.setdefault(name, Totals()).add(view)
            self._count(name, view, before.get(view.path, (0, 0)))
            if number % _VIEWS_A_PIECE == 0:
                await trio.lowlevel.checkpoint()
        for name, totals in found.items():
            totals.restarts, totals.handled = self._sums[name]
        return found

    def _count(self, name: str, view: ActorView, before: tuple[int, int]) -> None:
        restarts, handled = self._sums.get(name, (0, 0))
        self._sums[name] = (
            restarts + _more(view.restarts, before[0]),
            handled + _more(view.handled, before[1]),
        )
        self._seen[view.path] = (view.restarts, view.handled)


def _more(now: int, before: int) -> int:
    """What came on top; a smaller count is that of a new child in the place of a retired one."""
    return now - before if now >= before else now
