"""A turn of the platform ends in one visible outcome, whatever its server does."""

import pytest
import trio
from attrs import evolve

from actors.platform.open_turn import OpenTurn
from actors.platform.production import ProductionClient
from actors.platform.turn import Limits
from actors.platform.web import agent_http
from protocols.platform import FailureKind
from protocols.turns import RunTurn, Turn, TurnFailed, TurnFinished, TurnOutcome
from tests.actors.platform.on_platform import Hurried
from tests.actors.platform.scripted import Shown, runner_for, turn
from tests.rigs.faulty_agent import FAULTS, HARMLESS, FaultyAgent, faulty_agent
from tests.rigs.faulty_agent_words import BEGINS, ENDS, RAW

IDLE = 3.0
KINDS = {
    "500": {FailureKind.OVERLOADED},
    "429": {FailureKind.OVERLOADED, FailureKind.TIMEOUT},
    "401": {FailureKind.UNAUTHORIZED},
    "hang": {FailureKind.TIMEOUT},
    "stall": {FailureKind.TIMEOUT},
    "cut": {FailureKind.CUT},
    "truncated": {FailureKind.BROKEN, FailureKind.CUT},
    "empty": {FailureKind.CUT},
    "garbage": {FailureKind.BROKEN},
    "html": {FailureKind.BROKEN},
    "redirect": {FailureKind.REJECTED},
    "type": {FailureKind.BROKEN},
    "gigabyte": {FailureKind.BROKEN, FailureKind.TIMEOUT},
    "huge": {FailureKind.BROKEN, FailureKind.TIMEOUT},
    "noise": {FailureKind.CUT},
    "silence": {FailureKind.UNREACHABLE},
}


async def outcome_of(agent: FaultyAgent, asked: Turn, shown: Shown | None = None) -> TurnOutcome:
    url = f"http://127.0.0.1:{agent.port}"
    async with agent_http(url, "token", stall=0.5) as http:
        client = ProductionClient(http, random=Hurried())
        runner = evolve(runner_for(client, limits=Limits(idle=IDLE)), random=Hurried())
        question = RunTurn(asked, shown or Shown())
        with trio.fail_after(4 * IDLE):
            return await runner.outcome_of(OpenTurn.asked_by(question, at=trio.current_time()))


@pytest.mark.parametrize("word", sorted(FAULTS.keys() - HARMLESS))
async def test_a_turn_that_goes_wrong_ends_with_its_reason_and_what_came(word: str) -> None:
    shown = Shown()
    async with faulty_agent("production") as agent:
        outcome = await outcome_of(agent, turn(text=f"fault:{word}"), shown)

    assert isinstance(outcome, TurnFailed)
    assert outcome.kind in KINDS[word]
    assert outcome.text in {"", BEGINS}
    assert RAW not in f"{outcome} {shown.seen}"


@pytest.mark.parametrize("word", sorted(HARMLESS))
async def test_a_turn_that_goes_wrong_a_little_is_answered(word: str) -> None:
    async with faulty_agent("production") as agent:
        outcome = await outcome_of(agent, turn(text=f"fault:{word}"))

    assert isinstance(outcome, TurnFinished)
    assert outcome.text.startswith(BEGINS)
    assert outcome.text.endswith(ENDS)


async def test_a_fault_in_one_chat_is_none_in_another() -> None:
    outcomes: dict[int, TurnOutcome] = {}

    async with faulty_agent("production") as agent:

        async def ask(number: int, text: str) -> None:
            outcomes[number] = await outcome_of(agent, turn(number, text=text))

        async with trio.open_nursery() as nursery:
            for number, word in enumerate(["401", "stall", "garbage", "gigabyte"], 2):
                nursery.start_soon(ask, number, f"fault:{word}")
            nursery.start_soon(ask, 1, "hello")

    assert isinstance(outcomes.pop(1), TurnFinished)
    assert all(isinstance(outcome, TurnFailed) for outcome in outcomes.values())


async def test_what_is_cured_goes_on_where_it_stood() -> None:
    shown = Shown()
    outcomes: list[TurnOutcome] = []

    async with faulty_agent("production") as agent:

        async def ask() -> None:
            outcomes.append(await outcome_of(agent, turn(text="fault:cut"), shown))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(ask)
            await agent.is_asked("cut")
            agent.cure("cut")

    (outcome,) = outcomes
    assert isinstance(outcome, TurnFinished)
    assert outcome.text.count(BEGINS) == 1
    assert outcome.text.endswith(ENDS)
