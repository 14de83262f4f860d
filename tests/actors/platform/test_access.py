import pytest
from trio.testing import MockClock

from actors.platform.access import is_refused, refusal_of
from actors.platform.modes import MODES
from protocols.platform import FailureKind
from tests.actors.platform.scripted import ScriptedClient, Step, failure


@pytest.mark.parametrize(
    ("access", "expected"),
    [
        (0.0, False),
        (failure(FailureKind.UNAUTHORIZED, is_retryable=False), True),
        (failure(FailureKind.UNREACHABLE), False),
        (1e9, False),
    ],
)
async def test_only_an_agent_that_says_so_lets_nobody_in(
    autojump_clock: MockClock,  # noqa: ARG001  # time passes at once
    access: Step,
    *,
    expected: bool,
) -> None:
    assert await is_refused(ScriptedClient(access=access)) is expected


@pytest.mark.parametrize(
    ("mode", "setting"),
    [
        ("production", "LAMBDA_SERVICE_TOKEN"),
        ("openai", "OPENAI_API_KEY"),
        ("agui", "AGUI_TOKEN"),
        ("mock", "PLATFORM_MODE"),
    ],
)
def test_a_refusal_names_the_setting_to_look_at_and_the_way_back(mode: str, setting: str) -> None:
    text = refusal_of(mode)

    assert setting in text
    assert "debug restart platform" in text


def test_every_mode_has_its_refusal() -> None:
    assert all(map(refusal_of, MODES))
