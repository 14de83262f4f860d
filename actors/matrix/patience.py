"""Asks until there is an answer: of the homeserver, and of the store."""

import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

import trio
from attrs import evolve

from actors.matrix.client import Done, Limited, Refused, Reply, TokenRefused, Unreachable
from actors.matrix.limits import delay_before
from actors.matrix.status import Status
from protocols.mail import Address, NoAnswerError, Question
from protocols.store import StoreMessage

A = TypeVar("A")

Settled = Done | TokenRefused | Refused


async def insist(status: Status, ask: Callable[[], Awaitable[Reply]]) -> Settled:
    """What the server says in the end; while it is away or wants silence, wait as it says."""
    streak = 0
    while True:
        match await ask():
            case Limited(wait):
                status.limited(wait)
                await trio.sleep(wait)
            case Unreachable(reason):
                streak += 1
                await pause(status, reason, streak)
            case settled:
                return settled


async def pause(status: Status, reason: str, streak: int) -> None:
    """Wait before the next try, and say so in the tree."""
    delay = delay_before(streak, spread=random.random())  # noqa: S311  # no secret
    status.unreachable(reason, delay)
    await trio.sleep(delay)


async def ask_store(store: Address[StoreMessage], question: Question[A]) -> A:
    """The store's answer, also over its crashes; only for questions that may be asked twice."""
    delay = 0.1
    while True:
        try:
            return await store.ask(evolve(question))
        except NoAnswerError:
            await trio.sleep(delay)
            delay = min(5.0, 2 * delay)
