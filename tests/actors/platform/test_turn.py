"""One turn at a time, without a bridge around it."""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
import trio
from attrs import define
from hypothesis import given, settings
from hypothesis import strategies as st
from trio.testing import MockClock

from actors.metrics import FIRST_WORD_SECONDS
from actors.platform.made import MadeFiles
from actors.platform.open_turn import (
    LONGEST_STATUS,
    LONGEST_TOOL_NAME,
    MOST_REASONING,
    OpenTurn,
)
from actors.platform.turn import SLOWEST_UPLOAD, Limits
from actors.words import Word
from actors.words.russian import RUSSIAN
from protocols.ids import Language, RunId, SurfaceName, TraceId
from protocols.platform import (
    NO_DETAILS,
    Attachment,
    FailureKind,
    ReasoningDelta,
    Resume,
    RunDetails,
    StatusLine,
    StreamAsks,
    StreamBroke,
    StreamFinished,
    StreamPart,
    StreamStopped,
    TextDelta,
    ToolCall,
    Usage,
    WholeText,
)
from protocols.turns import (
    RunTurn,
    Turn,
    TurnAsks,
    TurnFailed,
    TurnFinished,
    TurnOutcome,
    TurnStopped,
)
from tests.actors.platform.local_files import change, local_file
from tests.actors.platform.scripted import (
    HELLO,
    ScriptedClient,
    Shown,
    Step,
    failure,
    runner_for,
    turn,
)

HEL = TextDelta("Hel")
USAGE = Usage("mock-1", 12, 345)
NOTES = Attachment("notes.txt", "text/plain", 2, data=b"hi")
CUT = Attachment("cut.txt", "text/plain", 3, data=b"hi")
LINK = Attachment("cat.png", "image/png", 9, mode="url", location="https://example.org/cat.png")


async def run_turn(
    client: ScriptedClient,
    *,
    asked: Turn | None = None,
    shown: Shown | None = None,
    limits: Limits | None = None,
    made: MadeFiles | None = None,
) -> TurnOutcome:
    question = RunTurn(asked or turn(), shown or Shown())
    runner = runner_for(client, limits=limits, made=made)
    return await runner.outcome_of(OpenTurn.asked_by(question, at=trio.current_time()))


@pytest.mark.parametrize(
    ("script", "outcome"),
    [
        ([HEL, StreamFinished()], TurnFinished("Hel")),
        ([HEL, StreamFinished((LINK,))], TurnFinished("Hel", (LINK,))),
        ([StreamFinished((LINK,))], TurnFinished("", (LINK,))),
        ([HEL, StreamFinished((NOTES,))], TurnFailed("Hel", FailureKind.FILE_LOST)),  # no disk
        ([HEL, StreamAsks("i-1", "Go on?")], TurnAsks("Hel", "i-1", "Go on?", ("yes", "no"))),
        ([HEL], TurnFailed("Hel", FailureKind.CUT)),
        ([HEL, StreamStopped()], TurnStopped("Hel")),
        ([StreamStopped()], TurnStopped("")),
        ([HEL, WholeText("Hello"), StreamFinished()], TurnFinished("Hello")),
        ([HEL, WholeText(""), StreamFinished()], TurnFailed("", FailureKind.EMPTY)),
        ([HEL, WholeText("Hello"), TextDelta("!"), StreamFinished()], TurnFinished("Hello!")),
        ([HEL, StreamFinished(usage=USAGE)], TurnFinished("Hel", usage=USAGE)),
        (
            [ReasoningDelta("Hm"), ReasoningDelta("m."), HEL, StreamFinished()],
            TurnFinished("Hel", reasoning="Hmm."),
        ),
        (
            [StreamAsks("i-1", "Go on?", ("a", "b"), 99.5)],
            TurnAsks("", "i-1", "Go on?", ("a", "b"), 99.5),
        ),
        ([HEL, failure(FailureKind.CUT)], TurnFailed("Hel", FailureKind.CUT)),
        ([HEL, StreamFinished(), TextDelta("late")], TurnFinished("Hel")),
        (
            [failure(FailureKind.REJECTED, is_retryable=False)],
            TurnFailed("", FailureKind.REJECTED),
        ),
    ],
)
async def test_every_end_of_a_stream_has_its_outcome(
    script: Sequence[Step], outcome: TurnOutcome
) -> None:
    client = ScriptedClient([script])

    assert await run_turn(client) == outcome
    assert (len(client.streamed), client.open_streams) == (1, 0)


@pytest.mark.parametrize(
    ("script", "kind"),
    [
        ([StreamFinished()], FailureKind.EMPTY),
        ([TextDelta(" \n"), StreamFinished()], FailureKind.EMPTY),
        ([TextDelta(""), StreamFinished()], FailureKind.EMPTY),
        ([WholeText(""), StreamFinished()], FailureKind.EMPTY),
        ([ReasoningDelta("Hmm."), StreamFinished()], FailureKind.EMPTY),
        ([], FailureKind.CUT),
        ([ReasoningDelta("Hmm.")], FailureKind.CUT),
    ],
)
async def test_an_answer_of_nothing_is_asked_for_again_before_it_fails(
    autojump_clock: MockClock,  # noqa: ARG001  # time passes at once
    script: Sequence[Step],
    kind: FailureKind,
) -> None:
    client = ScriptedClient([script])

    assert await run_turn(client) == TurnFailed("", kind)
    attempts = 2 if kind is FailureKind.EMPTY else 4  # the first cost what an answer costs
    assert (len(client.streamed), client.open_streams) == (attempts, 0)


async def test_nothing_of_an_attempt_that_showed_nothing_is_left_in_the_next(
    autojump_clock: MockClock,  # noqa: ARG001  # time passes at once
) -> None:
    blank: list[Step] = [TextDelta(" \n"), ReasoningDelta("First"), failure()]
    again: list[Step] = [ReasoningDelta("Second"), HEL, StreamFinished()]

    outcome = await run_turn(ScriptedClient([blank, again]))

    assert outcome == TurnFinished("Hel", reasoning="Second")


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


async def test_a_status_line_stands_until_there_is_more_text() -> None:
    shown = Shown()
    client = ScriptedClient([[StatusLine("1/2 reading"), TextDelta(""), HEL, StreamFinished()]])

    await run_turn(client, shown=shown)

    assert [(p.status, p.text) for p in shown.seen] == [("1/2 reading", ""), ("", "Hel")]


async def test_a_text_from_the_start_takes_the_place_of_what_was_shown() -> None:
    shown = Shown()
    client = ScriptedClient([[HEL, StatusLine("on"), WholeText("Bye"), StreamFinished()]])

    await run_turn(client, shown=shown)

    assert [(p.status, p.text) for p in shown.seen] == [("", "Hel"), ("on", "Hel"), ("", "Bye")]


async def test_who_sees_nothing_else_sees_that_the_agent_thinks() -> None:
    shown = Shown()
    thinks = [ReasoningDelta("Hm")] * 3
    client = ScriptedClient(
        [[*thinks, StatusLine("1/2"), *thinks, HEL, *thinks, StreamFinished()]],
    )

    await run_turn(client, shown=shown)

    assert [(p.status, p.text) for p in shown.seen] == [("Thinking…", ""), ("1/2", ""), ("", "Hel")]


async def test_a_tool_is_named_in_the_person_s_language() -> None:
    shown = Shown()
    client = ScriptedClient([[ToolCall("web_search"), HEL, StreamFinished()]])

    await run_turn(client, asked=turn(language="ru"), shown=shown)

    assert shown.statuses == ["Использую web_search", ""]


async def test_what_the_agent_thinks_is_kept_up_to_a_limit() -> None:
    client = ScriptedClient([[*[ReasoningDelta("x" * 999)] * 100, HEL, StreamFinished()]])

    outcome = await run_turn(client)

    assert outcome == TurnFinished("Hel", reasoning="x" * MOST_REASONING)


async def test_an_agent_is_told_where_and_in_what_language_the_person_writes() -> None:
    client = ScriptedClient()

    await run_turn(client, asked=turn(language="ru"))

    assert client.details == [
        RunDetails(SurfaceName("matrix"), Language("ru"), TraceId(f"{1:032x}"))
    ]


async def test_the_first_word_of_an_answer_is_measured_once(
    autojump_clock: MockClock,  # noqa: ARG001  # time passes at once
) -> None:
    before = first_words()
    slow: list[Step] = [ReasoningDelta("Hm"), TextDelta(" "), 4.0, HEL, 9.0, HEL, StreamFinished()]

    await run_turn(ScriptedClient([slow]))

    count, seconds = first_words()
    assert count - before[0] == 1
    assert seconds - before[1] == pytest.approx(4.0)


def first_words() -> tuple[float, float]:
    """How many first words there were, and after how many seconds all together."""
    (metric,) = FIRST_WORD_SECONDS.collect()
    values = {sample.name: sample.value for sample in metric.samples if "le" not in sample.labels}
    name = "surfaces_first_word_seconds"
    return values[f"{name}_count"], values[f"{name}_sum"]


async def test_the_choice_of_a_person_reaches_the_agent() -> None:
    client = ScriptedClient()
    resume = Resume("i-1", "yes")

    await run_turn(client, asked=turn(resume=resume))

    assert client.streamed[0][4] == resume


async def test_the_files_of_a_person_reach_the_agent_with_every_attempt(tmp_path: Path) -> None:
    # In real time: an autojump clock does not wait for the thread that reads.
    client = ScriptedClient([[failure()], HELLO])

    await run_turn(client, asked=turn(files=(local_file(tmp_path),)))

    (first,), (second,) = client.attached
    assert first == second
    assert (first.data, first.mode) == (b"hello", "binary")


async def test_a_file_that_has_vanished_fails_its_turn_and_the_agent_is_not_asked(
    tmp_path: Path,
) -> None:
    client = ScriptedClient()
    file = local_file(tmp_path)
    change(file, None)

    outcome = await run_turn(client, asked=turn(files=(file,)))

    assert outcome == TurnFailed("", FailureKind.FILE_LOST)
    assert client.streamed == []


async def test_files_of_the_agent_are_on_the_disk_and_addresses_stay_addresses(
    tmp_path: Path,
) -> None:
    client = ScriptedClient([[HEL, StreamFinished((LINK, NOTES))]])

    outcome = await run_turn(client, made=MadeFiles(tmp_path))

    assert isinstance(outcome, TurnFinished)
    assert (outcome.text, outcome.attachments) == ("Hel", (LINK,))
    (file,) = outcome.files
    assert (file.name, file.path) == ("notes.txt", str(tmp_path / "run-1-0"))
    assert client.open_streams == 0


async def test_a_file_that_was_cut_on_its_way_fails_the_turn_with_what_came(
    tmp_path: Path,
) -> None:
    client = ScriptedClient([[HEL, StreamFinished((CUT,))]])

    outcome = await run_turn(client, made=MadeFiles(tmp_path))

    assert outcome == TurnFailed("Hel", FailureKind.BROKEN)
    assert len(client.streamed) == 1


async def test_a_client_whose_stream_is_no_generator_serves_as_well() -> None:
    client = PlainStreams()

    assert await run_turn(client) == TurnFinished("Hel")


@define(eq=False)
class PlainStreams(ScriptedClient):
    """Its streams have nothing to close."""

    def stream_message(  # type: ignore[override]  # the port allows any asynchronous iterator
        self,
        user_id: str,
        chat_id: str,
        text: str,
        *,
        run_id: RunId,
        attachments: tuple[Attachment, ...] = (),
        resume: Resume | None = None,
        details: RunDetails = NO_DETAILS,  # noqa: ARG002  # the port's
    ) -> AsyncIterator[StreamPart]:
        self.streamed.append((user_id, chat_id, text, run_id, resume))
        assert not attachments
        return PlainStream([HEL, StreamFinished()])


@define
class PlainStream:
    parts: list[StreamPart]

    def __aiter__(self) -> "PlainStream":
        return self

    async def __anext__(self) -> StreamPart:
        await trio.lowlevel.checkpoint()
        return self.parts.pop(0)


def test_a_turn_is_answered_once() -> None:
    answers: list[TurnOutcome] = []
    question = RunTurn(turn(), Shown())
    object.__setattr__(question, "reply_to", Answers(answers))
    open_turn = OpenTurn.asked_by(question, at=0)

    open_turn.answer(TurnFinished("Hello"))
    open_turn.answer(TurnFailed("", FailureKind.GONE))

    assert answers == [TurnFinished("Hello")]


@define
class Answers:
    given: list[TurnOutcome]

    def send(self, answer: TurnOutcome, /) -> None:
        self.given.append(answer)


@given(status=st.text(max_size=1000))
def test_a_status_is_one_short_line(status: str) -> None:
    shown = Shown()

    OpenTurn.asked_by(RunTurn(turn(), shown), at=0).say(status)

    (line,) = shown.statuses
    assert len(line) <= LONGEST_STATUS
    assert len(line.splitlines()) <= 1


@given(name=st.text(max_size=500))
def test_a_tool_s_name_is_short_plain_text(name: str) -> None:
    shown = Shown()

    OpenTurn.asked_by(RunTurn(turn(), shown), at=0).take(ToolCall(name))

    (line,) = shown.statuses
    assert len(line) <= len("Using ") + LONGEST_TOOL_NAME
    assert line.isprintable()


@settings(max_examples=20)
@given(sizes=st.lists(st.integers(0, 400), min_size=300, max_size=600))
def test_all_that_is_shown_of_an_answer_is_in_proportion_to_its_length(sizes: list[int]) -> None:
    shown = Shown()
    open_turn = OpenTurn.asked_by(RunTurn(turn(), shown), at=0)

    for size in sizes:
        open_turn.take(TextDelta("x" * size))

    assert sum(map(len, shown.texts)) <= 260 * max(sum(sizes), 1)
    assert len(open_turn.text) == sum(sizes)
    assert sum(sizes) - len(shown.texts[-1] if shown.texts else "") <= sum(sizes) / 256 + 400


@given(pieces=st.lists(st.text()))
def test_progress_only_grows_and_ends_with_the_whole_text(pieces: list[str]) -> None:
    shown = Shown()
    open_turn = OpenTurn.asked_by(RunTurn(turn(), shown), at=0)

    for piece in pieces:
        open_turn.take(TextDelta(piece))

    assert open_turn.text == "".join(pieces)
    assert all(
        after.startswith(before)
        for before, after in zip(shown.texts, shown.texts[1:], strict=False)
    )
