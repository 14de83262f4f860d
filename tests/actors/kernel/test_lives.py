from itertools import pairwise
from typing import Any

import pytest
import structlog
import trio
import trio.lowlevel
import trio.testing
from structlog.typing import EventDict

from actors.kernel.backoff import Backoff
from actors.kernel.child import ParkedError, beat, note, ready
from actors.kernel.mailbox import Mailbox
from actors.kernel.spec import ChildSpec, permanent, temporary, transient
from protocols.lifecycle import ActorState
from protocols.mail import CalleeDiedError, CalleeParkedError
from tests.actors.kernel.crew import (
    Broken,
    Doing,
    Doubled,
    Log,
    Said,
    Unanswered,
    Writer,
    hang,
    hang_in_start,
    hang_shielded,
    running,
)

SLOW = Backoff(first=10.0, jitter=0.0)


def a_writer(box: Mailbox[Any], log: Log) -> ChildSpec:
    return permanent("writer", Writer, inbox=box, log=log)


def reports(logs: list[EventDict], event: str = "actor.crashed") -> list[EventDict]:
    return [entry for entry in logs if entry["event"] == event]


async def test_a_crashed_actor_goes_on_with_its_queue_in_order(
    autojump_clock: trio.testing.MockClock,
) -> None:
    box: Mailbox[Any] = Mailbox("writer")
    log = Log()
    async with running([a_writer(box, log)], intensity=20) as tree:
        for message in (Said("a"), Broken(), Said("b"), Broken(), Said("c")):
            box.put(message)
        await trio.sleep(50)

        assert log.heard == ["a", "b", "c"]
        assert tree["writer"].life == log.lives == 7
        reasons = [letter.reason for letter in tree.supervisor.undelivered()]
        assert reasons == ["set aside after 3 crashes"] * 2
        assert autojump_clock.current_time() == 50


async def test_the_asker_of_a_crashed_actor_is_told_at_once_and_can_ask_again() -> None:
    box: Mailbox[Any] = Mailbox("writer")
    async with running([a_writer(box, Log())]) as tree:
        async with trio.open_nursery() as nursery:

            @nursery.start_soon
            async def ask() -> None:
                with pytest.raises(CalleeDiedError):
                    await box.address.ask(Unanswered(), within=3600)

            await tree.settle()
            tree.supervisor.kill("writer")

        assert await box.address.ask(Doubled(4)) == 8


async def test_a_crash_is_reported_once_with_every_fact_and_no_persons_words(
    logs: list[EventDict], autojump_clock: trio.testing.MockClock
) -> None:
    box: Mailbox[Any] = Mailbox("writer")
    log = Log()
    async with running([a_writer(box, log)]) as tree:
        await trio.sleep(5)
        box.put(Said("hello"))
        box.put(Broken())
        box.put(Said("after"))
        await tree.settle()

    report = reports(logs)[0]
    assert report["error"] == "ValueError"
    assert report["errors"][0]["frames"][-1].endswith(" in Writer.run")
    assert {k: report[k] for k in ("path", "life", "in_hand", "in_hand_id", "uptime")} == {
        "path": "writer",
        "life": 1,
        "in_hand": "Broken",
        "in_hand_id": "7",
        "uptime": 5.0,
    }
    assert report["last_kinds"] == ["Said", "Broken"]
    assert (report["mailbox"], report["restarts"], report["restarts_in_window"]) == (1, 0, 1)
    assert report["next_action"] == "restart in 0.00 s"
    assert "words" not in str(logs)
    assert "hello" not in str(logs)
    assert autojump_clock.current_time() >= 5


async def test_delays_grow_and_start_over_after_a_stable_life(
    autojump_clock: trio.testing.MockClock,
) -> None:
    starts: list[float] = []
    lengths = [0.0, 0.0, 0.0, 100.0, 0.0, 1000.0]

    async def work() -> None:
        starts.append(autojump_clock.current_time())
        ready()
        await trio.sleep(lengths[len(starts) - 1])
        raise ValueError

    backoff = Backoff(first=1.0, jitter=0.0, stable_after=60.0)
    async with running([permanent("a", Doing, work).with_options(backoff=backoff)]):
        await trio.sleep(200)

    gaps = [b - a for a, b in pairwise(starts)]
    assert gaps == pytest.approx([0.0, 1.0, 2.0, 100.0, 1.0])


async def test_an_hour_of_backoff_never_exceeds_the_longest_delay(
    autojump_clock: trio.testing.MockClock,
) -> None:
    starts: list[float] = []

    async def work() -> None:
        starts.append(autojump_clock.current_time())
        await trio.lowlevel.checkpoint()
        raise ValueError

    box: Mailbox[Any] = Mailbox("a")
    log = Log()
    specs = [a_writer(box, log), permanent("b", Doing, hang)]
    async with running(specs, intensity=10**6) as tree:
        broken = tree.supervisor._children["b"]
        object.__setattr__(broken.spec, "make", lambda: Doing(work))
        tree.supervisor.kill("b")
        await trio.sleep(120)
        assert tree["b"].state is ActorState.BACKOFF
        assert tree["b"].waits_for.startswith("backoff ")
        assert await box.address.ask(Doubled(1)) == 2

    gaps = [b - a for a, b in pairwise(starts)]
    assert max(gaps) <= 36.0


async def test_restart_now_ends_the_backoff(autojump_clock: trio.testing.MockClock) -> None:
    box: Mailbox[Any] = Mailbox("writer")
    log = Log()
    spec = a_writer(box, log).with_options(backoff=SLOW)
    async with running([spec]) as tree:
        tree.supervisor.kill("writer")
        await tree.settle()
        tree.supervisor.kill("writer")
        await tree.settle()
        assert tree["writer"].state == "backoff"
        assert tree["writer"].waits_for == "backoff 10.0 s"
        tree.supervisor.kill("writer")
        began = autojump_clock.current_time()

        tree.supervisor.restart("writer")
        await tree.settle()

        assert tree["writer"].state is ActorState.UP
        assert autojump_clock.current_time() == began


async def test_a_restart_on_command_ends_at_a_message_and_costs_no_budget() -> None:
    box: Mailbox[Any] = Mailbox("writer")
    log = Log()
    async with running([a_writer(box, log)], intensity=0) as tree:
        box.put(Said("a"))
        tree.supervisor.restart("writer")
        box.put(Said("b"))
        await tree.settle()
        await tree.settle()

        assert (tree["writer"].life, tree["writer"].restarts) == (2, 1)
        assert log.heard == ["a", "b"]


async def test_a_hanging_start_can_be_restarted_stopped_and_seen() -> None:
    starts: list[int] = []

    async def work() -> None:
        starts.append(1)
        await trio.sleep_forever()

    async with running([permanent("a", Doing, hang), permanent("b", Doing, work)]) as tree:
        assert tree["b"].state is ActorState.STARTING
        tree.supervisor.restart("b")
        await tree.settle()

        assert (tree["b"].life, len(starts)) == (2, 2)

    assert tree.codes == [0]


async def test_an_actor_that_hangs_is_cancelled_at_its_deadline_and_restarted(
    autojump_clock: trio.testing.MockClock,
) -> None:
    box: Mailbox[Any] = Mailbox("a")
    began: list[float] = []

    async def work() -> None:
        ready()
        began.append(autojump_clock.current_time())
        if len(began) == 1:
            await anext(box)
            await trio.sleep_forever()
        assert (await anext(box)).text == "a"
        await trio.sleep_forever()

    spec = permanent("a", Doing, work, inbox=box).with_options(shutdown=3.0)
    async with running([spec]) as tree:
        box.put(Said("a"))
        await tree.settle()
        tree.supervisor.restart("a")
        tree.supervisor.restart("a")
        await trio.sleep(4)

        assert began == pytest.approx([0.0, 3.0])
        assert tree["a"].in_hand == "Said"


async def test_a_stuck_actor_is_reported_with_its_stack_and_never_runs_twice(
    logs: list[EventDict], autojump_clock: trio.testing.MockClock
) -> None:
    now_running = 0
    most = 0

    async def work() -> None:
        nonlocal now_running, most
        now_running += 1
        most = max(most, now_running)
        try:
            await hang_shielded()
        finally:
            now_running -= 1

    async with running([permanent("a", Doing, work), permanent("b", Doing, hang)]) as tree:
        tree.supervisor.kill("a")
        await trio.sleep(10)
        assert tree["a"].state is ActorState.STUCK
        assert "hang_shielded" in tree.supervisor.stack("a")
        tree.supervisor.restart("a")
        await trio.sleep(3600)
        assert tree["a"].life == 2

        tree.supervisor.restart("a")
        await trio.sleep(10)
        tree.supervisor._children["a"].mark_stuck()
        tree.supervisor.kill("a")
        await trio.sleep(3600)

        assert tree["a"].life == 3
        tree.supervisor.restart("a")
        await trio.sleep(10)

    assert most == 1
    assert all("hang_shielded" in entry["stack"] for entry in reports(logs, "actor.stuck"))
    assert tree.codes == [0]
    assert autojump_clock.current_time() > 7200


async def test_a_killed_actor_crashes_where_it_stands_and_is_back_at_once(
    logs: list[EventDict],
) -> None:
    box: Mailbox[Any] = Mailbox("writer")
    log = Log()
    async with running([a_writer(box, log), permanent("b", Doing, hang)]) as tree:
        tree.supervisor.kill("writer")
        await tree.settle()

        assert tree["writer"].last_error == "KilledError: killed by the operator"
        assert [tree[name].life for name in ("writer", "b")] == [2, 1]
        assert tree["writer"].state is ActorState.UP
    assert len(reports(logs)) == 1


async def test_a_kill_that_meets_a_return_is_no_second_crash(logs: list[EventDict]) -> None:
    go_on = trio.Event()

    async def work() -> None:
        ready()
        with trio.CancelScope(shield=True):
            await go_on.wait()

    async with running([permanent("a", Doing, work)]) as tree:
        tree.supervisor.kill("a")
        await tree.settle()
        go_on.set()
        await tree.settle()

        assert tree["a"].life > 1
        tree.supervisor.stop("enough")
    assert reports(logs)[0]["error"] == "ended by itself"


async def test_a_parked_actor_is_shown_with_its_reason_and_restarted_on_command(
    logs: list[EventDict],
) -> None:
    box: Mailbox[Any] = Mailbox("a")
    lives: list[int] = []

    async def work() -> None:
        lives.append(1)
        if len(lives) == 1:
            raise ParkedError("token refused: set MATRIX_ACCESS_TOKEN")
        async for _ in box:
            pass

    specs = [permanent("a", Doing, work, inbox=box), permanent("b", Doing, hang)]
    async with running(specs) as tree:
        assert tree["a"].state == "parked"
        assert tree["a"].note == "token refused: set MATRIX_ACCESS_TOKEN"
        assert tree["b"].state is ActorState.UP
        with pytest.raises(CalleeParkedError, match="parked: token refused"):
            await box.address.ask(Doubled(1))

        tree.supervisor.restart("a")
        await tree.settle()

        assert tree["a"].state is ActorState.UP
        assert box.address.try_send(Said("a"))
    assert len(reports(logs, "actor.parked")) == 1
    assert reports(logs) == []


async def test_a_parked_actor_without_a_mailbox_stops_with_the_tree() -> None:
    async def work() -> None:
        await trio.lowlevel.checkpoint()
        raise ParkedError("no")

    async with running([permanent("a", Doing, work)]) as tree:
        assert tree["a"].state is ActorState.PARKED

    assert tree.codes == [0]


async def test_an_actor_that_parks_while_it_stops_has_stopped() -> None:
    box: Mailbox[Any] = Mailbox("a")

    async def work() -> None:
        async for _ in box:
            pass
        raise ParkedError("too late")

    async with running([permanent("a", Doing, work, inbox=box)]) as tree:
        tree.supervisor.stop("enough")

    assert tree["a"].state is ActorState.ENDED


async def test_a_permanent_actor_that_returns_is_restarted_like_after_a_crash(
    logs: list[EventDict], autojump_clock: trio.testing.MockClock
) -> None:
    async def work() -> None:
        ready()
        await trio.lowlevel.checkpoint()

    async with running([permanent("a", Doing, work)]) as tree:
        await trio.sleep(0.05)
        assert tree["a"].last_error == "ended by itself"
        assert tree["a"].life == 2

    assert reports(logs)[0]["next_action"] == "restart in 0.00 s"
    assert autojump_clock.current_time() < 1


async def test_a_transient_actor_that_returns_stays_ended_until_it_is_restarted() -> None:
    box: Mailbox[Any] = Mailbox("a")

    async def work() -> None:
        await anext(box)

    async with running([transient("a", Doing, work, inbox=box)]) as tree:
        box.put(Said("a"))
        await tree.settle()
        assert tree["a"].state is ActorState.ENDED
        assert not box.address.try_send(Said("b"))
        assert tree.supervisor.stack("a") == "a: ended\n"
        tree.supervisor.kill("a")

        tree.supervisor.restart("a")
        await tree.settle()

        assert (tree["a"].state, tree["a"].life) == (ActorState.UP, 2)
        assert [u.reason for u in tree.supervisor.undelivered()] == ["ended"]


async def test_a_temporary_actor_that_crashed_leaves_the_tree() -> None:
    crash = trio.Event()

    async def work() -> None:
        ready()
        await crash.wait()
        raise ValueError

    async with running([temporary("a", Doing, work), permanent("b", Doing, hang)]) as tree:
        crash.set()
        await tree.settle()

        assert tree.paths == ["b"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
async def test_a_foreign_exception_stops_the_tree_in_order(
    error: type[BaseException], logs: list[EventDict]
) -> None:
    ended: list[str] = []
    go = trio.Event()

    async def fail() -> None:
        ready()
        await go.wait()
        raise error

    async def work() -> None:
        ready()
        try:
            await trio.sleep_forever()
        finally:
            ended.append("a")

    async with running([permanent("a", Doing, work), permanent("b", Doing, fail)]) as tree:
        go.set()
        await tree.settle()

    assert (tree.codes, ended) == ([0], ["a"])
    assert reports(logs)[0]["next_action"] == "the tree stops in order"
    assert reports(logs, "tree.stopping")[0]["reason"] == f"{error.__name__} in b"


async def test_what_an_actor_says_of_itself_stands_in_the_tree() -> None:
    async def work() -> None:
        ready()
        note("last sync 12:00:03")
        await trio.sleep_forever()

    async with running([permanent("a", Doing, work)]) as tree:
        assert tree["a"].note == "last sync 12:00:03"


async def test_the_last_beat_is_known_over_a_crash_and_none_before_the_first(
    autojump_clock: trio.testing.MockClock,  # noqa: ARG001  # time passes at once
) -> None:
    go = trio.Event()

    async def work() -> None:
        ready()
        if not go.is_set():
            await go.wait()
            beat()
            await trio.sleep(10)
            raise ValueError
        await trio.sleep_forever()

    async with running([permanent("a", Doing, work)]) as tree:
        before = tree["a"].beat_age
        go.set()
        await trio.sleep(60)

        assert (before, tree["a"].beat_age, tree["a"].life) == (None, 60.0, 2)


async def test_a_life_begins_without_the_log_context_of_the_last_one() -> None:
    seen: list[dict[str, Any]] = []

    async def work() -> None:
        seen.append(dict(structlog.contextvars.get_contextvars()))
        structlog.contextvars.bind_contextvars(trace="t1")
        ready()
        await trio.sleep_forever()

    async with running([permanent("a", Doing, work)]) as tree:
        tree.supervisor.kill("a")
        await tree.settle()

    assert seen == [{}, {}]


async def test_a_crash_out_of_a_nursery_reports_every_leaf(logs: list[EventDict]) -> None:
    async def fail(error: Exception) -> None:
        error.__context__ = KeyError("words")
        await trio.lowlevel.cancel_shielded_checkpoint()
        raise error

    lives: list[int] = []

    async def work() -> None:
        ready()
        lives.append(1)
        if len(lives) > 1:
            await trio.sleep_forever()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(fail, ValueError("words"))
            nursery.start_soon(fail, OSError(28, "No space left"))

    async with running([permanent("a", Doing, work)]):
        pass

    (report,) = reports(logs)
    told = sorted((leaf["error"], leaf["cause"]) for leaf in report["errors"])
    assert told == [("OSError: No space left on device", "KeyError"), ("ValueError", "KeyError")]
    assert "words" not in str(report)


async def test_a_crash_while_stopping_is_reported_and_the_stop_goes_on(
    logs: list[EventDict],
) -> None:
    async def work() -> None:
        ready()
        try:
            await trio.sleep_forever()
        finally:
            raise ValueError

    async with running([permanent("a", Doing, hang), permanent("b", Doing, work)]) as tree:
        pass

    assert tree.codes == [0]
    assert reports(logs)[0]["next_action"] == "the stop goes on"


async def test_a_start_that_hangs_in_a_restart_does_not_touch_the_others() -> None:
    box: Mailbox[Any] = Mailbox("writer")
    specs = [a_writer(box, Log()), permanent("b", Doing, hang)]
    async with running(specs) as tree:
        spec = tree.supervisor._children["b"].spec
        object.__setattr__(spec, "make", lambda: Doing(hang_in_start))
        tree.supervisor.kill("b")
        await tree.settle()

        assert tree["b"].state is ActorState.STARTING
        assert await box.address.ask(Doubled(2)) == 4
    assert tree.codes == [0]


async def test_a_cancellation_kept_from_earlier_crashes_its_actor_only(
    logs: list[EventDict],
) -> None:
    kept: list[trio.Cancelled] = []

    async def work() -> None:
        ready()
        if kept:
            await trio.sleep_forever()
        with trio.CancelScope() as scope:
            scope.cancel()
            try:
                await trio.lowlevel.checkpoint()
            except trio.Cancelled as error:
                kept.append(error)
                raise
        raise kept[0]

    async with running([permanent("a", Doing, hang), permanent("b", Doing, work)]) as tree:
        await tree.settle()
        assert [(tree[name].state, tree[name].life) for name in "ab"] == [("up", 1), ("up", 2)]
    assert tree.codes == [0]
    assert [report["error"] for report in reports(logs)] == ["StrayCancelledError"]


async def test_the_foreign_exception_of_a_group_is_named(logs: list[EventDict]) -> None:
    async def work() -> None:
        ready()
        await trio.lowlevel.checkpoint()
        raise BaseExceptionGroup("", [ValueError(), KeyboardInterrupt()])

    async with running([permanent("a", Doing, work)]):
        pass

    assert reports(logs, "tree.stopping")[0]["reason"] == "KeyboardInterrupt in a"
