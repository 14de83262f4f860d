import gc
import time
from typing import Any

import pytest
import trio
import trio.testing

from actors.kernel.census import tree_text
from actors.kernel.child import note, ready
from actors.kernel.mailbox import Mailbox
from actors.kernel.pool import Pool
from actors.kernel.spec import permanent
from protocols.lifecycle import ActorState, ActorView
from tests.actors.kernel.crew import Doing, Log, Said, Unanswered, Writer, hang, running


async def test_a_view_tells_all_that_is_known_of_an_actor(
    autojump_clock: trio.testing.MockClock,
) -> None:
    box: Mailbox[Any] = Mailbox("a", capacity=4)

    async def work() -> None:
        note("busy")
        await anext(box)
        await anext(box)
        await trio.sleep(1000)

    async with running([permanent("a", Doing, work, inbox=box)]) as tree:
        box.put(Said("1"))
        await trio.sleep(10)
        box.put(Said("2"))
        box.put(Said("3"))
        await trio.sleep(5)

        assert tree["a"] == ActorView(
            path="a",
            role="Doing",
            state=ActorState.UP,
            life=1,
            restarts=0,
            uptime=15.0,
            used=1,
            capacity=4,
            peak=1,
            oldest_age=5.0,
            in_hand="Said",
            in_hand_age=5.0,
            handled=1,
            last_error="",
            waits_for="",
            note="busy",
        )
        tree.supervisor.kill("a")
        assert autojump_clock.current_time() == 15


async def test_who_waits_for_mail_waits_for_its_inbox() -> None:
    box: Mailbox[Any] = Mailbox("a")
    async with running([permanent("a", Writer, inbox=box, log=Log())]) as tree:
        assert tree["a"].waits_for == "its inbox"


async def test_a_loop_of_actors_that_wait_for_each_other_is_named() -> None:
    boxes: dict[str, Mailbox[Any]] = {name: Mailbox(name, capacity=1) for name in "abcd"}
    following = {"a": "b", "b": "c", "c": "a", "d": "a"}

    def sender(name: str) -> Any:
        async def work() -> None:
            ready()
            async with trio.open_nursery() as nursery:
                for _ in range(3):
                    nursery.start_soon(boxes[following[name]].address.send, Said("x"))

        return work

    specs = [
        permanent(name, Doing, sender(name), inbox=boxes[name]).with_options(shutdown=0.0)
        for name in "abcd"
    ]
    async with running(specs) as tree:
        assert tree["a"].waits_for == "b: room in its mailbox (+1), a loop: a → b → c → a"
        assert tree["d"].waits_for == "a: room in its mailbox (+2)"


async def test_who_waits_for_somebody_outside_the_tree_is_in_no_loop() -> None:
    outside: Mailbox[Any] = Mailbox("outside")

    async def work() -> None:
        ready()
        await outside.address.ask(Unanswered())

    async with running([permanent("a", Doing, work)]) as tree:
        assert tree["a"].waits_for == "outside: answer to Unanswered"


def a_session(_key: str, inbox: Mailbox[Any]) -> Writer:
    return Writer(inbox, Log())


@pytest.mark.parametrize("collects", [True, False])
async def test_a_reading_in_chunks_gives_the_same_views(collects: bool) -> None:  # noqa: FBT001
    pool: Pool[Any] = Pool("sessions", a_session)
    async with running([pool.spec()]) as tree:
        for number in range(250):
            pool.try_send(f"{number}", Said("a"))
        await tree.settle()
        if not collects:
            gc.disable()
        try:
            views = await tree.supervisor.census_in_chunks()
            assert gc.isenabled() is collects
        finally:
            gc.enable()

        assert [view.path for view in views] == tree.paths
        assert len(views) == 251


async def test_ten_thousand_actors_are_read_without_holding_the_loop() -> None:
    pool: Pool[Any] = Pool("sessions", a_session)
    gaps: list[float] = []

    async def tick() -> None:
        while True:
            before = time.perf_counter()
            await trio.lowlevel.checkpoint()
            gaps.append(time.perf_counter() - before)

    async with running([pool.spec()]) as tree:
        for number in range(10_000):
            pool.try_send(f"{number}", Said("a"))
        await tree.settle()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(tick)
            views = await tree.supervisor.census_in_chunks()
            nursery.cancel_scope.cancel()

    assert len(views) == 10_001
    # On a busy machine a step may be interrupted by others; the median shows our own share.
    assert sorted(gaps)[len(gaps) // 2] <= 0.005
    assert len(gaps) >= 90


async def test_the_tree_reads_as_plain_text(autojump_clock: trio.testing.MockClock) -> None:
    pool: Pool[Any] = Pool("rooms", a_session)
    box: Mailbox[Any] = Mailbox("store")

    async def work() -> None:
        await anext(box)
        await trio.sleep(1000)

    specs = [
        permanent("store", Doing, work, inbox=box).with_options(shutdown=0.0),
        pool.spec(),
        permanent("other", Doing, hang),
    ]
    async with running(specs) as tree:
        box.put(Said("a"))
        box.put(Said("b"))
        pool.try_send("matrix/!a:x", Said("c"))
        await tree.settle()
        tree.supervisor.kill("other")
        await trio.sleep(2)

        text = tree_text(tree.supervisor.census()).replace(": killed by the operator", "")

    assert text.splitlines() == [
        "actor                state  life  mail        in hand     handled  waits for, notes",
        "store                up     1     1/64 2.0 s  Said 2.0 s  0",
        "rooms                up     1     -           -           0        1 running, 0 retired",
        "  rooms/matrix/!a:x  up     1     0/64        -           1        its inbox",
        "other                up     2     -           -           0        last error KilledError",
    ]
    assert autojump_clock.current_time() == 2
