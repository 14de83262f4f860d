"""The census as it is shown: a pool with many children is folded. Pure."""

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

    troubled: list[ActorView] = Factory(list)
    busy: list[ActorView] = Factory(list)
    idle: list[ActorView] = Factory(list)
    troubled_count: int = 0
    busy_count: int = 0
    idle_count: int = 0

    def add(self, view: ActorView) -> None:
        """Count *view*, and keep it while there is room."""
        if is_troubled(view):
            self.troubled_count += 1
            kept = self.troubled
        elif is_busy(view):
            self.busy_count += 1
            kept = self.busy
        else:
            self.idle_count += 1
            kept = self.idle
        if len(kept) < MOST_CHILDREN:
            kept.append(view)

    def shown(self) -> list[ActorView]:
        """The children that are worth a line, those in trouble first; of many, no idle ones."""
        at_work = [*self.troubled, *self.busy][:MOST_CHILDREN]
        number = self.troubled_count + self.busy_count + self.idle_count
        return at_work if number > MOST_CHILDREN else at_work + self.idle

    def folded(self, pool: str) -> Folded | None:
        """The other children, counted."""
        shown = self.shown()
        troubled = sum(is_troubled(view) for view in shown)
        idle = sum(not is_troubled(view) and not is_busy(view) for view in shown)
        rest = Folded(
            pool,
            idle=self.idle_count - idle,
            busy=self.busy_count - (len(shown) - troubled - idle),
            troubled=self.troubled_count - troubled,
        )
        return None if rest == Folded(pool) else rest


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
