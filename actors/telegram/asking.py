"""Questions to the store that are asked until they are answered."""

from typing import TypeVar

import trio
from attrs import evolve

from protocols.mail import Address, NoAnswerError, Question
from protocols.store import StoreMessage

A = TypeVar("A")


async def ask_store(store: Address[StoreMessage], question: Question[A]) -> A:
    """The store's answer, also over its crashes; only for questions that may be asked twice."""
    delay = 0.1
    while True:
        try:
            return await store.ask(evolve(question))
        except NoAnswerError:
            await trio.sleep(delay)
            delay = min(5.0, 2 * delay)
