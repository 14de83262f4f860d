"""One request at a time, inside the limits."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio
from trio.testing import MockClock

from actors.telegram.api.outcomes import Done, Migrated, Refusal, Refused
from actors.telegram.outgoing.gate import Gate
from actors.telegram.outgoing.limits import Budget, Urgency
from actors.telegram.outgoing.posting import NotNow, Post
from actors.telegram.outgoing.tally import Tally
from actors.telegram.outgoing.targets import Target, Targets
from protocols.ids import RoomId, RowId
from protocols.store import FindKeys
from tests.actors.telegram.fake_bot import GROUP, HERE, TOPIC, FakeBot, Fault, Gateway
from tests.fakes import MemoryStoreAddress


@asynccontextmanager
async def posting(bot: FakeBot, store: MemoryStoreAddress) -> AsyncIterator[Post]:
    gate = Gate(Budget.fresh(trio.current_time() - 60))
    post = Post(bot, gate, store, Targets(), Tally())
    async with trio.open_nursery() as nursery:
        nursery.start_soon(gate.run)
        await post.remember()
        yield post
        nursery.cancel_scope.cancel("the test is over")


async def _done(_target: Target) -> Done:
    return Done()


async def test_a_penalty_that_begins_while_the_mark_is_written_is_honoured(
    autojump_clock: MockClock,
) -> None:
    async with posting(FakeBot(), MemoryStoreAddress()) as post:
        began = trio.current_time()

        async def mark() -> None:
            if trio.current_time() == began:
                post.gate.punish(10.0)

        early = await post.attempt(HERE, Urgency.FINAL, _done, mark=mark)
        late = await post.insist(HERE, Urgency.FINAL, _done, is_repeatable=False, mark=mark)

    assert (early, late) == (NotNow(), Done())
    assert autojump_clock.current_time() - began >= 10


async def test_rooms_that_end_in_one_chat_have_one_request_under_way(
    autojump_clock: MockClock,
) -> None:
    bot = FakeBot()
    bot.delays[-100] = 10.0
    async with posting(bot, MemoryStoreAddress()) as post, trio.open_nursery() as nursery:
        post.targets.lost_thread(TOPIC)
        for room in (GROUP, TOPIC):
            nursery.start_soon(
                post.attempt, room, Urgency.FINAL, lambda target: bot.send_typing(target.chat)
            )

    first, second = bot.times("typing")
    assert second - first >= 10
    assert autojump_clock.current_time() < 30


async def test_a_group_that_moved_is_remembered_for_the_next_life(
    autojump_clock: MockClock,
) -> None:
    bot, store = FakeBot(), MemoryStoreAddress()
    bot.faults["typing"] = [Fault(Migrated(-200)), Fault(Migrated(-300))]
    async with posting(bot, store) as post:
        await post.attempt(GROUP, Urgency.FINAL, lambda target: bot.send_typing(target.chat))

    assert store.tell(FindKeys("telegram_moved:")) == (
        ("telegram_moved:-100", "-200"),
        ("telegram_moved:-200", "-300"),
    )
    assert [call.chat for call in bot.calls] == [-100, -200, -300]
    assert autojump_clock.current_time() < 20


async def test_what_says_nothing_in_a_chat_waits_for_none(autojump_clock: MockClock) -> None:
    bot = FakeBot()
    bot.delays[42] = 100.0
    async with posting(bot, MemoryStoreAddress()) as post, trio.open_nursery() as nursery:
        nursery.start_soon(
            post.attempt, HERE, Urgency.FINAL, lambda target: bot.send_typing(target.chat)
        )
        await trio.sleep(1)
        began = trio.current_time()
        for _ in range(20):
            assert await post.aside(Urgency.TYPING, lambda: bot.answer_callback("9")) == Done()
        took = trio.current_time() - began
        nursery.cancel_scope.cancel("nobody waits for it")

    assert took < 2
    assert autojump_clock.current_time() < 10


async def test_what_is_no_room_of_telegrams_cannot_be_closed(autojump_clock: MockClock) -> None:
    async with posting(FakeBot(), MemoryStoreAddress()) as post:
        post.close(RoomId("telegram/x"), RowId(1))
        post.close(HERE, RowId(1))
        closed = [post.targets.is_closed(RoomId(room), None) for room in ("telegram/x", HERE)]

    assert closed == [False, True]
    assert autojump_clock.current_time() == 0


def test_a_chat_that_moved_to_itself_stays_where_it_is() -> None:
    targets = Targets()
    targets.learn([("telegram_moved:-100", "-100"), ("telegram_moved:-200", "-300")])

    assert targets.find(GROUP) == Target(-100)
    assert targets.find(RoomId("telegram/-200/7")) == Target(-300, 7)


async def test_a_topic_that_is_open_again_gets_its_answers_again(
    autojump_clock: MockClock,
) -> None:
    gateway = Gateway(autojump_clock)
    closed = Refused(400, "TOPIC_CLOSED", Refusal.THREAD_GONE)
    gateway.bot.faults["send"] = [Fault(closed)]
    async with gateway.running():
        await gateway.finish(gateway.row(TOPIC), "while it was closed")
        await gateway.settled()
        await gateway.finish(gateway.row(TOPIC), "after it was opened again")
        await gateway.settled()

    sends = [call for call in gateway.bot.calls if call.name == "send"]
    assert [call.thread for call in sends] == [7, None, 7]


def test_what_was_asked_before_a_topic_closed_is_not_tried_there_again() -> None:
    targets = Targets()
    targets.is_closed(HERE, RowId(9))
    targets.lost_thread(TOPIC)

    threads = []
    for row in (RowId(8), None, RowId(9), RowId(10)):
        targets.is_closed(TOPIC, row)
        threads.append(targets.find(TOPIC))

    assert threads == [Target(-100)] * 3 + [Target(-100, 7)]


async def test_an_album_counts_as_all_of_its_messages(autojump_clock: MockClock) -> None:
    bot = FakeBot()
    async with posting(bot, MemoryStoreAddress()) as post:
        began = trio.current_time()
        for _ in range(2):
            await post.insist(HERE, Urgency.FINAL, _done, is_repeatable=False, messages=10)

    assert autojump_clock.current_time() - began == pytest.approx(8.0, abs=0.5)
