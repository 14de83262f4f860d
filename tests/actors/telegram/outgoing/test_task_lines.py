"""The line of a task that the agent works at by itself."""

import pytest
import trio
from attrs import evolve
from trio.testing import MockClock

from actors.telegram.settings import Streaming, TelegramSettings
from protocols.changes import AddOutgoing, FinishRow, QueueRow, StartRow
from protocols.ids import PLATFORM, EventId, PersonId, RoomId, RowId, RunId, SlotId, TraceId
from protocols.journal import Arrival, RowState, Voice
from protocols.store import Journal
from protocols.surfaces import Deliver, ShowDraft
from tests.actors.telegram.fake_bot import HERE, SETTINGS, Gateway

EDIT, DRAFT, OFF = (evolve(SETTINGS, streaming=streaming) for streaming in Streaming)


def begin_task(gateway: Gateway) -> RowId:
    """The platform pushed that it works at something."""
    arrival = Arrival(
        EventId("msg_1"), RoomId("platform/u"), PersonId("platform:u"), "", "{}", 0.0, TraceId("t")
    )
    (row,) = gateway.store.tell(Journal(PLATFORM, (arrival,))).rows
    gateway.commit(QueueRow(row.id, SlotId("C1"), RunId("r")), StartRow(row.id))
    return row.id


async def say(gateway: Gateway, row: RowId, line: str) -> None:
    await gateway.tell(ShowDraft(HERE, row, "", status=line, is_task=True))
    await trio.sleep(100)


async def end(gateway: Gateway, row: RowId, text: str) -> None:
    out = AddOutgoing(HERE, Voice.AGENT, text, row=row)
    gateway.commit(FinishRow(row, RowState.ANSWERED), out)
    await gateway.tell(Deliver(HERE))
    await gateway.settled()


@pytest.mark.parametrize("settings", [EDIT, DRAFT])
async def test_one_message_is_edited_and_becomes_the_result(
    autojump_clock: MockClock, settings: TelegramSettings
) -> None:
    gateway = Gateway(autojump_clock, settings=settings)
    async with gateway.running():
        row = begin_task(gateway)
        for line in ("Looking", "Reading"):
            await say(gateway, row, line)
        (message,) = gateway.bot.messages.values()
        await end(gateway, row, "Found it.")

    assert message.text == "Reading"
    assert message.keyboard == ()
    assert message.reply_to is None
    assert gateway.bot.texts("send", "edit") == ["…", "Looking", "Reading", "Found it."]
    assert gateway.bot.shown() == ["Found it."]
    assert not gateway.bot.times("typing")


async def test_without_streaming_only_the_result_is_shown(autojump_clock: MockClock) -> None:
    gateway = Gateway(autojump_clock, settings=OFF)
    async with gateway.running():
        row = begin_task(gateway)
        await say(gateway, row, "Looking")
        await end(gateway, row, "Found it.")

    assert gateway.bot.texts("send", "edit") == ["Found it."]


async def test_the_next_life_edits_the_same_message(autojump_clock: MockClock) -> None:
    gateway = Gateway(autojump_clock)
    with trio.CancelScope() as life:
        async with gateway.running():
            row = begin_task(gateway)
            await say(gateway, row, "Looking")
            life.cancel()
    async with gateway.running():
        await say(gateway, row, "Reading")
    async with gateway.running():
        await end(gateway, row, "Found it.")

    assert len(gateway.bot.messages) == 1
    assert gateway.bot.shown() == ["Found it."]


async def test_an_answer_grows_and_can_be_stopped_while_a_task_is_worked_at(
    autojump_clock: MockClock,
) -> None:
    gateway = Gateway(autojump_clock)
    async with gateway.running():
        row = gateway.row()
        await gateway.typing(row)
        task = begin_task(gateway)
        for number in range(20):
            await gateway.tell(ShowDraft(HERE, task, "", status=f"step {number}", is_task=True))
            await gateway.draft(row, f"half {number}")
            await trio.sleep(1)
        (growing,) = gateway.bot.messages.values()
        await gateway.finish(row, "whole")
        await gateway.settled()
        await trio.sleep(10)
        shown = gateway.bot.shown()
        await end(gateway, task, "Found it.")

    assert growing.text.startswith("half")
    assert growing.keyboard
    assert shown == ["whole", "step 19"]
    assert gateway.bot.shown() == ["whole", "Found it."]
