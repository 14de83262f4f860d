"""Who waits for an actor that parks."""

from typing import Any

import pytest
import trio

from actors.kernel.child import ParkedError
from actors.kernel.mailbox import Mailbox
from actors.kernel.spec import permanent
from protocols.lifecycle import ActorState
from protocols.mail import CalleeDiedError, CalleeParkedError
from tests.actors.kernel.crew import Broken, Doing, Doubled, Unanswered, running


@pytest.mark.parametrize("error", [ParkedError("no token"), ValueError()])
async def test_only_askers_of_an_actor_that_parks_with_their_question_hear_that_it_is_parked(
    error: Exception,
) -> None:
    box: Mailbox[Any] = Mailbox("a")

    async def work() -> None:
        async for message in box:
            if isinstance(message, Broken):
                raise error

    told: list[type[Exception]] = []

    async def ask() -> None:
        with pytest.raises(CalleeDiedError) as died:
            await box.address.ask(Unanswered())
        told.append(died.type)

    specs = [permanent("a", Doing, work, inbox=box)]
    async with running(specs) as tree, trio.open_nursery() as nursery:
        nursery.start_soon(ask)
        await tree.settle()
        assert box.address.try_send(Broken())

    assert told == [CalleeParkedError if isinstance(error, ParkedError) else CalleeDiedError]


@pytest.mark.parametrize("is_answered", [True, False])
@pytest.mark.parametrize("steps", range(12))
async def test_an_actor_that_parks_at_any_step_leaves_no_asker_waiting(
    steps: int, *, is_answered: bool
) -> None:
    box: Mailbox[Any] = Mailbox("a", capacity=2)
    told: list[int | type[Exception]] = []
    lives: list[int] = []

    async def work() -> None:
        lives.append(1)
        async with trio.open_nursery() as nursery:
            if len(lives) == 1:
                nursery.start_soon(park)
            async for question in box:
                await trio.lowlevel.checkpoint()
                if is_answered or len(lives) > 1:
                    question.reply_to.send(2 * question.number)

    async def park() -> None:
        for _ in range(steps):
            await trio.lowlevel.checkpoint()
        raise ParkedError("no token")

    async def ask() -> None:
        try:
            answer: int = await box.address.ask(Doubled(1))
            told.append(answer)
        except CalleeParkedError as parked:
            told.append(type(parked))

    async with running([permanent("a", Doing, work, inbox=box)]) as tree:
        async with trio.open_nursery() as nursery:
            for _ in range(6):
                nursery.start_soon(ask)
        assert tree["a"].state is ActorState.PARKED
        tree.supervisor.restart("a")
        await tree.settle()
        await ask()

    assert told[-1] == 2
    assert len(told) == 7
    assert box.accepted == box.handled + box.lost
