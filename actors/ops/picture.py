"""The census as it is shown: a pool with many children is folded. Pure."""

from collections import Counter, defaultdict
from collections.abc import Iterable

from attrs import Factory, define

from actors.ops.words import Folded
from protocols.lifecycle import ActorState, ActorView

MOST_CHILDREN = 100
_NOBODY = {"", "its inbox"}


def is_troubled(view: ActorView) -> bool:
    """Whether *view* does not run as it should."""
    return view.state is not ActorState.UP


def is_busy(view: ActorView) -> bool:
    """Whether *view* has something to do: mail, or another actor's answer to wait for."""
    return view.used > 0 or bool(view.in_hand) or view.waits_for not in _NOBODY


@define
class _Children:
    """One pool's children: the first hundred of each sort, and how many there are."""

    counts: Counter[str] = Factory(Counter)
    kept: dict[str, list[ActorView]] = Factory(lambda: defaultdict(list))

    def add(self, view: ActorView) -> None:
        """Count *view*, and keep it while there is room."""
        sort = _sort_of(view)
        self.counts[sort] += 1
        if len(self.kept[sort]) < MOST_CHILDREN:
            self.kept[sort].append(view)

    def shown(self) -> list[ActorView]:
        """The children that are worth a line, those in trouble first; of many, no idle ones."""
        at_work = [*self.kept["troubled"], *self.kept["busy"]][:MOST_CHILDREN]
        is_many = self.counts.total() > MOST_CHILDREN
        return at_work if is_many else at_work + self.kept["idle"]

    def folded(self, pool: str) -> Folded | None:
        """The other children, counted."""
        rest = self.counts - Counter(map(_sort_of, self.shown()))
        return Folded(pool, **rest) if rest else None


def _sort_of(view: ActorView) -> str:
    """As ``Folded`` calls it."""
    if is_troubled(view):
        return "troubled"
    return "busy" if is_busy(view) else "idle"


@define
class Picture:
    """Takes the census piece by piece, so that 10,000 actors never hold the loop."""

    total: int = 0
    _tops: list[ActorView] = Factory(list)
    _children: dict[str, _Children] = Factory(dict)

    def add(self, views: Iterable[ActorView]) -> None:
        """Take the next *views*, in start order; a pool's children come behind the pool."""
        for view in views:
            self.total += 1
            if self._tops and view.path.startswith(f"{self._tops[-1].path}/"):
                self._children.setdefault(self._tops[-1].path, _Children()).add(view)
            else:
                self._tops.append(view)

    def actors(self) -> tuple[ActorView, ...]:
        """Whom to show, in start order; of a pool's children, those in trouble first."""
        shown = []
        for top in self._tops:
            shown.append(top)
            if top.path in self._children:
                shown += self._children[top.path].shown()
        return tuple(shown)

    def folded(self) -> tuple[Folded, ...]:
        """Whom not to show, counted."""
        found = (children.folded(pool) for pool, children in self._children.items())
        return tuple(rest for rest in found if rest is not None)
