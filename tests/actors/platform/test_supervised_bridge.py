"""The bridge and the mock under the real supervisor: what a crash leaves behind."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
import trio
from attrs import define
from trio.testing import MockClock

from actors.kernel.mailbox import Mailbox
from actors.kernel.spec import permanent
from actors.kernel.supervision import Supervisor
from actors.platform.bridge import BACKOFF, PlatformBridge
from actors.platform.mock import MockPlatformClient
from actors.platform.modes import always
from protocols.files import FileKind
from protocols.ids import RunId
from protocols.lifecycle import ActorState
from protocols.mail import CalleeDiedError
from protocols.platform import NO_DETAILS, Attachment, FailureKind, Resume, RunDetails, StreamPart
from protocols.turns import (
    CancelTurn,
    PlatformMessage,
    RunTurn,
    TurnAsks,
    TurnFailed,
    TurnFinished,
    TurnOutcome,
    TurnStopped,
)
from tests.actors.platform.local_files import is_whole, local_file
from tests.actors.platform.scripted import NO_DISK, Shown, turn
from tests.fakes import MemoryStoreAddress


@define(eq=False)
class BuggyClient(MockPlatformClient):
    """Raises what no client should where the message is poison."""

    def stream_message(
        self,
        user_id: str,
        chat_id: str,
        text: str,
        *,
        run_id: RunId,
        attachments: tuple[Attachment, ...] = (),
        resume: Resume | None = None,
        details: RunDetails = NO_DETAILS,  # noqa: ARG002  # the port's
    ) -> AsyncGenerator[StreamPart, None]:
        if "poison" in text:
            raise ZeroDivisionError
        return MockPlatformClient.stream_message(
            self, user_id, chat_id, text, run_id=run_id, attachments=attachments, resume=resume
        )


def supervised(
    client: MockPlatformClient, files: Path = NO_DISK
) -> tuple[Mailbox[PlatformMessage], Supervisor]:
    box: Mailbox[PlatformMessage] = Mailbox("platform")
    store = MemoryStoreAddress()
    bridge = permanent("platform", PlatformBridge, box, always(client), store, files)
    return box, Supervisor([bridge.with_options(backoff=BACKOFF)])


async def test_a_message_that_crashes_the_bridge_fails_and_the_others_are_asked_again(
    nursery: trio.Nursery,
    autojump_clock: MockClock,  # noqa: ARG001  # time passes at once
) -> None:
    box, supervisor = supervised(BuggyClient(latency=False))
    nursery.start_soon(supervisor.run)
    others: list[type[Exception]] = []

    async def ask_meanwhile() -> None:
        with pytest.raises(CalleeDiedError) as died:
            await box.address.ask(RunTurn(turn(2, text="mock:slow"), Shown()), within=60)
        others.append(died.type)

    nursery.start_soon(ask_meanwhile)
    await trio.sleep(1)
    outcome = await box.address.ask(RunTurn(turn(1, text="poison"), Shown()), within=60)
    again = await box.address.ask(RunTurn(turn(2, text="mock:slow"), Shown()), within=60)
    (view,) = supervisor.census()
    supervisor.stop("the test is over")

    assert outcome == TurnFailed("", FailureKind.GONE)
    assert isinstance(again, TurnFinished)
    assert others == [CalleeDiedError]
    assert view.life == 2


async def test_a_row_of_messages_that_crash_the_bridge_leaves_the_tree_alone(
    nursery: trio.Nursery,
    autojump_clock: MockClock,  # noqa: ARG001  # time passes at once
) -> None:
    box, supervisor = supervised(BuggyClient(latency=False))
    nursery.start_soon(supervisor.run)

    outcomes = [
        await box.address.ask(RunTurn(turn(number, text="poison"), Shown()), within=600)
        for number in range(20)
    ]
    healthy = await box.address.ask(RunTurn(turn(99), Shown()), within=600)
    supervisor.stop("the test is over")

    assert outcomes == [TurnFailed("", FailureKind.GONE)] * 20
    assert isinstance(healthy, TurnFinished)


async def test_a_killed_bridge_is_asked_again_and_the_agent_works_once(
    nursery: trio.Nursery,
    autojump_clock: MockClock,  # noqa: ARG001  # time passes at once
) -> None:
    client = MockPlatformClient(latency=False)
    box, supervisor = supervised(client)
    nursery.start_soon(supervisor.run)
    died = trio.Event()

    async def ask_first() -> None:
        with pytest.raises(CalleeDiedError):
            await box.address.ask(RunTurn(turn(text="mock:slow"), Shown()), within=60)
        died.set()

    nursery.start_soon(ask_first)
    await trio.sleep(5)
    supervisor.kill("platform")
    with trio.fail_after(0.01):
        await died.wait()
    outcome = await box.address.ask(RunTurn(turn(text="mock:slow"), Shown()), within=60)
    (view,) = supervisor.census()
    supervisor.stop("the test is over")

    assert isinstance(outcome, TurnFinished)
    assert (view.state, view.life, view.note) == (ActorState.UP, 2, "turns in hand: 0")
    assert (client.get_stats().requests, client.get_stats().executed) == (2, 1)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("hello", TurnFinished),
        ("mock:fail-once", TurnFinished),
        ("mock:long", TurnFinished),
        ("mock:confirm", TurnAsks),
    ],
)
async def test_a_word_has_its_outcome_through_the_whole_bridge(
    nursery: trio.Nursery,
    autojump_clock: MockClock,  # noqa: ARG001  # time passes at once
    text: str,
    expected: type[TurnOutcome],
) -> None:
    box, supervisor = supervised(MockPlatformClient())
    nursery.start_soon(supervisor.run)

    outcome = await box.address.ask(RunTurn(turn(text=text), Shown()), within=60)
    supervisor.stop("the test is over")

    assert type(outcome) is expected


@pytest.mark.parametrize(
    ("word", "kinds"),
    [
        ("mock:photo", [FileKind.PHOTO]),
        ("mock:album", [FileKind.PHOTO] * 3),
        ("mock:file", [FileKind.DOCUMENT]),
        ("mock:voice", [FileKind.VOICE]),
        ("mock:big", [FileKind.DOCUMENT]),
    ],
)
async def test_a_file_goes_to_the_agent_and_others_come_back_through_the_whole_bridge(
    nursery: trio.Nursery, tmp_path: Path, word: str, kinds: list[FileKind]
) -> None:
    box, supervisor = supervised(MockPlatformClient(latency=False), tmp_path)
    nursery.start_soon(supervisor.run)
    came = local_file(tmp_path)

    outcome = await box.address.ask(RunTurn(turn(text=word, files=(came,)), Shown()), within=60)
    supervisor.stop("the test is over")

    assert isinstance(outcome, TurnFinished)
    assert came.sha256[:12] in outcome.text
    assert [file.kind for file in outcome.files] == kinds
    assert all(is_whole(file) for file in outcome.files)


async def test_the_same_run_has_the_same_files_in_every_life(
    nursery: trio.Nursery, tmp_path: Path
) -> None:
    box, supervisor = supervised(MockPlatformClient(latency=False), tmp_path)
    nursery.start_soon(supervisor.run)

    first = await box.address.ask(RunTurn(turn(text="mock:album"), Shown()), within=60)
    supervisor.kill("platform")
    again = await box.address.ask(RunTurn(turn(text="mock:album"), Shown()), within=60)
    supervisor.stop("the test is over")

    assert isinstance(first, TurnFinished)
    assert first == again


async def test_a_hanging_agent_is_stopped_at_once_and_keeps_what_it_said(
    nursery: trio.Nursery,
    autojump_clock: MockClock,  # noqa: ARG001  # time passes at once
) -> None:
    client = MockPlatformClient()
    box, supervisor = supervised(client)
    nursery.start_soon(supervisor.run)
    stopped_at = 0.0

    async def stop() -> None:
        nonlocal stopped_at
        await trio.sleep(10)
        stopped_at = trio.current_time()
        await box.address.send(CancelTurn(RunId("run-1")))

    nursery.start_soon(stop)
    outcome = await box.address.ask(RunTurn(turn(text="mock:hang"), Shown()), within=60)
    took = trio.current_time() - stopped_at
    await trio.sleep(1)
    supervisor.stop("the test is over")

    assert outcome == TurnStopped("I begin to answer, and then")
    assert took < 0.01
    assert client.get_stats().cancelled == 1
