"""What is said of a platform that keeps a person waiting."""

import pytest
import trio
from attrs import evolve

from actors.platform.open_turn import OpenTurn
from actors.platform.turn import Limits
from protocols.platform import FailureKind, PlatformFailedError
from protocols.turns import RunTurn, TurnFailed
from tests.actors.platform.on_platform import RUN, on_platform
from tests.actors.platform.scripted import Shown, runner_for, turn
from tests.rigs.lambda_platform_faults import (
    RESUME,
    START,
    Fault,
    OnStream,
    garbage,
    html_page,
    huge,
    overloaded,
    status,
)


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (garbage(), FailureKind.BROKEN),
        (html_page(), FailureKind.BROKEN),
        (huge(content_type="text/event-stream"), FailureKind.BROKEN),
        (status(500), FailureKind.OVERLOADED),
        (overloaded(1), FailureKind.OVERLOADED),
    ],
    ids=["garbage", "html", "huge", "500", "503"],
)
async def test_a_stream_that_cannot_be_gone_on_with_fails_as_why_it_could_not(
    fault: Fault, kind: FailureKind
) -> None:
    async with on_platform(seed=1) as on:  # its waits come to more than the idle limit
        on.platform.faults.want(OnStream("drop", 6), START)
        on.platform.faults.want(fault, RESUME, times=0)
        runner = runner_for(on.client, limits=Limits(idle=3.0))
        question = RunTurn(evolve(turn(text="mock:stream=40@2000"), run_id=RUN), Shown())

        with trio.fail_after(30):
            outcome = await runner.outcome_of(OpenTurn.asked_by(question, at=trio.current_time()))

    assert isinstance(outcome, TurnFailed)
    assert outcome.text
    assert outcome.kind is kind


async def test_settings_are_not_waited_for_where_the_platform_wants_too_long_a_wait() -> None:
    async with on_platform() as on:
        on.platform.faults.want(overloaded(600), "/settings$", times=0)
        with pytest.raises(PlatformFailedError) as caught, trio.fail_after(2):
            await on.client.get_settings(on.user_id)

    assert caught.value.kind is FailureKind.OVERLOADED
