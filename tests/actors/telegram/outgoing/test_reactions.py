"""Signs on a person's message: taken, answered, failed."""

import pytest
import trio
from attrs import define, evolve
from trio.testing import MockClock

from actors.telegram.api.outcomes import (
    Ambiguous,
    Done,
    Failure,
    Forbidden,
    RateLimited,
    Refused,
)
from actors.telegram.settings import Streaming
from protocols.ids import RoomId
from protocols.journal import RowState
from tests.actors.telegram.fake_bot import GROUP, HERE, SETTINGS, FakeBot, Fault, Gateway

ASKED = (42, 77)


@pytest.mark.parametrize(
    ("state", "signs"),
    [
        (RowState.ANSWERED, ["👀", ""]),
        (RowState.STOPPED, ["👀", ""]),
        (RowState.FAILED, ["👀", "💔"]),
        (RowState.SET_ASIDE, ["👀", "💔"]),
    ],
)
async def test_a_message_that_is_worked_on_says_so_and_what_became_of_it(
    autojump_clock: MockClock, state: RowState, signs: list[str]
) -> None:
    gateway = Gateway(autojump_clock)
    async with gateway.running():
        row = gateway.row(message_id="77")
        await gateway.typing(row)
        await trio.sleep(3)
        taken = list(gateway.bot.reactions[ASKED])
        await gateway.finish(row, "answer", state=state)
        await gateway.settled()

    assert taken == ["👀"]
    assert gateway.bot.reactions[ASKED] == signs


async def test_the_sign_goes_before_the_answer_is_settled(autojump_clock: MockClock) -> None:
    gateway = Gateway(autojump_clock)
    async with gateway.running():
        row = gateway.row(message_id="77")
        await gateway.typing(row)
        await trio.sleep(3)
        await gateway.finish(row, "answer")
        await gateway.bot.until(lambda: gateway.bot.reactions[ASKED] == ["👀", ""])
        early = gateway.outcomes()
        await gateway.settled()

    assert early == ["pending"]


async def test_without_reactions_there_are_none(autojump_clock: MockClock) -> None:
    gateway = Gateway(autojump_clock, settings=evolve(SETTINGS, has_reactions=False))
    async with gateway.running():
        row = gateway.row(message_id="77")
        await gateway.typing(row)
        await trio.sleep(3)
        await gateway.finish(row, "answer", state=RowState.FAILED)
        await gateway.settled()

    assert not gateway.bot.times("react")


async def test_a_quick_answer_takes_no_sign_away_that_was_never_there(
    autojump_clock: MockClock,
) -> None:
    gateway = Gateway(autojump_clock)
    async with gateway.running():
        await trio.sleep(1)
        row = gateway.row(message_id="77")
        await gateway.typing(row)
        await gateway.finish(row, "answer")
        await gateway.settled()

    assert not gateway.bot.times("react")


async def test_a_command_has_no_turn_and_no_sign(autojump_clock: MockClock) -> None:
    gateway = Gateway(autojump_clock)
    async with gateway.running():
        row = gateway.row(message_id="77")
        gateway.journal.rows[row] = evolve(gateway.journal.rows[row], attempts=0)
        await gateway.finish(row, "help")
        await gateway.settled()

    assert not gateway.bot.times("react")


@pytest.mark.parametrize(
    "fault", [Ambiguous("reset"), Refused(400, "REACTION_INVALID"), Forbidden("no rights")]
)
async def test_a_sign_that_fails_is_given_up_and_the_answer_comes(
    autojump_clock: MockClock, fault: Failure
) -> None:
    gateway = Gateway(autojump_clock)
    gateway.bot.faults["react"] = [Fault(fault)] * 2
    async with gateway.running():
        row = gateway.row(GROUP, message_id="77")
        await gateway.typing(row)
        await trio.sleep(3)
        await gateway.finish(row, "answer")
        await gateway.settled()

    assert len(gateway.bot.times("react")) == 2
    assert gateway.bot.shown(GROUP) == ["answer"]
    assert gateway.outcomes() == ["sent"]


async def test_no_sign_is_tried_again_after_a_penalty_and_none_holds_an_answer_up(
    autojump_clock: MockClock,
) -> None:
    gateway = Gateway(autojump_clock)
    gateway.bot.faults["react"] = [Fault(RateLimited(10.0))]
    async with gateway.running():
        await trio.sleep(1)
        row = gateway.row(message_id="77")
        await gateway.typing(row)
        await trio.sleep(3)
        await gateway.finish(row, "answer")
        await gateway.settled()
        ended = trio.current_time()

    (told,) = gateway.bot.times("react")
    assert told < 3
    assert ended == pytest.approx(told + 10.0, abs=1.0)


async def test_a_sign_that_waits_goes_when_the_answer_is_there(autojump_clock: MockClock) -> None:
    gateway = Gateway(autojump_clock)
    gateway.bot.faults["typing"] = [Fault(RateLimited(1.0))]
    async with gateway.running():
        other = gateway.row(GROUP)
        await gateway.typing(other)
        await trio.sleep(2.5)
        row = gateway.row(message_id="77")
        await gateway.typing(row)
        await trio.sleep(0.5)
        began = trio.current_time()
        await gateway.finish(row, "answer")
        await gateway.settled()

    assert gateway.bot.shown() == ["answer"]
    assert trio.current_time() - began < 1.5


async def test_an_answer_that_telegram_refuses_leaves_a_sign_of_failure(
    autojump_clock: MockClock,
) -> None:
    gateway = Gateway(autojump_clock)
    gateway.bot.faults["edit"] = [Fault(Refused(400, "no"))]
    async with gateway.running():
        row = gateway.row(message_id="77")
        await gateway.finish(row, "answer")
        await gateway.settled()

    assert gateway.outcomes() == ["failed"]
    assert gateway.bot.reactions[ASKED] == ["💔"]


@define
class SlowToReact(FakeBot):
    """Takes its time over reactions."""

    async def react(self, chat_id: int, message_id: int, emoji: str) -> Done | Failure:
        await trio.sleep(1000)
        return await FakeBot.react(self, chat_id, message_id, emoji)


async def test_a_slow_sign_holds_no_answer_up_for_long(autojump_clock: MockClock) -> None:
    gateway = Gateway(autojump_clock, SlowToReact())
    async with gateway.running():
        row = gateway.row(message_id="77")
        await gateway.typing(row)
        await trio.sleep(1.5)
        await gateway.finish(row, "answer")
        await gateway.settled()

    assert gateway.bot.shown() == ["answer"]
    assert autojump_clock.current_time() < 8


async def test_a_closed_chat_gets_no_sign(autojump_clock: MockClock) -> None:
    gateway = Gateway(autojump_clock)
    gateway.bot.faults["send"] = [Fault(Forbidden("blocked"))]
    async with gateway.running():
        row = gateway.row(message_id="77")
        await gateway.typing(row)
        await trio.sleep(3)
        await gateway.finish(row, "answer", state=RowState.FAILED)
        await gateway.settled()

    assert not gateway.bot.times("react")


@pytest.mark.parametrize("streaming", Streaming)
@pytest.mark.parametrize("is_known", [True, False])
async def test_a_sign_of_an_earlier_life_is_taken_away(
    autojump_clock: MockClock, streaming: Streaming, *, is_known: bool
) -> None:
    gateway = Gateway(autojump_clock, settings=evolve(SETTINGS, streaming=streaming))
    row = gateway.row(message_id="77")
    async with gateway.running():
        await gateway.typing(row)
        await trio.sleep(3)
    async with gateway.running():
        if is_known:
            await gateway.typing(row)
        await gateway.finish(row, "answer")
        await gateway.settled()

    assert gateway.bot.reactions[ASKED] == ["👀", ""]


@pytest.mark.parametrize("room", ["telegram/x", HERE])
async def test_what_is_no_room_or_no_message_of_telegrams_gets_no_sign(
    autojump_clock: MockClock, room: str
) -> None:
    gateway = Gateway(autojump_clock)
    async with gateway.running():
        row = gateway.row(RoomId(room), message_id="77" if room != HERE else "")
        await gateway.typing(row)
        await trio.sleep(3)
        await gateway.finish(row, "answer", state=RowState.FAILED)
        await gateway.settled()

    assert not gateway.bot.times("react")
