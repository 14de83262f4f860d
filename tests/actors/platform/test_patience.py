"""How long one turn is waited for, how often it is tried, and how long it may get."""

from collections.abc import Sequence
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from actors.platform.turn import SLOWEST_UPLOAD, Limits
from actors.words import Word
from actors.words.russian import RUSSIAN
from protocols.platform import (
    FailureKind,
    ReasoningDelta,
    StatusLine,
    StreamBroke,
    StreamFinished,
    StreamPart,
    TextDelta,
    ToolCall,
    WholeText,
)
from protocols.turns import (
    TurnFailed,
    TurnFinished,
    TurnOutcome,
)
from tests.actors.platform.local_files import local_file
from tests.actors.platform.scripted import (
    HEL,
    HELLO,
    ScriptedClient,
    Shown,
    Step,
    failure,
    run_turn,
    turn,
)


@pytest.mark.parametrize(
    ("script", "came", "after"),
    [
        ([1e9], "", 60),
        ([HEL, 1e9], "Hel", 60),
        ([59.0, HEL, 59.0, HEL, 1e9], "HelHel", 178),
        ([StatusLine("Thinking"), 59.0, StatusLine("Thinking"), 1e9], "", 119),
    ],
)
async def test_a_silent_agent_fails_after_the_idle_limit_with_what_came(
    autojump_clock: MockClock,  # noqa: ARG001  # time passes at once
    script: Sequence[Step],
    came: str,
    after: float,
) -> None:
    started_at = trio.current_time()

    outcome = await run_turn(ScriptedClient([script]))

    assert outcome == TurnFailed(came, FailureKind.TIMEOUT)
    assert trio.current_time() - started_at == pytest.approx(after)


@pytest.mark.parametrize(
    ("script", "came", "kind"),
    [
        ([HEL, *[20.0, StreamBroke(FailureKind.BROKEN)] * 9], "Hel", FailureKind.BROKEN),
        (
            [StreamBroke(FailureKind.CUT), StreamBroke(FailureKind.OVERLOADED), 1e9],
            "",
            "overloaded",
        ),
        ([HEL, StreamBroke(FailureKind.CUT), HEL, 1e9], "HelHel", FailureKind.TIMEOUT),
    ],
)
async def test_a_stream_that_breaks_until_patience_ends_fails_as_what_broke_it(
    autojump_clock: MockClock, script: Sequence[Step], came: str, kind: FailureKind
) -> None:
    client = ScriptedClient([script])

    assert await run_turn(client) == TurnFailed(came, FailureKind(kind))
    assert autojump_clock.current_time() == pytest.approx(60)


@pytest.mark.parametrize(
    "scripts",
    [
        [[50.0, failure()], [50.0, failure()]],
        [[50.0, failure()], [1e9]],
        [[failure(retry_after=29.0)]],
        [[ReasoningDelta("Hm"), 50.0, failure(FailureKind.CUT)], [1e9]],
    ],
)
async def test_all_attempts_together_end_within_the_idle_limit(
    autojump_clock: MockClock,  # noqa: ARG001  # time passes at once
    scripts: Sequence[Sequence[Step]],
) -> None:
    started_at = trio.current_time()

    outcome = await run_turn(ScriptedClient(scripts))

    assert isinstance(outcome, TurnFailed)
    assert outcome.text == ""
    assert trio.current_time() - started_at <= 60


async def test_another_attempt_that_the_idle_limit_leaves_no_time_for_is_not_waited_for(
    autojump_clock: MockClock,  # noqa: ARG001  # time passes at once
) -> None:
    started_at = trio.current_time()
    client = ScriptedClient([[50.0, failure(FailureKind.UNREACHABLE, retry_after=11.0)]])

    outcome = await run_turn(client)

    assert outcome == TurnFailed("", FailureKind.UNREACHABLE)
    assert trio.current_time() - started_at == pytest.approx(50)


async def test_a_silent_look_up_of_the_person_fails_after_the_idle_limit_too(
    autojump_clock: MockClock,  # noqa: ARG001  # time passes at once
) -> None:
    outcome = await run_turn(ScriptedClient(small_call=1e9))

    assert outcome == TurnFailed("", FailureKind.TIMEOUT)


@pytest.mark.parametrize(
    ("script", "outcome", "after"),
    [
        ([61.0, *HELLO], TurnFinished("Hello"), 61),
        ([1e9], TurnFailed("", FailureKind.TIMEOUT), 62),
        ([61.0, HEL, 1e9], TurnFailed("Hel", FailureKind.TIMEOUT), 121),
    ],
)
async def test_files_that_go_along_have_time_of_their_own(
    autojump_clock: MockClock,
    tmp_path: Path,
    script: Sequence[Step],
    outcome: TurnOutcome,
    after: float,
) -> None:
    autojump_clock.autojump_threshold = 0.5  # the file is read in a thread
    file = local_file(tmp_path, b"x" * (2 * SLOWEST_UPLOAD))

    assert await run_turn(ScriptedClient([script]), asked=turn(files=(file,))) == outcome
    assert autojump_clock.current_time() == pytest.approx(after)


async def test_a_lively_agent_that_never_ends_is_stopped_at_the_whole_limit(
    autojump_clock: MockClock,  # noqa: ARG001  # time passes at once
) -> None:
    lively: list[Step] = [StatusLine("Thinking"), 50.0]
    started_at = trio.current_time()

    outcome = await run_turn(ScriptedClient([lively * 100]))

    assert outcome == TurnFailed("", FailureKind.TIMEOUT)
    assert trio.current_time() - started_at == pytest.approx(3500)


async def test_a_failure_before_the_first_part_is_tried_again_as_the_same_run(
    autojump_clock: MockClock,  # noqa: ARG001  # time passes at once
) -> None:
    client = ScriptedClient([[failure()], [failure()], HELLO])
    shown = Shown()

    outcome = await run_turn(client, shown=shown)

    assert outcome == TurnFinished("Hello")
    assert [run_id for *_, run_id, _ in client.streamed] == ["run-1"] * 3
    assert shown.statuses == ["The agent is not available, trying again"] * 2 + ["", ""]


async def test_another_attempt_is_told_in_the_person_s_language(
    autojump_clock: MockClock,  # noqa: ARG001  # time passes at once
) -> None:
    shown = Shown()

    await run_turn(ScriptedClient([[failure()], HELLO]), asked=turn(language="ru"), shown=shown)

    assert shown.statuses[0] == RUSSIAN[Word.DRAFT_TRIES_AGAIN]


async def test_a_failed_look_up_of_the_person_is_tried_again(
    autojump_clock: MockClock,  # noqa: ARG001  # time passes at once
) -> None:
    client = ScriptedClient(small_call=failure(FailureKind.UNREACHABLE))

    outcome = await run_turn(client)

    assert outcome == TurnFailed("", FailureKind.UNREACHABLE)
    assert len(client.users_asked) == 4


@pytest.mark.parametrize(
    "part", [HEL, WholeText("Hel"), StatusLine("Thinking"), ToolCall("web_search")]
)
async def test_nothing_is_tried_again_after_a_part_was_shown(part: StreamPart) -> None:
    client = ScriptedClient([[part, failure()], HELLO])

    outcome = await run_turn(client)

    assert isinstance(outcome, TurnFailed)
    assert outcome.kind is FailureKind.OVERLOADED
    assert len(client.streamed) == 1


async def test_attempts_end(
    autojump_clock: MockClock,  # noqa: ARG001  # time passes at once
) -> None:
    client = ScriptedClient([[failure()]])

    outcome = await run_turn(client, limits=Limits(attempts=3))

    assert outcome == TurnFailed("", FailureKind.OVERLOADED)
    assert len(client.streamed) == 3


async def test_the_platform_is_not_asked_again_before_the_time_it_named(
    autojump_clock: MockClock,  # noqa: ARG001  # time passes at once
) -> None:
    client = ScriptedClient([[failure(retry_after=25.0)], HELLO])

    await run_turn(client)

    assert client.streamed_at[1] - client.streamed_at[0] >= 25.0


async def test_a_platform_that_wants_too_long_a_wait_is_not_waited_for() -> None:
    client = ScriptedClient([[failure(retry_after=86_400.0)], HELLO])

    outcome = await run_turn(client)

    assert outcome == TurnFailed("", FailureKind.OVERLOADED)


async def test_an_answer_without_end_is_broken_off_and_what_came_is_kept() -> None:
    client = ScriptedClient([[TextDelta("x" * 999)] * 1000])

    outcome = await run_turn(client, limits=Limits(answer_chars=10_000))

    assert outcome == TurnFailed("x" * 10_000, FailureKind.BROKEN)
    assert client.open_streams == 0


async def test_an_answer_of_just_the_limit_is_whole() -> None:
    client = ScriptedClient([[TextDelta("x" * 10), StreamFinished()]])

    assert await run_turn(client, limits=Limits(answer_chars=10)) == TurnFinished("x" * 10)
