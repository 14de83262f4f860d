"""Asking an actor that may be restarted meanwhile: its crash is not ours."""

from typing import Any, TypeVar

import trio
from attrs import evolve

from protocols.mail import Address, CalleeDiedError, Question

A = TypeVar("A")

WAITS = (0.02, 0.1, 0.5, 1.0, 2.0, 4.0, 8.0, 12.0)
"""Seconds before each further try; about half a minute in all, as long as a restart may take."""

LONGEST = 60.0
"""Seconds for one answer: a disk may be slow for a while, and a crash would make no haste."""


async def ask_through_restarts(address: Address[Any], question: Question[A]) -> A:
    """Ask, and ask again while the callee dies with the question.

    A change that was made just before the callee died is asked for twice: only for questions
    whose repetition is harmless or told (``Conflict``).

    Raises:
        CalleeDiedError: It stayed away.
        AnswerLateError: It is there and does not answer.
    """
    for wait in WAITS:
        try:
            return await address.ask(evolve(question), within=LONGEST)
        except CalleeDiedError:
            await trio.sleep(wait)
    return await address.ask(evolve(question), within=LONGEST)
