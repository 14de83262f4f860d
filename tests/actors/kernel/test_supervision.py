import gc
import signal
from functools import partial
from typing import Any

import pytest
import trio
import trio.testing
from attrs import define
from structlog.typing import EventDict

from actors.kernel.backoff import Backoff
from actors.kernel.child import ParkedError, ready
from actors.kernel.mailbox import Mailbox
from actors.kernel.spec import ChildSpec, permanent, temporary, transient
from actors.kernel.supervision import NEW_OBJECTS, Supervisor
from protocols.lifecycle import ActorState, Control, UnknownActorError
from protocols.mail import CalleeDiedError
from tests.actors.kernel.crew import (
    Doing,
    Doubled,
    Log,
    Said,
    Writer,
    hang,
    hang_in_start,
    hang_shielded,
    running,
)
from tests.actors.kernel.steps import run_seeded


class Diary:
    """Actors that write down when they start and end."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def actor(self, name: str) -> ChildSpec:
        async def work() -> None:
            self.lines.append(f"start {name}")
            ready()
            try:
                await trio.sleep_forever()
            finally:
                self.lines.append(f"end {name}")

        return permanent(name, Doing, work)


def failing(error: Exception) -> Doing:
    async def work() -> None:
        await trio.lowlevel.checkpoint()
        raise error

    return Doing(work)


async def test_children_start_in_order_and_stop_in_reverse(logs: list[EventDict]) -> None:
    diary = Diary()

    async with running([diary.actor(name) for name in "abc"]) as tree:
        assert diary.lines == ["start a", "start b", "start c"]

    assert diary.lines[3:] == ["end c", "end b", "end a"]
    assert tree.codes == [0]
    events = [entry["event"] for entry in logs]
    assert events == ["tree.started", "tree.stopping", "tree.stopped"]


async def test_a_child_starts_only_when_the_one_before_is_ready() -> None:
    go = trio.Event()

    async def work() -> None:
        await go.wait()
        ready()
        await trio.sleep_forever()

    async with running([permanent("a", Doing, work), permanent("b", Doing, hang)]) as tree:
        assert tree["b"].state is ActorState.WAITING
        assert tree["b"].life == 0
        go.set()
        await tree.settle()

        assert tree["b"].life == 1


async def test_a_failed_first_start_stops_what_started_and_names_child_and_cause(
    logs: list[EventDict],
) -> None:
    diary = Diary()
    specs = [
        diary.actor("a"),
        diary.actor("b"),
        permanent("c", failing, OSError(28, "No space left on device")),
        diary.actor("d"),
    ]

    code = await Supervisor(specs).run()

    assert code == 1
    assert diary.lines == ["start a", "start b", "end b", "end a"]
    failed = next(entry for entry in logs if entry["event"] == "tree.start_failed")
    assert (failed["child"], failed["cause"]) == ("c", "OSError: No space left on device")


async def test_a_permanent_child_that_returns_in_its_first_start_has_failed() -> None:
    async def work() -> None:
        """Return without being ready."""

    assert await Supervisor([permanent("a", Doing, work)]).run() == 1


async def test_others_may_return_in_their_first_start(logs: list[EventDict]) -> None:
    async def work() -> None:
        """Return without being ready."""

    specs = [transient("a", Doing, work), temporary("b", Doing, work), permanent("c", Doing, hang)]
    async with running(specs) as tree:
        assert tree["c"].state is ActorState.UP
        assert tree.paths == ["a", "c"]
    assert "tree.start_failed" not in [entry["event"] for entry in logs]


async def test_a_child_that_crashes_while_others_start_is_restarted() -> None:
    async with running([permanent("a", Doing, hang), permanent("b", Doing, hang_in_start)]) as tree:
        tree.supervisor.kill("a")
        await tree.settle()

        assert (tree["a"].state, tree["a"].life) == (ActorState.UP, 2)


async def test_a_parked_first_start_does_not_keep_the_others_from_starting() -> None:
    specs = [permanent("a", failing, ParkedError("no token")), permanent("b", Doing, hang)]
    async with running(specs) as tree:
        assert [tree[name].state for name in "ab"] == [ActorState.PARKED, ActorState.UP]


async def test_a_spent_budget_ends_the_tree_with_a_report(
    logs: list[EventDict], autojump_clock: trio.testing.MockClock
) -> None:
    diary = Diary()

    async def work() -> None:
        ready()
        await trio.sleep(1)
        raise ValueError

    spec = permanent("b", Doing, work).with_options(backoff=Backoff(first=0.0))
    code = await Supervisor([diary.actor("a"), spec], intensity=3, period=60).run()

    assert code == 70
    assert diary.lines == ["start a", "end a"]
    report = next(entry for entry in logs if entry["event"] == "tree.gave_up")
    assert (report["child"], report["cause"], report["restarts_in_window"]) == (
        "b",
        "ValueError",
        3,
    )
    assert autojump_clock.current_time() == pytest.approx(4.0)


async def test_who_is_stopped_knows_whether_the_tree_stops_and_why() -> None:
    heard: list[tuple[bool, str]] = []

    async def listen(control: Control) -> None:
        ready()
        try:
            await trio.sleep_forever()
        finally:
            heard.append((control.is_stopping, control.failure))

    async def crash() -> None:
        ready()
        await trio.lowlevel.checkpoint()
        raise ValueError

    tree = Supervisor(
        lambda control: [
            permanent("a", Doing, partial(listen, control)),
            permanent("b", Doing, crash).with_options(backoff=Backoff(first=0.0)),
        ],
        intensity=1,
    )
    await tree.run()
    async with running(lambda control: [permanent("a", Doing, partial(listen, control))]) as calm:
        calm.supervisor.kill("a")
        await calm.settle()

    assert heard == [(True, "the restart budget is spent by b"), (False, ""), (True, "")]


async def test_slow_failures_in_a_row_end_the_tree_too(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async def work() -> None:
        ready()
        await trio.sleep(1)
        raise ValueError

    assert await Supervisor([permanent("b", Doing, work)], period=1.0).run() == 70
    assert autojump_clock.current_time() > 100


async def test_a_significant_child_that_ends_stops_the_tree_in_order(
    logs: list[EventDict],
) -> None:
    go = trio.Event()

    async def work() -> None:
        ready()
        await go.wait()

    spec = transient("terminal", Doing, work).with_options(significant=True)
    async with running([permanent("a", Doing, hang), spec]) as tree:
        go.set()
        await tree.settle()

        assert tree.codes == [0]
    assert next(e["reason"] for e in logs if e["event"] == "tree.stopping") == "terminal ended"


async def test_stopping_drains_the_mailbox_before_the_deadline(
    autojump_clock: trio.testing.MockClock,
) -> None:
    box: Mailbox[Any] = Mailbox("a")
    heard: list[str] = []

    async def work() -> None:
        async for message in box:
            await trio.sleep(1)
            heard.append(message.text)

    spec = permanent("a", Doing, work, inbox=box).with_options(shutdown=2.5)
    async with running([spec]) as tree:
        for word in "abcd":
            box.put(Said(word))
        await tree.settle()
        tree.supervisor.stop("enough")
        await tree.settle()
        assert tree["a"].state is ActorState.STOPPING
        assert not box.address.try_send(Said("late"))
        tree.supervisor.kill("a")
        tree.supervisor.restart("a")
        tree.supervisor._children["a"].restart()

    assert heard == ["a", "b"]
    reasons = [letter.reason for letter in tree.supervisor.undelivered()]
    assert reasons == ["stopped", "stopped", "stopping"]
    assert autojump_clock.current_time() == pytest.approx(2.5)
    assert box.accepted == box.handled + box.lost == 4


async def test_who_asks_a_stopping_actor_is_told_at_once() -> None:
    box: Mailbox[Any] = Mailbox("a")

    async def ask() -> None:
        ready()
        with pytest.raises(CalleeDiedError):
            await box.address.ask(Doubled(1), within=3600)
        await trio.sleep_forever()

    async def keep() -> None:
        await anext(box)
        await anext(box)

    specs = [permanent("b", Doing, ask), permanent("a", Doing, keep, inbox=box)]
    async with running(specs) as tree:
        pass

    assert tree.codes == [0]


async def test_stuck_children_are_reported_while_the_stop_goes_on(
    logs: list[EventDict], autojump_clock: trio.testing.MockClock
) -> None:
    diary = Diary()
    async with running([diary.actor("a"), permanent("b", Doing, hang_shielded)]) as tree:
        tree.supervisor.stop("enough")
        await trio.sleep(60)

        assert diary.lines == ["start a", "end a"]
        assert tree["b"].state is ActorState.STUCK
        assert tree.supervisor._who_is_left() == "b is stuck"
    stuck = next(entry for entry in logs if entry["event"] == "actor.stuck")
    assert (stuck["path"], "hang_shielded" in stuck["stack"]) == ("b", True)
    assert autojump_clock.current_time() == pytest.approx(3600)


def test_the_watchdog_waits_for_the_sum_of_the_deadlines() -> None:
    specs = [permanent(n, Doing, hang).with_options(shutdown=10.0) for n in "ab"]

    assert Supervisor(specs)._longest_stop == 2 * (10 + 2) + 5


async def test_a_stop_during_the_start_stops_what_started() -> None:
    box: Mailbox[Any] = Mailbox("c")
    specs = [
        permanent("a", Doing, hang),
        permanent("b", Doing, hang_in_start),
        permanent("c", Writer, inbox=box, log=Log()),
        permanent("d", Doing, hang),
    ]
    async with running(specs) as tree:
        box.put(Said("a"))
        tree.supervisor.stop("enough")
        tree.supervisor.stop("twice")
        await tree.settle()

        assert tree.codes == [0]
    assert [tree[name].life for name in "abcd"] == [1, 1, 0, 0]
    assert [letter.reason for letter in tree.supervisor.undelivered()] == ["stopped"]


async def test_a_tree_stops_while_a_child_is_in_backoff_and_another_is_parked(
    autojump_clock: trio.testing.MockClock,
) -> None:
    box: Mailbox[Any] = Mailbox("a")
    spec = permanent("a", Writer, inbox=box, log=Log())
    specs = [
        spec.with_options(backoff=Backoff(first=600.0, longest=600.0)),
        permanent("b", failing, ParkedError("no token")),
    ]
    async with running(specs) as tree:
        for _ in range(2):
            tree.supervisor.kill("a")
            await tree.settle()
        box.put(Said("a"))
        assert tree["a"].state is ActorState.BACKOFF

    assert tree.codes == [0]
    assert autojump_clock.current_time() == 0
    assert [letter.reason for letter in tree.supervisor.undelivered()] == ["stopped"]
    assert {tree[name].state for name in "ab"} == {ActorState.ENDED}


async def test_a_cancelled_supervisor_stops_in_order() -> None:
    diary = Diary()
    supervisor = Supervisor([diary.actor("a"), diary.actor("b")])

    async with trio.open_nursery() as nursery:
        nursery.start_soon(supervisor.run)
        await trio.testing.wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()

    assert diary.lines == ["start a", "start b", "end b", "end a"]


async def test_a_signal_stops_in_order() -> None:
    async with running([permanent("a", Doing, hang)], signals=True) as tree:
        signal.raise_signal(signal.SIGTERM)
        await tree.settle()

        assert tree.codes == [0]


async def test_start_up_can_be_frozen() -> None:
    before, thresholds = gc.get_freeze_count(), gc.get_threshold()
    try:
        async with running([permanent("a", Doing, hang)], freezes=True):
            assert gc.get_freeze_count() > before
            assert gc.get_threshold() == (NEW_OBJECTS, *thresholds[1:])
    finally:
        gc.unfreeze()
        gc.set_threshold(*thresholds)


async def test_an_unknown_path_is_refused_with_some_that_are_near() -> None:
    async with running([permanent("matrix", Doing, hang), permanent("store", Doing, hang)]) as tree:
        control: Control = tree.supervisor
        with pytest.raises(UnknownActorError, match="no actor matix; near: matrix"):
            control.kill("matix")
        with pytest.raises(UnknownActorError, match=r"no actor xyz$"):
            control.restart("xyz")
        with pytest.raises(UnknownActorError):
            control.stack("matrix/room")


def test_a_tree_that_does_not_run_starts_nothing_on_command() -> None:
    supervisor = Supervisor([permanent("a", Doing, hang)])

    supervisor.restart("a")

    assert supervisor.stack("a") == "a: waiting\n"


async def test_the_mailboxes_of_a_tree_are_named_for_their_readers() -> None:
    box: Mailbox[Any] = Mailbox("x")

    async with running([permanent("writer", Writer, inbox=box, log=Log())]) as tree:
        assert box.address.reader == "writer"
        assert box.letters is tree.supervisor.letters


@define
class Alone:
    """An actor that counts how many of it run at once."""

    log: list[int]
    starts_late: bool = False

    async def run(self) -> None:
        self.log.append(1)
        assert sum(self.log) == 1, "beside itself"
        try:
            if not self.starts_late:
                ready()
            await trio.sleep_forever()
        finally:
            self.log.append(-1)


async def test_two_restarts_of_an_ended_actor_start_it_once() -> None:
    log: list[int] = []
    lives: list[int] = []

    def actor() -> Alone | Doing:
        lives.append(1)
        return Doing(trio.lowlevel.checkpoint) if len(lives) == 1 else Alone(log)

    async with running([transient("a", actor)]) as tree:
        tree.supervisor.restart("a")
        tree.supervisor.restart("a")
        await tree.settle()

        assert (tree["a"].life, sum(log)) == (2, 1)
    assert tree.codes == [0]


async def test_an_actor_that_waits_for_its_turn_to_start_is_not_started_out_of_turn() -> None:
    log: list[int] = []
    go = trio.Event()

    async def slow() -> None:
        await go.wait()
        await hang()

    async with running([permanent("a", Doing, slow), permanent("b", Alone, log)]) as tree:
        tree.supervisor.restart("b")
        await tree.settle()
        assert tree["b"].state is ActorState.WAITING
        go.set()
        await tree.settle()

        assert (tree["b"].life, sum(log)) == (1, 1)
    assert tree.codes == [0]


@pytest.mark.parametrize("seed", range(10))
def test_a_stop_right_behind_a_restart_stops(seed: int) -> None:
    lives: list[int] = []
    codes: list[int] = []

    async def work() -> None:
        lives.append(1)
        if len(lives) > 1:
            await hang()

    async def main() -> None:
        async with running([transient("a", Doing, work)]) as tree:
            tree.supervisor.restart("a")
            tree.supervisor.stop("enough")
            await trio.sleep(60)
            codes.extend(tree.codes)
            tree.supervisor._children["a"].cancel()

    run_seeded(seed, main)

    assert codes == [0]
