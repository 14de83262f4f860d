"""Asking an actor that may be restarted meanwhile, for as long as it takes."""

from typing import TypeVar

import trio
from attrs import evolve

from protocols.mail import Address, NoAnswerError, Question

A = TypeVar("A")
M = TypeVar("M")

_FIRST_DELAY = 0.1
_LONGEST_DELAY = 5.0


async def ask_until_answered(address: Address[M], question: Question[A]) -> A:
    """The answer, also over the callee's crashes; only for questions that may be asked twice."""
    delay = _FIRST_DELAY
    while True:
        try:
            return await address.ask(evolve(question))
        except NoAnswerError:
            await trio.sleep(delay)
            delay = min(_LONGEST_DELAY, 2 * delay)
