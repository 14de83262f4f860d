import threading
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
import trio
from attrs import define, field
from structlog.testing import capture_logs
from trio.testing import MockClock

from actors.kernel.child import Wait, current_life
from actors.metrics import TURN_SECONDS, TURNS
from actors.platform.made import MadeFiles
from actors.platform.turns import Turns
from protocols.ids import RunId
from protocols.platform import (
    NO_DETAILS,
    Attachment,
    FailureKind,
    Resume,
    RunDetails,
    StreamAsks,
    StreamFinished,
    StreamPart,
    StreamStopped,
    TextDelta,
)
from protocols.turns import CancelTurn, TurnFailed, TurnFinished, TurnOutcome, TurnStopped
from protocols.turns import RunTurn as Question
from tests.actors.platform.scripted import (
    Desk,
    ScriptedClient,
    Shown,
    failure,
    settle,
    turn,
    turns_for,
)


@define(eq=False)
class Answers:
    """The place for answers, which keeps all of them."""

    given: list[TurnOutcome] = field(factory=list)

    def send(self, answer: TurnOutcome, /) -> None:
        self.given.append(answer)


@define(eq=False)
class StoppingClient(ScriptedClient):
    """Stops its own turn right before the last part, without a checkpoint between."""

    turns: Turns | None = None
    is_talkative: bool = False

    async def stream_message(
        self,
        user_id: str,  # noqa: ARG002  # the port's
        chat_id: str,  # noqa: ARG002  # the port's
        text: str,  # noqa: ARG002  # the port's
        *,
        run_id: RunId,
        attachments: tuple[Attachment, ...] = (),  # noqa: ARG002  # the port's
        resume: Resume | None = None,  # noqa: ARG002  # the port's
        details: RunDetails = NO_DETAILS,  # noqa: ARG002  # the port's
    ) -> AsyncGenerator[StreamPart, None]:
        assert self.turns is not None
        yield TextDelta("Hel")
        self.turns.stop(run_id)
        if self.is_talkative:
            yield TextDelta("lo")
        yield StreamFinished()


@pytest.mark.parametrize("is_talkative", [True, False])
async def test_a_turn_that_is_stopped_in_its_last_step_is_answered_once_and_shows_nothing_more(
    *, is_talkative: bool
) -> None:
    client = StoppingClient(is_talkative=is_talkative)
    answers, shown = Answers(), Shown()
    question = Question(turn(), shown)
    object.__setattr__(question, "reply_to", answers)

    async with trio.open_nursery() as nursery:
        client.turns = turns_for(client, nursery)
        client.turns.take(question)

    assert answers.given == [TurnStopped("Hel")]
    assert shown.texts == ["Hel"]


@define(eq=False)
class SlowDisk:
    """Takes a file only when it is told to."""

    is_writing: trio.Event = field(factory=trio.Event)
    may_go_on: threading.Event = field(factory=threading.Event)

    def sync(self, _handle: int) -> None:
        trio.from_thread.run_sync(self.is_writing.set)
        assert self.may_go_on.wait(10)


async def test_a_turn_that_is_stopped_while_its_files_are_written_is_answered_at_once_and_once(
    tmp_path: Path,
) -> None:
    disk, answers = SlowDisk(), Answers()
    notes = Attachment("notes.txt", "text/plain", 2, data=b"hi")
    client = ScriptedClient([[TextDelta("Hel"), StreamFinished((notes,))]])
    question = Question(turn(), Shown())
    object.__setattr__(question, "reply_to", answers)

    async with trio.open_nursery() as nursery:
        turns = turns_for(client, nursery, made=MadeFiles(tmp_path, disk.sync))
        turns.take(question)
        await disk.is_writing.wait()
        turns.stop(RunId("run-1"))
        given = list(answers.given)
        disk.may_go_on.set()

    assert given == answers.given == [TurnStopped("Hel")]
    assert client.cancelled == ["run-1"]


async def test_a_run_can_be_asked_for_again_right_after_it_was_stopped(
    nursery: trio.Nursery,
    autojump_clock: MockClock,  # noqa: ARG001  # time passes at once
) -> None:
    hangs = (TextDelta("Hel"), 1e9)
    desk = Desk(ScriptedClient([hangs, [TextDelta("again"), StreamFinished()]]))
    nursery.start_soon(desk.run)
    nursery.start_soon(lambda: desk.ask(turn(), name="first"))
    await settle()

    await desk.box.address.send(CancelTurn(RunId("run-1")))
    again = await desk.ask(turn(), name="again")

    assert desk.outcomes["first"] == TurnStopped("Hel")
    assert again == TurnFinished("again")


async def test_the_platform_is_told_of_a_run_that_was_given_up(
    nursery: trio.Nursery,
    autojump_clock: MockClock,  # noqa: ARG001  # time passes at once
) -> None:
    desk = Desk(ScriptedClient([(TextDelta("Hel"), 1e9)]))
    nursery.start_soon(desk.run)

    outcome = await desk.ask(turn())
    await settle()

    assert outcome == TurnFailed("Hel", FailureKind.TIMEOUT)
    assert desk.client.cancelled == ["run-1"]


async def test_the_platform_is_told_of_a_run_that_spoke_and_is_out_of_reach(
    nursery: trio.Nursery,
) -> None:
    lost = failure(FailureKind.UNREACHABLE, is_retryable=False)
    desk = Desk(ScriptedClient([(TextDelta("Hel"), lost)]))
    nursery.start_soon(desk.run)

    await desk.ask(turn())
    await settle()

    assert desk.client.cancelled == ["run-1"]


async def test_the_platform_is_not_told_of_a_run_that_it_ended_itself(
    nursery: trio.Nursery,
) -> None:
    desk = Desk(ScriptedClient([[failure(FailureKind.REJECTED, is_retryable=False)]]))
    nursery.start_soon(desk.run)

    await desk.ask(turn())
    await settle()

    assert desk.client.cancelled == []


async def test_no_log_line_holds_a_word_of_the_person_or_the_agent(
    nursery: trio.Nursery,
    autojump_clock: MockClock,  # noqa: ARG001  # time passes at once
) -> None:
    desk = Desk(ScriptedClient([[failure()], [TextDelta("apricot"), StreamFinished()]]))
    nursery.start_soon(desk.run)

    with capture_logs() as logs:
        await desk.ask(turn(text="quince"))

    assert [line["event"] for line in logs] == ["turn.started", "turn.retried", "turn.ended"]
    assert not any(word in str(logs) for word in ("apricot", "quince", "example.org"))


@define(eq=False)
class Notes:
    """A life of an actor, of which only the notes matter."""

    seen: list[str] = field(factory=list)

    def note(self, text: str) -> None:
        self.seen.append(text)

    def ready(self) -> None:
        raise NotImplementedError

    def beat(self) -> None:
        raise NotImplementedError

    def wait_began(self, wait: Wait) -> None:
        raise NotImplementedError

    def wait_ended(self, wait: Wait) -> None:
        raise NotImplementedError


@pytest.mark.parametrize(
    ("script", "label"),
    [
        ([TextDelta("Hel"), StreamFinished()], "finished"),
        ([StreamAsks("i-1", "Go on?")], "asks"),
        ([StreamStopped()], "stopped"),
        ([failure(FailureKind.FILE_LOST, is_retryable=False)], "file lost"),
    ],
)
async def test_a_turn_is_counted_by_its_outcome_and_timed(
    nursery: trio.Nursery,
    autojump_clock: MockClock,  # noqa: ARG001  # time passes at once
    script: list[StreamPart],
    label: str,
) -> None:
    desk = Desk(ScriptedClient([[3.0, *script]]))
    nursery.start_soon(desk.run)
    before = figures(label)

    await desk.ask(turn())

    after = figures(label)
    assert after[0] - before[0] == after[1] - before[1] == 1
    assert after[2] - before[2] == pytest.approx(3.0)


def figures(label: str) -> tuple[float, float, float]:
    """Turns of that outcome; turns that were timed, and their seconds together."""
    samples = {
        (sample.name, sample.labels.get("outcome")): sample.value
        for metric in (*TURNS.collect(), *TURN_SECONDS.collect())
        for sample in metric.samples
    }
    timed = (
        samples["surfaces_turn_seconds_count", None],
        samples["surfaces_turn_seconds_sum", None],
    )
    return samples.get(("surfaces_turns_total", label), 0.0), *timed


async def test_the_tree_shows_how_many_turns_are_in_hand() -> None:
    notes = Notes()
    client = ScriptedClient()
    question = Question(turn(), Shown())
    object.__setattr__(question, "reply_to", Answers())
    token = current_life.set(notes)

    async with trio.open_nursery() as nursery:
        turns_for(client, nursery).take(question)
    current_life.reset(token)

    assert notes.seen == ["turns in hand: 1", "turns in hand: 0"]
