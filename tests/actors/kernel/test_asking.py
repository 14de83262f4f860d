"""Questions to a store that dies."""

from typing import TypeVar

from attrs import define
from trio.testing import MockClock

from actors.kernel.asking import ask_until_answered
from protocols.changes import PutKey
from protocols.mail import CalleeDiedError, Question
from protocols.store import Commit, GetKey
from tests.fakes import MemoryStoreAddress

A = TypeVar("A")


@define
class DyingStore(MemoryStoreAddress):
    """Dies with the next *lives* questions."""

    lives: int = 0

    async def ask(self, question: Question[A], /, *, within: float = 10.0) -> A:
        if self.lives:
            self.lives -= 1
            raise CalleeDiedError("store: crashed")
        return await MemoryStoreAddress.ask(self, question, within=within)


async def test_a_question_is_asked_until_it_is_answered(autojump_clock: MockClock) -> None:
    store = DyingStore(lives=9)
    store.tell(Commit((PutKey("a", "1"),)))

    assert await ask_until_answered(store, GetKey("a")) == "1"
    assert 10 < autojump_clock.current_time() < 40
