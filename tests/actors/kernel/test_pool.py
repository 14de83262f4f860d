from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trio
import trio.lowlevel
import trio.testing
from attrs import define, field
from structlog.typing import EventDict

from actors.kernel.backoff import Backoff
from actors.kernel.child import ParkedError, ready
from actors.kernel.decision import Budget
from actors.kernel.mailbox import Mailbox
from actors.kernel.pool import Pool
from actors.kernel.spec import permanent
from protocols.lifecycle import ActorState
from protocols.mail import Address, CalleeDiedError
from tests.actors.kernel.crew import (
    Broken,
    Doing,
    Doubled,
    Log,
    Said,
    Tree,
    Unanswered,
    Writer,
    hang,
    running,
)


@define
class Rooms:
    """Sessions of a pool: what each has heard, over all its lives."""

    logs: dict[str, Log] = field(factory=dict)

    def session(self, key: str, inbox: Mailbox[Any]) -> Writer:
        return Writer(inbox, self.logs.setdefault(key, Log()))

    @property
    def heard(self) -> dict[str, list[str]]:
        return {key: log.heard for key, log in self.logs.items()}

    @property
    def lives(self) -> dict[str, int]:
        return {key: log.lives for key, log in self.logs.items()}


@asynccontextmanager
async def a_pool(pool: Pool[Any]) -> AsyncIterator[Tree]:
    async with running([pool.spec(), permanent("other", Doing, hang)]) as tree:
        yield tree


async def test_the_first_message_starts_a_child_and_the_next_one_finds_it() -> None:
    rooms = Rooms()
    pool: Pool[Any] = Pool("sessions", rooms.session)
    async with a_pool(pool) as tree:
        assert not pool.is_running("matrix/!a:x")
        address: Address[Any] = pool.address("matrix/!a:x")
        assert address.reader == "sessions/matrix/!a:x"
        await address.send(Said("a"))
        assert address.try_send(Said("b"))
        assert await address.ask(Doubled(1)) == 2
        assert await pool.ask("matrix/!a:x", Doubled(2)) == 4

        assert pool.is_running("matrix/!a:x")
        assert rooms.heard == {"matrix/!a:x": ["a", "b"]}
        assert tree.paths == ["sessions", "sessions/matrix/!a:x", "other"]
        assert tree["sessions"].note == "1 running, 0 retired"


async def test_a_hundred_concurrent_first_messages_start_one_child() -> None:
    rooms = Rooms()
    pool: Pool[Any] = Pool("sessions", rooms.session, capacity=10)
    async with a_pool(pool) as tree:
        async with trio.open_nursery() as nursery:
            for number in range(100):
                nursery.start_soon(pool.address("a").send, Said(f"{number}"))
        await tree.settle()

        assert rooms.lives == {"a": 1}
        assert sorted(map(int, rooms.heard["a"])) == list(range(100))


async def test_mail_that_comes_before_the_pool_starts_is_kept() -> None:
    rooms = Rooms()
    pool: Pool[Any] = Pool("sessions", rooms.session)
    pool.try_send("a", Said("early"))
    async with a_pool(pool) as tree:
        await tree.settle()
        pool.try_send("b", Broken())
        await tree.settle()
        tree.supervisor.stop("enough")

    assert rooms.heard["a"] == ["early"]


async def test_an_idle_child_is_retired_and_its_next_message_starts_it_again(
    autojump_clock: trio.testing.MockClock,
) -> None:
    rooms = Rooms()
    pool: Pool[Any] = Pool("sessions", rooms.session, idle=900.0)
    async with a_pool(pool) as tree:
        pool.try_send("a", Said("a"))
        await trio.sleep(800)
        pool.try_send("a", Said("b"))
        await trio.sleep(800)
        assert pool.is_running("a")
        await trio.sleep(400)
        assert not pool.is_running("a")
        assert tree["sessions"].note == "0 running, 1 retired"

        pool.try_send("a", Said("c"))
        await tree.settle()

        assert rooms.heard["a"] == ["a", "b", "c"]
        assert tree["sessions/a"].life == 2
        assert autojump_clock.current_time() == 2000


async def test_mail_that_arrives_while_a_child_retires_is_kept_and_starts_it_again(
    autojump_clock: trio.testing.MockClock,
) -> None:
    heard: list[str] = []

    def slow_to_end(_key: str, inbox: Mailbox[Any]) -> Doing:
        async def work() -> None:
            async for message in inbox:
                heard.append(message.text)  # noqa: PERF401  # each as it comes
            await trio.sleep(5)

        return Doing(work)

    pool: Pool[Any] = Pool("sessions", slow_to_end, idle=80.0)
    async with a_pool(pool) as tree:
        pool.try_send("a", Said("a"))
        await trio.sleep(81)
        assert tree["sessions/a"].state is ActorState.STOPPING
        pool.try_send("a", Said("b"))
        await trio.sleep(10)

        assert heard == ["a", "b"]
        assert (tree["sessions/a"].life, tree["sessions/a"].restarts) == (2, 0)
        assert autojump_clock.current_time() == 91


async def test_a_child_that_owes_an_answer_or_waits_for_one_is_not_idle(
    autojump_clock: trio.testing.MockClock,
) -> None:
    slow: Mailbox[Any] = Mailbox("slow")

    def asking(_key: str, inbox: Mailbox[Any]) -> Doing:
        async def work() -> None:
            async with trio.open_nursery() as nursery:
                async for message in inbox:
                    if isinstance(message, Said):
                        nursery.start_soon(ask)

        async def ask() -> None:
            with pytest.raises(CalleeDiedError):
                await slow.address.ask(Unanswered(), within=10**6)

        return Doing(work)

    pool: Pool[Any] = Pool("sessions", asking, idle=80.0)
    log = Log()
    specs = [permanent("slow", Writer, inbox=slow, log=log), pool.spec()]
    async with running(specs) as tree:
        pool.try_send("asks", Said("a"))
        async with trio.open_nursery() as nursery:

            @nursery.start_soon
            async def owed() -> None:
                with pytest.raises(CalleeDiedError):
                    await pool.ask("owes", Unanswered(), within=10**6)

            await trio.sleep(1000)
            assert pool.is_running("asks")
            assert pool.is_running("owes")
            assert tree["sessions/asks"].waits_for == "slow: answer to Unanswered"
            pool.restart("owes")
            tree.supervisor.kill("slow")
            await trio.sleep(1000)

        assert not pool.is_running("asks")
        assert autojump_clock.current_time() == 2000


async def test_a_crashing_child_touches_nobody_and_is_parked_in_the_end(
    autojump_clock: trio.testing.MockClock, logs: list[EventDict]
) -> None:
    starts: list[float] = []

    def broken(_key: str, _inbox: Mailbox[Any]) -> Doing:
        async def work() -> None:
            starts.append(autojump_clock.current_time())
            await trio.lowlevel.checkpoint()
            raise ValueError

        return Doing(work)

    pool: Pool[Any] = Pool("sessions", broken, cool_off=60.0, budget=Budget(3, 60.0))
    async with a_pool(pool) as tree:
        pool.try_send("a", Said("a"))
        await trio.sleep(30)
        assert (tree["sessions/a"].state, len(starts)) == (ActorState.PARKED, 4)
        assert tree["sessions/a"].note == "crashed too often, last: ValueError"
        assert not pool.try_send("a", Said("b"))
        with pytest.raises(CalleeDiedError, match="parked"):
            await pool.ask("a", Doubled(1))
        await trio.sleep(60)
        assert len(starts) == 4

        assert pool.try_send("a", Said("c"))
        await trio.lowlevel.checkpoint()

        assert [tree[name].life for name in ("sessions", "other")] == [1, 1]
        await trio.sleep(30)
        tree.supervisor.restart("sessions/a")
        await tree.settle()
        assert len(starts) > 5
    assert tree.codes == [0]
    assert {e["path"] for e in logs if e["event"] == "actor.parked"} == {"sessions/a"}


async def test_a_child_may_park_itself_until_it_is_restarted() -> None:
    reasons = ["no slot"]

    def parking(_key: str, inbox: Mailbox[Any]) -> Doing:
        async def work() -> None:
            if reasons:
                raise ParkedError(reasons.pop())
            async for _ in inbox:
                pass

        return Doing(work)

    pool: Pool[Any] = Pool("sessions", parking)
    async with a_pool(pool) as tree:
        pool.try_send("a", Said("a"))
        await tree.settle()
        assert tree["sessions/a"].note == "no slot"
        tree.supervisor.restart("sessions/a")
        await tree.settle()

        assert (tree["sessions/a"].state, tree["sessions/a"].handled) == (ActorState.UP, 1)


async def test_a_child_that_returns_with_unread_mail_is_started_again(
    autojump_clock: trio.testing.MockClock,
) -> None:
    heard: list[str] = []

    def one_at_a_time(_key: str, inbox: Mailbox[Any]) -> Doing:
        async def work() -> None:
            heard.append((await anext(inbox)).text)

        return Doing(work)

    pool: Pool[Any] = Pool("sessions", one_at_a_time)
    async with a_pool(pool):
        for word in "abc":
            pool.try_send("a", Said(word))
        await trio.sleep(10)

        assert heard == ["a", "b", "c"]
        assert not pool.is_running("a")
        assert autojump_clock.current_time() == 10


async def test_a_hung_child_is_restarted_at_once_and_its_mail_tried_again(
    logs: list[EventDict], autojump_clock: trio.testing.MockClock
) -> None:
    heard: list[str] = []

    def hangs_late(_key: str, inbox: Mailbox[Any]) -> Doing:
        async def work() -> None:
            async for message in inbox:
                heard.append(message.text)
                if len(heard) < 4:
                    raise ValueError
                if len(heard) == 4:
                    await trio.sleep_forever()

        return Doing(work)

    pool: Pool[Any] = Pool("sessions", hangs_late, shutdown=3.0)
    async with a_pool(pool) as tree:
        for word in "ab":
            pool.try_send("a", Said(word))
        await trio.sleep(5)
        assert heard == ["a", "a", "a", "b"]
        pool.restart("a")
        pool.restart("unknown")
        await tree.settle()

        assert heard == ["a", "a", "a", "b", "b"]
        assert (tree["sessions/a"].life, autojump_clock.current_time()) == (5, 5)
    assert sum(entry["event"] == "actor.crashed" for entry in logs) == 3


async def test_a_child_that_was_just_opened_is_not_started_twice() -> None:
    rooms = Rooms()
    pool: Pool[Any] = Pool("sessions", rooms.session)
    async with a_pool(pool) as tree:
        pool.try_send("a", Said("a"))
        tree.supervisor.restart("sessions/a")
        await tree.settle()

        assert rooms.lives == {"a": 1}
    assert tree.codes == [0]


async def test_mail_to_a_pool_that_stops_between_two_lives_becomes_dead_letters() -> None:
    rooms = Rooms()
    pool: Pool[Any] = Pool("sessions", rooms.session)
    spec = pool.spec().with_options(backoff=Backoff(first=600.0, longest=600.0))
    async with running([spec]) as tree:
        for _ in range(2):
            tree.supervisor.kill("sessions")
            await tree.settle()
        pool.try_send("a", Said("a"))
        assert tree["sessions"].state is ActorState.BACKOFF

    assert tree.codes == [0]
    assert [letter.reason for letter in tree.supervisor.undelivered()] == ["stopped"]


async def test_a_pool_stops_its_children_side_by_side_by_one_deadline(
    autojump_clock: trio.testing.MockClock, logs: list[EventDict]
) -> None:
    ended: list[tuple[str, float]] = []

    def slow(key: str, inbox: Mailbox[Any]) -> Doing:
        async def work() -> None:
            try:
                async for _ in inbox:
                    pass
                with trio.CancelScope(shield=key == "stuck"):
                    await trio.sleep({"quick": 1, "slow": 9, "hung": 999, "stuck": 30}[key])
            finally:
                ended.append((key, autojump_clock.current_time()))

        return Doing(work)

    pool: Pool[Any] = Pool("sessions", slow, shutdown=10.0)
    async with a_pool(pool) as tree:
        for key in ("quick", "slow", "hung", "stuck"):
            pool.try_send(key, Said("a"))
        await tree.settle()
        tree.supervisor.stop("enough")
        await tree.settle()
        assert not pool.try_send("quick", Said("late"))

    assert ended == [("quick", 1.0), ("slow", 9.0), ("hung", 10.0), ("stuck", 30.0)]
    stuck = [entry["path"] for entry in logs if entry["event"] == "actor.stuck"]
    assert stuck == ["sessions/stuck", "sessions"]
    assert [letter.reason for letter in tree.supervisor.undelivered()] == ["stopped"]
    assert tree.codes == [0]


async def test_a_killed_pool_comes_back_with_all_its_children_and_their_mail() -> None:
    rooms = Rooms()
    pool: Pool[Any] = Pool("sessions", rooms.session)
    async with a_pool(pool) as tree:
        for key in "abc":
            pool.try_send(key, Said("1"))
        await tree.settle()
        pool.try_send("b", Said("2"))
        tree.supervisor.kill("sessions")
        for key in "abc":
            pool.try_send(key, Said("3"))
        await tree.settle()

        assert rooms.heard == {"a": ["1", "3"], "b": ["1", "2", "3"], "c": ["1", "3"]}
        assert [tree[f"sessions/{key}"].life for key in "abc"] == [2, 2, 2]
        assert tree["sessions"].life == 2


async def test_mail_at_any_moment_of_a_pools_death_is_kept() -> None:
    rooms = Rooms()
    pool: Pool[Any] = Pool("sessions", rooms.session)
    async with running([pool.spec()], intensity=100) as tree:
        for steps in range(12):
            tree.supervisor.kill("sessions")
            for _ in range(steps):
                await trio.lowlevel.checkpoint()
            pool.try_send("old", Said(f"{steps}"))
            pool.try_send(f"new {steps}", Said("a"))
            tree.supervisor.restart("sessions/old")
            await tree.settle()
            tree.supervisor.restart("sessions")
            await tree.settle()

        assert rooms.heard["old"] == [f"{steps}" for steps in range(12)]
        assert all(rooms.heard[f"new {steps}"] == ["a"] for steps in range(12))


async def test_a_pool_that_is_killed_while_children_crash_or_wait_keeps_their_mail() -> None:
    lives: dict[str, int] = {"a": 0, "b": 0}
    heard: list[str] = []

    def fragile(key: str, inbox: Mailbox[Any]) -> Doing:
        async def work() -> None:
            lives[key] += 1
            if lives[key] < 3 and key == "b":
                raise ValueError
            try:
                async for message in inbox:
                    heard.append(message.text)  # noqa: PERF401  # each as it comes
            finally:
                if lives[key] == 1:
                    raise ValueError

        return Doing(work)

    slow = Backoff(first=600.0, longest=600.0)
    pool: Pool[Any] = Pool("sessions", fragile, backoff=slow)
    async with a_pool(pool) as tree:
        pool.try_send("a", Said("1"))
        pool.try_send("b", Said("2"))
        await tree.settle()
        assert tree["sessions/b"].state is ActorState.BACKOFF
        tree.supervisor.kill("sessions")
        await tree.settle()

        assert sorted(heard) == ["1", "2"]
        assert tree["sessions"].life == 2


async def test_restarting_a_pool_restarts_every_child() -> None:
    rooms = Rooms()
    pool: Pool[Any] = Pool("sessions", rooms.session)
    async with a_pool(pool) as tree:
        pool.try_send("a", Said("1"))
        pool.try_send("b", Said("1"))
        await tree.settle()
        tree.supervisor.restart("sessions")
        await tree.settle()

        assert rooms.lives == {"a": 2, "b": 2}
        assert tree["sessions"].life == 1


async def test_a_foreign_exception_in_a_child_stops_the_tree() -> None:
    def quitting(_key: str, _inbox: Mailbox[Any]) -> Doing:
        async def work() -> None:
            ready()
            await trio.lowlevel.checkpoint()
            raise KeyboardInterrupt

        return Doing(work)

    pool: Pool[Any] = Pool("sessions", quitting)
    async with a_pool(pool) as tree:
        pool.try_send("a", Said("1"))
        await tree.settle()

        assert tree.codes == [0]


async def test_a_pool_runs_without_a_tree_around_it() -> None:
    rooms = Rooms()
    pool: Pool[Any] = Pool("sessions", rooms.session)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(pool.run)
        assert await pool.ask("a", Doubled(1)) == 2
        pool.stop("nobody hears it")
        pool.end()


async def test_a_thousand_idle_children_are_retired(
    autojump_clock: trio.testing.MockClock,
) -> None:
    rooms = Rooms()
    pool: Pool[Any] = Pool("sessions", rooms.session, idle=80.0)
    async with a_pool(pool) as tree:
        for number in range(1000):
            pool.try_send(f"{number}", Said("a"))
        await trio.sleep(100)

        assert tree["sessions"].note == "0 running, 1000 retired"
        assert autojump_clock.current_time() == 100


async def test_a_thousand_children_stop_together() -> None:
    rooms = Rooms()
    pool: Pool[Any] = Pool("sessions", rooms.session)
    async with a_pool(pool) as tree:
        for number in range(1000):
            pool.try_send(f"{number}", Said("a"))

    assert tree.codes == [0]
    assert all(log.heard == ["a"] for log in rooms.logs.values())
