"""The other ways in which an answer grows: as Telegram's own draft, or not at all."""

from itertools import pairwise

import pytest
import trio
from attrs import evolve
from trio.testing import MockClock

from actors.telegram.api.outcomes import (
    Ambiguous,
    Failure,
    Forbidden,
    RateLimited,
    Refusal,
    Refused,
    Unreachable,
)
from actors.telegram.settings import Streaming
from protocols.changes import AddOutgoing, FinishRow, ShowRow
from protocols.ids import RemoteId
from protocols.journal import RowState, Voice
from tests.actors.telegram.fake_bot import GROUP, HERE, SETTINGS, Fault, Gateway, Shown

DRAFT = evolve(SETTINGS, streaming=Streaming.DRAFT)
OFF = evolve(SETTINGS, streaming=Streaming.OFF)
LONG = "\n\n".join(f"part {number} " + "word " * 700 for number in range(3))


async def test_a_draft_grows_and_the_answer_is_a_new_message(autojump_clock: MockClock) -> None:
    gateway = Gateway(autojump_clock, settings=DRAFT)
    async with gateway.running():
        row = gateway.row()
        await gateway.typing(row)
        await trio.sleep(1)
        for number in range(40):
            await gateway.draft(row, f"**{number}** words")
            await trio.sleep(0.1)
        await gateway.finish(row, "all words")
        await gateway.settled()

    said = gateway.bot.drafts[row]
    assert said[0] == ""
    assert len(said) >= 3
    assert said[-1].endswith(" words")
    assert all(later - sooner >= 1.5 for sooner, later in pairwise(gateway.bot.times("draft")))
    assert gateway.bot.shown() == ["all words"]
    assert gateway.bot.texts("send", "edit") == ["all words"]
    assert not gateway.kept()


async def test_a_draft_is_kept_alive_while_the_turn_runs(autojump_clock: MockClock) -> None:
    gateway = Gateway(autojump_clock, settings=DRAFT)
    async with gateway.running():
        row = gateway.row()
        await gateway.draft(row, "hm")
        for _ in range(10):
            await gateway.typing(row)
            await trio.sleep(10)
        times = gateway.bot.times("draft")
        await trio.sleep(300)

    assert set(gateway.bot.drafts[row]) <= {"", "hm"}
    assert all(later - sooner < 30 for sooner, later in pairwise(times))
    assert times[-1] > 70
    assert max(gateway.bot.times("draft")) < 170


async def test_a_draft_that_says_the_same_is_not_sent_before_it_fades(
    autojump_clock: MockClock,
) -> None:
    gateway = Gateway(autojump_clock, settings=DRAFT)
    async with gateway.running():
        row = gateway.row()
        await gateway.typing(row)
        await trio.sleep(1)
        for _ in range(8):
            await gateway.draft(row, "same", "thinks")
            await trio.sleep(2)

    assert gateway.bot.drafts[row] == ["", "same\n\nthinks"]


async def test_in_a_group_there_are_no_drafts_but_edits(autojump_clock: MockClock) -> None:
    gateway = Gateway(autojump_clock, settings=DRAFT)
    async with gateway.running():
        row = gateway.row(GROUP)
        await gateway.draft(row, "half")
        await trio.sleep(10)
        await gateway.finish(row, "whole")
        await gateway.settled()

    assert gateway.bot.texts("send", "edit") == ["…", "half", "whole"]
    assert not gateway.bot.times("draft")


@pytest.mark.parametrize(
    "fault",
    [
        Ambiguous("reset"), Unreachable("ConnectError"), RateLimited(2.0),
        Refused(400, "TEXTDRAFT_PEER_INVALID"),
    ],
)  # fmt: skip
async def test_errors_of_a_draft_hurt_nobody(autojump_clock: MockClock, fault: Failure) -> None:
    gateway = Gateway(autojump_clock, settings=DRAFT)
    gateway.bot.faults["draft"] = [Fault(fault)] * 3
    async with gateway.running():
        row = gateway.row()
        for number in range(5):
            await gateway.draft(row, f"**so** far {number}")
            await trio.sleep(2)
        await gateway.finish(row, "whole")
        await gateway.settled()

    assert gateway.bot.shown() == ["whole"]
    assert gateway.outcomes() == ["sent"]


async def test_a_draft_whose_formatting_is_refused_goes_on_as_plain_text(
    autojump_clock: MockClock,
) -> None:
    gateway = Gateway(autojump_clock, settings=DRAFT)
    async with gateway.running():
        row = gateway.row()
        await gateway.typing(row)
        await trio.sleep(1)
        gateway.bot.faults["draft"] = [Fault(Refused(400, "entities", Refusal.ENTITIES))]
        for text in ("**a**", "**b**"):
            await gateway.draft(row, text)
            await trio.sleep(3)

    assert gateway.bot.drafts[row] == ["", "b"]
    assert gateway.bot.marked[-1] == ()


async def test_a_draft_that_is_refused_altogether_is_not_tried_again(
    autojump_clock: MockClock,
) -> None:
    gateway = Gateway(autojump_clock, settings=DRAFT)
    gateway.bot.faults["draft"] = [Fault(Refused(404, "Not Found: method not found"))] * 9
    async with gateway.running():
        row = gateway.row()
        for number in range(5):
            await gateway.draft(row, f"so far {number}")
            await trio.sleep(3)

    assert len(gateway.bot.times("draft")) == 1
    assert gateway.bot.times("typing")


async def test_a_draft_to_a_blocked_chat_closes_it(autojump_clock: MockClock) -> None:
    gateway = Gateway(autojump_clock, settings=DRAFT)
    gateway.bot.faults["draft"] = [Fault(Forbidden("blocked"))]
    async with gateway.running():
        row = gateway.row()
        await gateway.draft(row, "half")
        await trio.sleep(10)
        await gateway.finish(row, "whole")
        await gateway.settled()

    assert gateway.outcomes() == ["failed"]
    assert len(gateway.bot.calls) == 1


async def test_without_streaming_there_is_typing_and_then_the_answer(
    autojump_clock: MockClock,
) -> None:
    gateway = Gateway(autojump_clock, settings=OFF)
    async with gateway.running():
        row = gateway.row(GROUP, message_id="77")
        for _ in range(5):
            await gateway.draft(row, "half")
            await trio.sleep(2)
        await gateway.finish(row, LONG)
        await gateway.settled()

    assert {call.name for call in gateway.bot.calls[:-5]} == {"typing", "react"}
    assert [text[:6] for text in gateway.bot.shown(GROUP)] == ["part 0", "part 1", "part 2"]
    assert [found.reply_to for found in gateway.bot.seen(GROUP)] == [77, None, None]
    assert not gateway.bot.times("edit")


async def test_a_placeholder_of_an_earlier_life_becomes_the_answer_all_the_same(
    autojump_clock: MockClock,
) -> None:
    gateway = Gateway(autojump_clock, settings=DRAFT)
    row = gateway.row()
    gateway.commit(ShowRow(row, RemoteId("5")))
    gateway.bot.messages[5] = Shown(42, "half")
    async with gateway.running():
        await gateway.draft(row, "half and")
        await trio.sleep(3)
        going_on = gateway.bot.shown()
        await gateway.finish(row, "half and half")
        await gateway.settled()

    assert going_on == ["half and"]
    assert gateway.bot.shown() == ["half and half"]
    assert not gateway.bot.drafts


async def test_a_new_message_that_may_stand_there_is_repeated_once_at_most(
    autojump_clock: MockClock,
) -> None:
    gateway = Gateway(autojump_clock, settings=OFF)
    gateway.bot.faults["send"] = [Fault(Ambiguous("reset"), is_done=True)] * 4
    async with gateway.running():
        await gateway.finish(gateway.row(), "once")
        await gateway.settled()

    assert gateway.bot.shown().count("once") == 2
    assert set(gateway.bot.shown()) == {"once", "…"}


@pytest.mark.parametrize("kills", [1, 3])
async def test_however_often_it_is_killed_in_the_air_a_new_message_is_repeated_once(
    autojump_clock: MockClock, kills: int
) -> None:
    gateway = Gateway(autojump_clock, settings=OFF)
    row = gateway.row()
    gateway.commit(
        FinishRow(row, RowState.ANSWERED), AddOutgoing(HERE, Voice.AGENT, "once", row=row)
    )
    gateway.bot.delays[42] = 1.0
    for _ in range(kills):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(gateway.sender().run)
            await trio.sleep(0.75)
            nursery.cancel_scope.cancel()
    async with gateway.running():
        await gateway.settled()

    assert gateway.bot.shown().count("once") == 2


# The gateway's own answers.


async def test_an_answer_to_a_command_is_one_request(autojump_clock: MockClock) -> None:
    gateway = Gateway(autojump_clock)
    async with gateway.running():
        row = gateway.row(GROUP, message_id="77")
        await gateway.finish(row, "status", voice=Voice.GATEWAY)
        await gateway.settled()

    assert gateway.bot.texts("send", "edit") == ["status"]
    assert [found.reply_to for found in gateway.bot.seen(GROUP)] == [77]
    assert not gateway.kept()


async def test_what_the_gateway_says_of_a_turn_takes_the_place_that_shows_it(
    autojump_clock: MockClock,
) -> None:
    gateway = Gateway(autojump_clock)
    async with gateway.running():
        row = gateway.row()
        await gateway.typing(row)
        await trio.sleep(1)
        await gateway.finish(row, "stopped", voice=Voice.GATEWAY)
        await gateway.settled()

    assert gateway.bot.texts("send", "edit") == ["…", "stopped"]
    assert gateway.bot.shown() == ["stopped"]


async def test_a_turn_on_the_desk_may_be_shown_already_although_nobody_knows(
    autojump_clock: MockClock,
) -> None:
    gateway = Gateway(autojump_clock)
    async with gateway.running():
        row = gateway.row()
        await gateway.typing(row)
        await gateway.finish(row, "stopped", voice=Voice.GATEWAY)
        await gateway.settled()

    assert gateway.bot.shown() == ["stopped"]
    assert gateway.bot.texts("send")[0] == "…"


async def test_a_long_answer_of_the_gateway_takes_a_place_first(autojump_clock: MockClock) -> None:
    gateway = Gateway(autojump_clock)
    async with gateway.running():
        await gateway.finish(gateway.row(), LONG, voice=Voice.GATEWAY)
        await gateway.settled()

    assert [text[:6] for text in gateway.bot.texts("send", "edit")][:2] == ["…", "part 0"]
    assert len(gateway.bot.shown()) == 3


@pytest.mark.parametrize("kills", [1, 3])
async def test_however_often_it_is_killed_in_the_air_a_commands_answer_is_repeated_once(
    autojump_clock: MockClock, kills: int
) -> None:
    gateway = Gateway(autojump_clock)
    row = gateway.row()
    gateway.commit(
        FinishRow(row, RowState.ANSWERED), AddOutgoing(HERE, Voice.GATEWAY, "once", row=row)
    )
    gateway.bot.delays[42] = 1.0
    for _ in range(kills):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(gateway.sender().run)
            await trio.sleep(0.75)
            nursery.cancel_scope.cancel()
    async with gateway.running():
        await gateway.settled()

    assert gateway.bot.shown().count("once") == 2


async def test_a_message_that_waits_in_a_penalty_is_not_in_the_air(
    autojump_clock: MockClock,
) -> None:
    gateway = Gateway(autojump_clock, settings=OFF)
    gateway.bot.faults["typing"] = [Fault(RateLimited(60.0))]
    async with trio.open_nursery() as nursery:
        nursery.start_soon(gateway.sender().run)
        row = gateway.row()
        await gateway.typing(row)
        await trio.sleep(3)
        await gateway.finish(row, "once")
        await trio.sleep(5)
        kept = gateway.kept()
        nursery.cancel_scope.cancel()
    async with gateway.running():
        await gateway.settled()

    assert kept == ["telegram_penalty"]
    assert gateway.bot.texts("send", "edit") == ["once"]
