"""A store in which somebody else is quicker than a commit."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

from attrs import define, field

from protocols.changes import Change
from protocols.ids import RowId
from protocols.mail import Question
from protocols.store import Commit, Conflict
from tests.fakes import MemoryStoreAddress

A = TypeVar("A")


def _nothing(_: Commit) -> None:
    pass


@define
class QuickerStore(MemoryStoreAddress):
    """Calls *before* and *after* each commit; a stubborn one conflicts with all of them."""

    before: Callable[[Commit], None] = _nothing
    after: Callable[[Commit], None] = _nothing
    is_stubborn: bool = False
    commits: list[Commit] = field(factory=list)
    asked: list[Question[Any]] = field(factory=list)

    async def ask(self, question: Question[A], /, *, within: float = 10.0) -> A:
        self.asked.append(question)
        if isinstance(question, Commit):
            self.commits.append(question)
            self.before(question)
            if self.is_stubborn:
                return cast("A", Conflict(RowId(1), None))
        answer = await super().ask(question, within=within)
        if isinstance(question, Commit):
            self.after(question)
        return answer

    def apply(self, *changes: Change) -> None:
        """Make *changes*, as somebody else."""
        self.tell(Commit(changes))
