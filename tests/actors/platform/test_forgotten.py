"""People whom the platform does not know any more."""

from collections.abc import Awaitable, Callable

import pytest
import trio
from attrs import define, evolve

from actors.platform.open_turn import OpenTurn
from actors.platform.people import People
from actors.platform.personal import PersonalSettings
from protocols.ids import PersonId, SurfaceName
from protocols.platform import (
    Attachment,
    FailureKind,
    SettingsAction,
    TextDelta,
    UserSettings,
    UserUnknownError,
)
from protocols.turns import (
    ChangeSettings,
    FetchSettings,
    RunTurn,
    TurnFailed,
    TurnFinished,
    TurnOutcome,
)
from tests.actors.platform.on_platform import RUN, OnPlatform, on_platform
from tests.actors.platform.scripted import HELLO, ScriptedClient, Shown, runner_for, turn
from tests.fakes import MemoryStoreAddress

ME = PersonId("matrix:@me:example.org")
MATRIX = SurfaceName("matrix")
BIG = b"x" * (5 * 2**20)


async def outcomes_of(client: ScriptedClient, *, turns: int = 1) -> list[TurnOutcome]:
    runner = runner_for(client)
    return [
        await runner.outcome_of(OpenTurn.asked_by(RunTurn(turn(n), Shown()), at=0.0))
        for n in range(turns)
    ]


async def test_a_person_whom_the_platform_forgot_is_asked_for_once_more() -> None:
    client = ScriptedClient([HELLO, [UserUnknownError()], HELLO])

    assert await outcomes_of(client, turns=2) == [TurnFinished("Hello")] * 2
    assert len(client.users_asked) == 2


async def test_a_person_who_stays_unknown_is_refused() -> None:
    client = ScriptedClient([[UserUnknownError()]])

    assert await outcomes_of(client) == [TurnFailed("", FailureKind.REJECTED)]
    assert (len(client.users_asked), len(client.streamed)) == (2, 2)


async def test_nothing_that_was_shown_is_shown_again_for_a_person_who_was_forgotten() -> None:
    client = ScriptedClient([[TextDelta("Hel"), UserUnknownError()], HELLO])

    assert await outcomes_of(client) == [TurnFailed("Hel", FailureKind.REJECTED)]


@define(eq=False)
class Forgetful(ScriptedClient):
    """Forgets everybody after the first look-up, once."""

    async def get_settings(self, user_id: str) -> UserSettings:
        if len(self.users_asked) == 1:
            raise UserUnknownError
        return await ScriptedClient.get_settings(self, user_id)

    async def update_settings(self, user_id: str, action: SettingsAction) -> UserSettings:
        if len(self.users_asked) == 1:
            raise UserUnknownError
        return await ScriptedClient.update_settings(self, user_id, action)


@pytest.mark.parametrize(
    "question",
    [FetchSettings(MATRIX, ME), ChangeSettings(MATRIX, ME, SettingsAction("toggle_skill"))],
    ids=["fetch", "change"],
)
async def test_settings_of_a_person_who_was_forgotten_are_asked_for_once_more(
    question: FetchSettings | ChangeSettings,
) -> None:
    client, answers = Forgetful(), Answers()
    object.__setattr__(question, "reply_to", answers)
    personal = PersonalSettings(client, People(client, MemoryStoreAddress()), lambda: None)

    await personal.answer(question)

    assert isinstance(answers.given, UserSettings)
    assert len(client.users_asked) == 2


@define
class Answers:
    """Keeps what was answered."""

    given: object = None

    def send(self, answer: object) -> None:
        self.given = answer


async def stream(on: OnPlatform) -> None:
    await on.parts("hello")


async def stream_with_file(on: OnPlatform) -> None:
    await on.parts("hello", attachments=(Attachment("b", "text/plain", len(BIG), data=BIG),))


async def fetch(on: OnPlatform) -> None:
    await on.client.get_settings(on.user_id)


async def change(on: OnPlatform) -> None:
    await on.client.update_settings(on.user_id, SettingsAction("reset"))


@pytest.mark.parametrize("ask", [stream, stream_with_file, fetch, change])
async def test_the_platform_says_that_it_does_not_know_somebody(
    ask: Callable[[OnPlatform], Awaitable[None]],
) -> None:
    async with on_platform() as on:
        on.platform.people.known.clear()
        with pytest.raises(UserUnknownError):
            await ask(on)


async def test_whoever_the_platform_forgot_is_answered_all_the_same() -> None:
    async with on_platform() as on:
        runner = runner_for(on.client)
        question = RunTurn(evolve(turn(text="hello"), run_id=RUN), Shown())
        await runner.people.user_id_of(ME)
        on.platform.people.known.clear()

        outcome = await runner.outcome_of(OpenTurn.asked_by(question, at=trio.current_time()))

    assert isinstance(outcome, TurnFinished)
