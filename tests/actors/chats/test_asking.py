"""Asking over restarts."""

from typing import TypeVar, cast

import pytest
import trio
from attrs import define, field
from trio.testing import MockClock

from actors.chats.asking import WAITS, ask_through_restarts
from actors.kernel.mailbox import Mailbox
from protocols.mail import AnswerLateError, CalleeDiedError, Question
from protocols.store import GetKey, StoreMessage

A = TypeVar("A")


@define
class Dying:
    """An address whose reader dies with the first *deaths* questions."""

    deaths: int
    error: type[Exception] = CalleeDiedError
    asked: list[object] = field(factory=list)
    reader: str = "store"

    async def ask(self, question: Question[A], /, *, within: float = 10.0) -> A:
        with trio.fail_after(within):
            await trio.lowlevel.checkpoint()
        self.asked.append(question)
        if len(self.asked) <= self.deaths:
            raise self.error
        return cast("A", "found")

    async def send(self, message: object, /) -> None:
        raise AssertionError(message)

    def try_send(self, message: object, /) -> bool:
        raise AssertionError(message)


async def test_a_callee_that_comes_back_is_asked_again(autojump_clock: MockClock) -> None:
    store = Dying(len(WAITS))
    began = autojump_clock.current_time()

    assert await ask_through_restarts(store, GetKey("k")) == "found"
    assert autojump_clock.current_time() - began == pytest.approx(sum(WAITS))
    assert len({id(question) for question in store.asked}) == len(WAITS) + 1


async def test_a_callee_that_stays_away_is_given_up(autojump_clock: MockClock) -> None:
    began = autojump_clock.current_time()

    with pytest.raises(CalleeDiedError):
        await ask_through_restarts(Dying(len(WAITS) + 1), GetKey("k"))

    assert autojump_clock.current_time() - began == pytest.approx(sum(WAITS))


async def test_a_callee_that_does_not_answer_is_not_asked_twice() -> None:
    store = Dying(1, AnswerLateError)

    with pytest.raises(AnswerLateError):
        await ask_through_restarts(store, GetKey("k"))

    assert len(store.asked) == 1


async def test_a_real_mailbox_that_is_closed_is_asked_until_given_up(
    autojump_clock: MockClock,
) -> None:
    box: Mailbox[StoreMessage] = Mailbox("store")
    box.close()

    with pytest.raises(CalleeDiedError):
        await ask_through_restarts(box.address, GetKey("k"))

    assert autojump_clock.current_time() > sum(WAITS) - 1
