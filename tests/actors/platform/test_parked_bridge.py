"""The bridge under the real supervisor, where the agent does not accept its token."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio
from attrs import define, field
from trio.testing import MockClock

from actors.kernel.mailbox import Mailbox
from actors.kernel.spec import permanent
from actors.kernel.supervision import Supervisor
from actors.platform.bridge import BACKOFF, PlatformBridge
from actors.platform.modes import always
from actors.platform.settings import AgentSettings
from protocols.ids import PersonId, SurfaceName
from protocols.lifecycle import ActorState, ActorView
from protocols.mail import CalleeDiedError, CalleeParkedError
from protocols.platform import FailureKind, StreamFinished, TextDelta
from protocols.turns import (
    FetchSettings,
    PlatformMessage,
    RunTurn,
    Turn,
    TurnFailed,
    TurnFinished,
    TurnOutcome,
)
from tests.actors.platform.scripted import (
    HELLO,
    NO_DISK,
    Desk,
    ScriptedClient,
    Shown,
    Step,
    failure,
    settle,
    turn,
)
from tests.fakes import MemoryStoreAddress

REFUSED = failure(FailureKind.UNAUTHORIZED, is_retryable=False)
HANGS = (TextDelta("Hel"), 1e9)
UNAUTHORIZED = TurnFailed("", FailureKind.UNAUTHORIZED)


@define(eq=False)
class Program:
    """A supervised bridge, and what became of the questions that it was asked."""

    client: ScriptedClient
    max_turns: int = 100
    box: Mailbox[PlatformMessage] = field(factory=lambda: Mailbox("platform"))
    outcomes: dict[str, TurnOutcome | type[CalleeDiedError]] = field(factory=dict)
    supervisor: Supervisor = field(init=False)

    def __attrs_post_init__(self) -> None:
        bridge = permanent(
            "platform",
            PlatformBridge,
            self.box,
            always(self.client),
            MemoryStoreAddress(),
            NO_DISK,
            60.0,
            self.max_turns,
            AgentSettings("production"),
        )
        self.supervisor = Supervisor([bridge.with_options(backoff=BACKOFF)])

    async def ask(self, asked: Turn) -> TurnOutcome | type[CalleeDiedError]:
        outcome: TurnOutcome | type[CalleeDiedError]
        try:
            outcome = await self.box.address.ask(RunTurn(asked, Shown()), within=1000)
        except CalleeDiedError as died:
            outcome = type(died)
        self.outcomes[asked.run_id] = outcome
        return outcome

    @property
    def view(self) -> ActorView:
        (view,) = self.supervisor.census()
        return view

    def is_in(self, state: ActorState) -> bool:
        return self.view.state is state


@asynccontextmanager
async def running(client: ScriptedClient, *, max_turns: int = 100) -> AsyncIterator[Program]:
    program = Program(client, max_turns)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(program.supervisor.run)
        await settle()
        yield program
        program.supervisor.stop("the test is over")


async def test_an_agent_that_lets_nobody_in_parks_the_bridge_with_the_way_out_in_the_tree() -> None:
    client = ScriptedClient([[REFUSED]])
    async with running(client) as program:
        assert program.is_in(ActorState.UP)
        client.access = REFUSED

        outcome = await program.ask(turn())
        await settle()

        assert outcome == UNAUTHORIZED
        assert program.is_in(ActorState.PARKED)
        assert "LAMBDA_SERVICE_TOKEN" in program.view.note
        assert "debug restart platform" in program.view.note
        assert program.view.restarts == 0


async def test_whoever_asks_a_parked_bridge_hears_at_once_that_it_is_parked() -> None:
    async with running(ScriptedClient(access=REFUSED)) as program:
        assert await program.ask(turn()) is CalleeParkedError
        with pytest.raises(CalleeParkedError):
            await program.box.address.ask(
                FetchSettings(SurfaceName("matrix"), PersonId("matrix:@me:example.org"))
            )


async def test_all_turns_in_hand_end_with_the_reason_also_those_that_wait(
    nursery: trio.Nursery,
    autojump_clock: MockClock,  # noqa: ARG001  # time passes at once
) -> None:
    client = ScriptedClient([HANGS, HANGS, [5.0, REFUSED]])
    async with running(client, max_turns=3) as program:
        for number in range(1, 7):
            nursery.start_soon(program.ask, turn(number))
            await settle()
        client.access = REFUSED
        await trio.sleep(10)

        assert program.is_in(ActorState.PARKED)
        assert program.outcomes == {
            "run-1": TurnFailed("Hel", FailureKind.UNAUTHORIZED),
            "run-2": TurnFailed("Hel", FailureKind.UNAUTHORIZED),
            **dict.fromkeys(("run-3", "run-4", "run-5", "run-6"), UNAUTHORIZED),
        }
        assert client.open_streams == 0


async def test_a_refusal_that_is_about_one_chat_leaves_everybody_else_alone(
    nursery: trio.Nursery,
    autojump_clock: MockClock,  # noqa: ARG001  # time passes at once
) -> None:
    slow = (TextDelta("Hel"), 9.0, TextDelta("lo"), StreamFinished())
    client = ScriptedClient([slow, [REFUSED], HELLO])
    async with running(client) as program:
        nursery.start_soon(program.ask, turn(1))
        await settle()

        refused = await program.ask(turn(2))
        other = await program.ask(turn(3))
        await trio.sleep(20)

        assert refused == UNAUTHORIZED
        assert other == program.outcomes["run-1"] == TurnFinished("Hello")
        assert (program.view.state, program.view.life) == (ActorState.UP, 1)
        assert client.access_asked == 2  # at the start, and once for the refusal


@pytest.mark.parametrize("access", [failure(FailureKind.UNREACHABLE), 1e9])
async def test_an_agent_that_says_nothing_of_our_access_is_used_as_it_is(
    autojump_clock: MockClock,  # noqa: ARG001  # time passes at once
    access: Step,
) -> None:
    async with running(ScriptedClient(access=access)) as program:
        assert await program.ask(turn()) == TurnFinished("Hello")
        await trio.sleep(60)

        assert (program.view.state, program.view.life) == (ActorState.UP, 1)


async def test_many_refusals_at_once_ask_once_for_our_access(
    nursery: trio.Nursery,
    autojump_clock: MockClock,  # noqa: ARG001  # time passes at once
) -> None:
    client = ScriptedClient([[REFUSED]])
    async with running(client) as program:
        client.access = 1.0
        for number in range(20):
            nursery.start_soon(program.ask, turn(number))
        await trio.sleep(5)

        assert list(program.outcomes.values()) == [UNAUTHORIZED] * 20
        assert client.access_asked == 2


async def test_settings_that_are_refused_park_the_bridge_too() -> None:
    client = ScriptedClient()
    async with running(client) as program:
        client.access = client.small_call = REFUSED
        question = FetchSettings(SurfaceName("matrix"), PersonId("matrix:@me:example.org"))

        answer = await program.box.address.ask(question)
        await settle()

        assert answer == UNAUTHORIZED
        assert program.is_in(ActorState.PARKED)


async def test_a_bridge_that_is_let_in_again_goes_on_by_command() -> None:
    client = ScriptedClient(access=REFUSED)
    async with running(client) as program:
        assert program.is_in(ActorState.PARKED)
        client.access = 0.0

        program.supervisor.restart("platform")
        await settle()

        assert program.is_in(ActorState.UP)
        assert await program.ask(turn()) == TurnFinished("Hello")


async def test_a_bridge_that_stops_does_not_wait_to_hear_of_its_access(
    autojump_clock: MockClock,  # noqa: ARG001  # time passes at once
) -> None:
    desk = Desk(ScriptedClient(access=9.0))
    desk.box.close()

    await desk.run()

    assert trio.current_time() == pytest.approx(0.0)


@pytest.mark.parametrize("steps", range(25))
async def test_a_bridge_that_parks_at_any_step_answers_every_asker_once(steps: int) -> None:
    client = ScriptedClient([HELLO])
    async with running(client, max_turns=2) as program:
        async with trio.open_nursery() as nursery:
            for number in range(4):
                nursery.start_soon(program.ask, turn(number))
            for _ in range(steps):
                await trio.lowlevel.checkpoint()
            client.scripts, client.access = [[REFUSED]], REFUSED
            nursery.start_soon(program.ask, turn(99))
        await settle()

        assert len(program.outcomes) == 5
        assert all(map(is_fair, program.outcomes.values()))
        reasons = [mail.reason for mail in program.supervisor.undelivered()]
        assert not any("late answer" in reason for reason in reasons)
        assert (program.view.state, client.open_streams) == (ActorState.PARKED, 0)


def is_fair(outcome: TurnOutcome | type[CalleeDiedError]) -> bool:
    """It is the whole answer, or says that the agent lets nobody in and keeps what came."""
    if isinstance(outcome, TurnFailed):
        return outcome.kind is FailureKind.UNAUTHORIZED and "Hello".startswith(outcome.text)
    return outcome in {TurnFinished("Hello"), CalleeParkedError}
