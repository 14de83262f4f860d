from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
import trio
from attrs import define, evolve
from trio.abc import Instrument
from trio.testing import MockClock

from actors.kernel.mailbox import Mailbox
from actors.platform.bridge import PlatformBridge
from actors.platform.modes import always
from actors.platform.turn import MOST_AT_ONCE
from actors.words import Word
from actors.words.russian import RUSSIAN
from protocols.changes import AddOutgoing, FinishRow, QueueRow, StartRow
from protocols.ids import EventId, PersonId, RoomId, RowId, RunId, SlotId, SurfaceName, TraceId
from protocols.journal import Arrival, Exchange, RowState, Voice
from protocols.mail import CalleeDiedError
from protocols.platform import (
    Attachment,
    FailureKind,
    PlatformClient,
    SettingsAction,
    StreamFinished,
    TextDelta,
    UserSettings,
)
from protocols.store import Commit, Journal
from protocols.turns import (
    CancelTurn,
    ChangeSettings,
    FetchSettings,
    PlatformMessage,
    TurnFailed,
    TurnFinished,
    TurnStopped,
)
from tests.actors.platform.scripted import (
    HELLO,
    NO_DISK,
    Desk,
    Restarting,
    ScriptedClient,
    Shown,
    Step,
    failure,
    settle,
    turn,
)
from tests.fakes import MemoryStoreAddress

MATRIX = SurfaceName("matrix")
ME = PersonId("matrix:@me:example.org")
SLOW_HELLO = (TextDelta("Hel"), 50.0, TextDelta("lo"), StreamFinished())
HANGS = (TextDelta("Hel"), 1e9)
FLOOD: tuple[Step, ...] = (*[TextDelta("x")] * 20_000, StreamFinished())


def write(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"hal")


def names_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


async def test_a_turn_is_answered_with_the_whole_text(nursery: trio.Nursery) -> None:
    desk = Desk(ScriptedClient())
    nursery.start_soon(desk.run)
    shown = Shown()

    outcome = await desk.ask(turn(), shown=shown)

    assert outcome == TurnFinished("Hello")
    assert shown.texts == ["Hel", "Hello"]


async def test_the_platform_is_asked_for_the_person_by_their_native_id(
    nursery: trio.Nursery,
) -> None:
    desk = Desk(ScriptedClient())
    nursery.start_soon(desk.run)

    await desk.ask(turn())

    assert desk.client.users_asked == [("@me:example.org", "matrix", "Me")]
    assert desk.client.streamed == [("u-@me:example.org", "C1", "hi", RunId("run-1"), None)]


async def test_files_of_the_agent_stand_in_a_folder_of_their_own(
    nursery: trio.Nursery, tmp_path: Path
) -> None:
    left = tmp_path / "made" / ".run-0-0.x7.part"
    write(left)
    notes = Attachment("notes.txt", "text/plain", 2, data=b"hi")
    desk = Desk(ScriptedClient([[StreamFinished((notes,))]]), files=tmp_path)
    nursery.start_soon(desk.run)

    outcome = await desk.ask(turn())

    assert isinstance(outcome, TurnFinished)
    assert [file.path for file in outcome.files] == [str(tmp_path / "made" / "run-1-0")]
    assert names_in(tmp_path / "made") == ["run-1-0"]


async def test_an_agent_that_keeps_no_history_is_handed_what_was_said_before(
    nursery: trio.Nursery,
) -> None:
    desk = Desk(ScriptedClient(history_chars=1000))
    row = talk(desk.store)
    nursery.start_soon(desk.run)

    await desk.ask(evolve(turn(), row=row))

    (details,) = desk.client.details
    assert details.history == (Exchange("first", "answer to first"),)


def talk(store: MemoryStoreAddress) -> RowId:
    """Let a person be answered, and write again; the row of that."""
    said = [
        Arrival(
            EventId(f"${text}"),
            RoomId("matrix/!a:example.org"),
            ME,
            "Me",
            sent_at=0.0,
            trace=TraceId("0" * 32),
            text=text,
        )
        for text in ("first", "second")
    ]
    first, second = store.tell(Journal(MATRIX, tuple(said))).rows
    for row in (first, second):
        store.tell(Commit((QueueRow(row.id, SlotId("C1"), RunId(f"run-{row.id}")),)))
    answer = AddOutgoing(first.room, Voice.AGENT, "answer to first", first.id)
    store.tell(Commit((StartRow(first.id), FinishRow(first.id, RowState.ANSWERED), answer)))
    return second.id


async def test_an_agent_that_keeps_the_history_itself_is_handed_none(
    nursery: trio.Nursery,
) -> None:
    desk = Desk(ScriptedClient())
    row = talk(desk.store)
    nursery.start_soon(desk.run)

    await desk.ask(evolve(turn(), row=row))

    assert [details.history for details in desk.client.details] == [()]


async def test_a_store_that_restarts_while_the_history_is_asked_for_is_waited_for(
    nursery: trio.Nursery,
    autojump_clock: MockClock,  # noqa: ARG001  # time passes at once
) -> None:
    store = Restarting(deaths=3)
    desk = Desk(ScriptedClient(history_chars=1000), store=store)
    row = talk(store)
    nursery.start_soon(desk.run)

    outcome = await desk.ask(evolve(turn(), row=row))

    assert outcome == TurnFinished("Hello")
    assert len(desk.client.details[0].history) == 1


async def test_a_store_that_stays_away_ends_the_turn_within_the_idle_limit(
    nursery: trio.Nursery,
    autojump_clock: MockClock,  # noqa: ARG001  # time passes at once
) -> None:
    desk = Desk(ScriptedClient(history_chars=1000), store=Restarting(deaths=10**6))
    nursery.start_soon(desk.run)

    outcome = await desk.ask(turn())

    assert outcome == TurnFailed("", FailureKind.TIMEOUT)
    assert trio.current_time() == pytest.approx(60)


async def test_turns_run_side_by_side(
    nursery: trio.Nursery,
    autojump_clock: MockClock,  # noqa: ARG001  # time passes at once
) -> None:
    desk = Desk(ScriptedClient([SLOW_HELLO, HELLO]))
    nursery.start_soon(desk.run)
    nursery.start_soon(desk.ask, turn(1))
    await settle()

    outcome = await desk.ask(turn(2))

    assert outcome == TurnFinished("Hello")
    assert "run-1" not in desk.outcomes


async def test_a_stopped_turn_is_answered_at_once_with_what_came(
    nursery: trio.Nursery,
    autojump_clock: MockClock,  # noqa: ARG001  # time passes at once
) -> None:
    desk = Desk(ScriptedClient([HANGS], small_call=2.0))
    nursery.start_soon(desk.run)
    nursery.start_soon(desk.ask, turn())
    await trio.sleep(10)

    await desk.box.address.send(CancelTurn(RunId("run-1")))
    await settle()

    assert desk.outcomes == {"run-1": TurnStopped("Hel")}
    assert desk.answered_at["run-1"] == trio.current_time()
    assert desk.client.cancelled == ["run-1"]
    assert desk.client.open_streams == 0


async def test_an_unknown_run_is_still_cancelled_at_the_platform(nursery: trio.Nursery) -> None:
    desk = Desk(ScriptedClient())
    nursery.start_soon(desk.run)

    await desk.box.address.send(CancelTurn(RunId("run-of-an-earlier-life")))
    await settle()

    assert desk.client.cancelled == ["run-of-an-earlier-life"]


@pytest.mark.parametrize("small_call", [1e9, failure()])
async def test_a_cancel_that_the_platform_does_not_take_harms_nobody(
    autojump_clock: MockClock,  # noqa: ARG001  # time passes at once
    small_call: float | Exception,
) -> None:
    desk = Desk(ScriptedClient(small_call=small_call))
    await desk.box.address.send(CancelTurn(RunId("run-1")))
    desk.box.close()

    await desk.run()

    assert trio.current_time() <= 10


async def test_a_repeated_question_takes_over_the_running_turn(
    nursery: trio.Nursery,
    autojump_clock: MockClock,  # noqa: ARG001  # time passes at once
) -> None:
    desk = Desk(ScriptedClient([SLOW_HELLO]))
    nursery.start_soon(desk.run)
    first, second = Shown(), Shown()
    with trio.move_on_after(10):
        await desk.ask(turn(), name="first", shown=first)

    outcome = await desk.ask(turn(), name="second", shown=second)

    assert outcome == TurnFinished("Hello")
    assert (first.texts, second.texts) == (["Hel"], ["Hel", "Hello"])
    assert len(desk.client.streamed) == 1


async def test_the_asker_that_was_taken_over_is_not_left_waiting(
    nursery: trio.Nursery,
    autojump_clock: MockClock,  # noqa: ARG001  # time passes at once
) -> None:
    desk = Desk(ScriptedClient([SLOW_HELLO]))
    nursery.start_soon(desk.run)
    nursery.start_soon(lambda: desk.ask(turn(), name="first"))
    await trio.sleep(10)

    await desk.ask(turn(), name="second")

    assert desk.outcomes == {
        "first": TurnFailed("Hel", FailureKind.GONE),
        "second": TurnFinished("Hello"),
    }
    assert desk.late_answers == 0


async def test_a_turn_past_the_limit_waits_in_order_and_says_so(
    nursery: trio.Nursery,
    autojump_clock: MockClock,  # noqa: ARG001  # time passes at once
) -> None:
    desk = Desk(ScriptedClient([SLOW_HELLO]), max_turns=1)
    nursery.start_soon(desk.run)
    waiting = Shown()
    for number in range(1, 6):
        nursery.start_soon(lambda n: desk.ask(turn(n), shown=waiting if n == 3 else None), number)
        await settle()

    await trio.sleep(300)

    assert [run_id for _, _, _, run_id, _ in desk.client.streamed] == [
        f"run-{n}" for n in range(1, 6)
    ]
    assert desk.client.most_open_streams == 1
    assert waiting.statuses == [
        "Waiting for other answers to end; before yours: 1",
        "Waiting for other answers to end",
        *[""] * 3,
    ]
    assert set(desk.outcomes.values()) == {TurnFinished("Hello")}


async def test_who_waits_is_told_so_in_their_language(
    nursery: trio.Nursery,
    autojump_clock: MockClock,  # noqa: ARG001  # time passes at once
) -> None:
    desk = Desk(ScriptedClient([SLOW_HELLO]), max_turns=1)
    nursery.start_soon(desk.run)
    waiting = Shown()
    nursery.start_soon(desk.ask, turn(1))
    await settle()

    await desk.ask(turn(2, language="ru"), shown=waiting)

    assert waiting.statuses[0] == RUSSIAN[Word.DRAFT_WAITS]


async def test_a_waiting_turn_can_be_stopped(
    nursery: trio.Nursery,
    autojump_clock: MockClock,  # noqa: ARG001  # time passes at once
) -> None:
    desk = Desk(ScriptedClient([SLOW_HELLO]), max_turns=1)
    nursery.start_soon(desk.run)
    nursery.start_soon(desk.ask, turn(1))
    await settle()
    nursery.start_soon(desk.ask, turn(2))
    await settle()

    await desk.box.address.send(CancelTurn(RunId("run-2")))
    await settle()

    assert desk.outcomes == {"run-2": TurnStopped("")}


async def test_running_turns_may_end_when_the_inbox_is_closed_and_waiting_ones_do_not_start(
    autojump_clock: MockClock,  # noqa: ARG001  # time passes at once
) -> None:
    desk = Desk(ScriptedClient([SLOW_HELLO]), max_turns=1)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(desk.run)
        for number in (1, 2):
            nursery.start_soon(desk.ask, turn(number))
            await settle()
        desk.box.close()

    assert desk.outcomes["run-1"] == TurnFinished("Hello")
    assert isinstance(desk.outcomes["run-2"], CalleeDiedError)
    assert len(desk.client.streamed) == 1


async def test_a_bug_in_a_client_crashes_the_bridge_and_the_askers_hear_it_at_once(
    nursery: trio.Nursery,
) -> None:
    desk = Desk(ScriptedClient([HANGS, [ValueError("a bug")]]))
    nursery.start_soon(desk.ask, turn(1))
    await settle()
    nursery.start_soon(desk.ask, turn(2))

    with pytest.RaisesGroup(ValueError):
        await desk.run()
    await settle()

    assert isinstance(desk.outcomes["run-1"], CalleeDiedError)
    assert desk.outcomes["run-2"] == TurnFailed("", FailureKind.GONE)
    assert desk.client.open_streams == 0


async def test_the_client_is_opened_for_each_life_and_closed_with_it() -> None:
    steps: list[str] = []

    class Opened:
        async def __aenter__(self) -> PlatformClient:
            steps.append("opened")
            return ScriptedClient()

        async def __aexit__(self, *_: object) -> None:
            steps.append("closed")

    def open_client() -> AbstractAsyncContextManager[PlatformClient]:
        return Opened()

    box: Mailbox[PlatformMessage] = Mailbox("platform")
    box.close()

    for _ in range(2):
        await PlatformBridge(box, open_client, MemoryStoreAddress(), NO_DISK).run()

    assert steps == ["opened", "closed"] * 2


async def test_settings_are_fetched_and_changed(nursery: trio.Nursery) -> None:
    desk = Desk(ScriptedClient())
    nursery.start_soon(desk.run)
    action = SettingsAction("toggle_skill", {"skill": "code"})

    fetched = await desk.box.address.ask(FetchSettings(MATRIX, ME))
    changed = await desk.box.address.ask(ChangeSettings(MATRIX, ME, action))

    assert fetched == UserSettings({"of": True}, "u-@me:example.org")
    assert changed == UserSettings({"toggle_skill": True}, "u-@me:example.org")
    assert desk.client.users_asked == [("@me:example.org", "matrix", "")]


async def test_settings_that_fail_are_answered_with_why_and_not_tried_again(
    nursery: trio.Nursery,
) -> None:
    desk = Desk(ScriptedClient(small_call=failure(FailureKind.UNAUTHORIZED)))
    nursery.start_soon(desk.run)

    answer = await desk.box.address.ask(ChangeSettings(MATRIX, ME, SettingsAction("reset")))

    assert answer == TurnFailed("", FailureKind.UNAUTHORIZED)
    assert len(desk.client.users_asked) == 1


async def test_settings_that_hang_are_answered_before_the_question_ends(
    nursery: trio.Nursery,
    autojump_clock: MockClock,  # noqa: ARG001  # time passes at once
) -> None:
    desk = Desk(ScriptedClient(small_call=1e9))
    nursery.start_soon(desk.run)

    answer = await desk.box.address.ask(FetchSettings(MATRIX, ME))

    assert answer == TurnFailed("", FailureKind.TIMEOUT)


async def _go_on(desk: Desk, steps: int) -> None:
    """Let *steps* pass since the first question was queued."""
    await desk.has_asked.wait()
    for _ in range(steps):
        await trio.lowlevel.checkpoint()


async def _stop_after(steps: int, desk: Desk) -> None:
    await _go_on(desk, steps)
    await desk.box.address.send(CancelTurn(RunId("run-1")))
    desk.box.close()


@pytest.mark.parametrize("steps", range(30))
async def test_a_turn_stopped_at_any_step_has_exactly_one_answer(steps: int) -> None:
    desk = Desk(ScriptedClient([HELLO]))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(desk.run)
        nursery.start_soon(desk.ask, turn())
        nursery.start_soon(_stop_after, steps, desk)

    outcome = desk.outcomes["run-1"]
    assert outcome == TurnFinished("Hello") or (
        isinstance(outcome, TurnStopped) and "Hello".startswith(outcome.text)
    )
    assert (desk.late_answers, desk.client.open_streams) == (0, 0)


async def _live(desk: Desk, life: trio.CancelScope) -> None:
    with life:
        await desk.run()


@pytest.mark.parametrize("steps", range(30))
async def test_a_bridge_cancelled_at_any_step_leaves_no_task_and_no_open_question(
    steps: int,
) -> None:
    desk = Desk(ScriptedClient([HELLO]))
    life = trio.CancelScope()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(_live, desk, life)
        nursery.start_soon(desk.ask, turn())
        await _go_on(desk, steps)
        life.cancel()
        await settle()
        desk.box.bury("ended")

    outcome = desk.outcomes["run-1"]
    assert outcome == TurnFinished("Hello") or isinstance(outcome, CalleeDiedError)
    assert (desk.late_answers, desk.client.open_streams) == (0, 0)


@pytest.mark.parametrize("steps", range(30))
async def test_a_question_repeated_at_any_step_is_answered_once_and_to_the_newest(
    steps: int,
) -> None:
    desk = Desk(ScriptedClient([HELLO]))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(desk.run)
        nursery.start_soon(lambda: desk.ask(turn(), name="first"))
        await _go_on(desk, steps)
        newest = await desk.ask(turn(), name="newest")
        desk.box.close()

    assert newest == TurnFinished("Hello")
    assert set(desk.outcomes) == {"first", "newest"}
    assert (desk.late_answers, desk.client.open_streams) == (0, 0)


@define(eq=False)
class Rounds(Instrument):
    """Counts how often the loop has gone round."""

    count: int = 0

    def before_io_wait(self, timeout: float) -> None:  # noqa: ARG002  # trio's
        self.count += 1


async def _rounds_of_a_turn(desk: Desk) -> int:
    rounds = Rounds()
    trio.lowlevel.add_instrument(rounds)
    try:
        assert await desk.ask(turn(2)) == TurnFinished("Hello")
    finally:
        trio.lowlevel.remove_instrument(rounds)
    return rounds.count


async def test_a_stream_that_never_pauses_costs_other_chats_no_round_of_the_loop(
    nursery: trio.Nursery,
) -> None:
    quiet, busy = Desk(ScriptedClient([HELLO])), Desk(ScriptedClient([FLOOD, HELLO]))
    for desk in (quiet, busy):
        nursery.start_soon(desk.run)
        await settle()
    alone = await _rounds_of_a_turn(quiet)
    flooded = Shown()
    nursery.start_soon(lambda: busy.ask(turn(1), shown=flooded))
    await _go_on(busy, steps=9)
    had_come = len(flooded.seen)

    beside = await _rounds_of_a_turn(busy)

    assert had_come > 0
    assert "run-1" not in busy.outcomes
    assert beside <= alone
    assert len(flooded.seen) - had_come <= MOST_AT_ONCE * (beside + 1)


def test_the_mock_bridge_needs_no_more_than_an_inbox_a_client_and_a_folder() -> None:
    box: Mailbox[PlatformMessage] = Mailbox("platform")

    bridge = PlatformBridge(box, always(ScriptedClient()), MemoryStoreAddress(), NO_DISK)

    assert (bridge.idle_limit, bridge.max_turns) == (60.0, 100)
