"""Looks at the tree and the journal that are shared by all who ask at the same time."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

import trio
from attrs import define, field

from actors.ops.picture import is_troubled
from protocols.lifecycle import ActorView
from protocols.mail import Address, NoAnswerError
from protocols.store import JournalSummary, StoreMessage, SummariseJournal

T = TypeVar("T")

_ANSWER_WITHIN = 2.0


@define
class Shared(Generic[T]):
    """What *look* gives, looked at no more than once in *every* seconds, by one at a time."""

    look: Callable[[], Awaitable[T]]
    every: float
    _lock: trio.Lock = field(factory=trio.Lock)
    _seen: list[tuple[float, T]] = field(factory=list)

    async def get(self) -> T:
        """The newest look, or a new one where that is too old."""
        async with self._lock:
            now = trio.current_time()
            if not self._seen or now - self._seen[0][0] >= self.every:
                self._seen[:] = []
                self._seen[:] = [(now, await self.look())]
            return self._seen[0][1]


def view_at(views: Sequence[ActorView], path: str) -> ActorView | None:
    """The actor at *path*."""
    return next((view for view in views if view.path == path), None)


def is_stuck(view: ActorView | None) -> bool:
    """Whether asking it would only add to what it does not do."""
    if view is None:
        return False
    slowest = max(view.oldest_age or 0.0, view.in_hand_age or 0.0)
    return is_troubled(view) or slowest > _ANSWER_WITHIN


async def summary_of(
    store: Address[StoreMessage], views: Sequence[ActorView]
) -> JournalSummary | None:
    """The journal at a glance; None where the store does not answer."""
    if is_stuck(view_at(views, store.reader)):
        return None
    try:
        return await store.ask(SummariseJournal(), within=_ANSWER_WITHIN)
    except NoAnswerError:
        return None
