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
    TurnAsks,
    TurnFailed,
    TurnFinished,
    TurnOutcome,
    TurnStopped,
)
from tests.actors.platform.local_files import change, local_file
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

USAGE = Usage("mock-1", 12, 345)
NOTES = Attachment("notes.txt", "text/plain", 2, data=b"hi")
CUT = Attachment("cut.txt", "text/plain", 3, data=b"hi")
LINK = Attachment("cat.png", "image/png", 9, mode="url", location="https://example.org/cat.png")


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
