"""Rooms of one's own: topics of a private chat."""

import pytest
import trio
from trio.testing import MockClock

from actors.telegram.api.outcomes import Ambiguous, Failure, Forbidden, Me, RateLimited, Refused
from actors.telegram.errands.topics import TOPIC_PREFIX
from protocols.changes import FinishRow, PutKey
from protocols.ids import RoomId, RowId
from protocols.journal import RowState
from protocols.surfaces import OpenRoom
from tests.actors.telegram.fake_bot import GROUP, HERE, FakeBot, Fault, Gateway

WITH_TOPICS = Me(4242, "agent_bot", has_topics=True)
TOPIC = RoomId("telegram/42/701")


def gateway_with(clock: MockClock, me: Me = WITH_TOPICS) -> Gateway:
    return Gateway(clock, FakeBot(me))


async def test_a_topic_is_a_room_of_its_own(autojump_clock: MockClock) -> None:
    gateway = gateway_with(autojump_clock)
    async with gateway.running():
        opened = await gateway.ask(OpenRoom(HERE, RowId(7), " Plans \n for  May "))
        again = await gateway.ask(OpenRoom(TOPIC, RowId(8), ""))
        await gateway.say("welcome", TOPIC)
        await gateway.settled()

    assert (opened, again) == (TOPIC, "telegram/42/702")
    assert gateway.bot.topics == [(42, "Plans for May"), (42, "💬")]
    assert len(gateway.bot.times("me")) == 1
    assert [call.thread for call in gateway.bot.calls if call.name == "send"] == [701]


async def test_asked_twice_for_one_row_it_is_one_room_also_in_another_life(
    autojump_clock: MockClock,
) -> None:
    gateway = gateway_with(autojump_clock)
    row = gateway.row()
    found: list[RoomId | None] = []

    async def ask() -> None:
        found.append(await gateway.ask(OpenRoom(HERE, row, "Plans")))

    for _ in range(2):
        async with gateway.running(), trio.open_nursery() as nursery:
            for _ in range(3):
                nursery.start_soon(ask)

    assert found == [TOPIC] * 6
    assert len(gateway.bot.topics) == 1


async def test_a_bot_without_topics_opens_none(autojump_clock: MockClock) -> None:
    gateway = gateway_with(autojump_clock, Me(4242, "agent_bot"))
    async with gateway.running():
        found = [await gateway.ask(OpenRoom(HERE, RowId(row), "")) for row in range(3)]

    assert found == [None] * 3
    assert len(gateway.bot.times("me")) == 1
    assert gateway.bot.topics == []


@pytest.mark.parametrize("room", [GROUP, "telegram/x"])
async def test_only_a_private_chat_gets_topics(autojump_clock: MockClock, room: str) -> None:
    gateway = gateway_with(autojump_clock)
    async with gateway.running():
        assert await gateway.ask(OpenRoom(RoomId(room), RowId(7), "Plans")) is None

    assert not gateway.bot.calls


@pytest.mark.parametrize("name", ["me", "topic"])
@pytest.mark.parametrize(
    "fault", [Ambiguous("502"), Refused(400, "no"), Forbidden("blocked"), RateLimited(5.0)]
)
async def test_trouble_opens_none_and_another_time_it_works(
    autojump_clock: MockClock, name: str, fault: Failure
) -> None:
    gateway = gateway_with(autojump_clock)
    gateway.bot.faults[name] = [Fault(fault)]
    async with gateway.running():
        first = await gateway.ask(OpenRoom(HERE, RowId(7), "Plans"))
        second = await gateway.ask(OpenRoom(HERE, RowId(8), "Plans"))

    assert (first, second) == (None, TOPIC)


async def test_who_asks_for_a_room_does_not_wait_out_a_penalty(autojump_clock: MockClock) -> None:
    gateway = gateway_with(autojump_clock)
    gateway.bot.faults["send"] = [Fault(RateLimited(60.0))]
    async with gateway.running():
        await gateway.say("a")
        await trio.sleep(1)
        began = trio.current_time()
        found = await gateway.ask(OpenRoom(HERE, RowId(7), "Plans"), within=10)
        took = trio.current_time() - began

    assert found is None
    assert took < 10


async def test_a_topic_that_was_opened_slowly_is_used(autojump_clock: MockClock) -> None:
    gateway = gateway_with(autojump_clock)
    gateway.bot.delays[42] = 12.0  # opened after 6 s, answered after 12 s
    async with gateway.running():
        found = await gateway.ask(OpenRoom(HERE, RowId(7), "Plans"), within=60.0)

    assert found == TOPIC
    assert len(gateway.bot.topics) == 1


async def test_a_bot_that_does_not_say_whether_it_has_topics_opens_none(
    autojump_clock: MockClock,
) -> None:
    gateway = gateway_with(autojump_clock)
    gateway.bot.delays[0] = 100.0
    async with gateway.running():
        found = await gateway.ask(OpenRoom(HERE, RowId(7), "Plans"), within=10)

    assert found is None
    assert gateway.bot.topics == []


async def test_a_stop_while_a_topic_opens_opens_no_second_one(autojump_clock: MockClock) -> None:
    gateway = gateway_with(autojump_clock)
    gateway.bot.delays[42] = 2.0
    row = gateway.row()

    async def ask() -> None:
        await gateway.ask(OpenRoom(HERE, row, "Plans"))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(gateway.sender().run)
        nursery.start_soon(ask)
        await gateway.bot.until(lambda: len(gateway.bot.topics) == 1)
        nursery.cancel_scope.cancel()
    async with gateway.running():
        found = await gateway.ask(OpenRoom(HERE, row, "Plans"))

    assert found == TOPIC
    assert len(gateway.bot.topics) == 1


async def test_at_a_start_the_topics_of_finished_rows_are_forgotten(
    autojump_clock: MockClock,
) -> None:
    gateway = gateway_with(autojump_clock)
    running, finished = gateway.row(), gateway.row()
    gateway.commit(FinishRow(finished, RowState.ANSWERED))
    for row in (running, finished, 999):
        gateway.commit(PutKey(f"{TOPIC_PREFIX}{row}", "701"))
    async with gateway.running():
        await trio.sleep(1)

    assert gateway.kept() == [f"{TOPIC_PREFIX}{running}"]
