"""Presses of one chat are answered one after the other, and hold up nobody else."""

import trio
from trio.testing import MockClock

from actors.telegram.api.outcomes import RateLimited
from actors.telegram.errands.presses import Presses
from actors.telegram.outgoing.gate import Gate
from actors.telegram.outgoing.limits import Budget
from actors.telegram.outgoing.posting import Post
from actors.telegram.outgoing.tally import Tally
from actors.telegram.outgoing.targets import Targets
from protocols.ids import RoomId
from protocols.surfaces import AnswerPress
from tests.actors.telegram.fake_bot import GROUP, HERE, FakeBot, Fault, Gateway
from tests.fakes import MemoryStoreAddress


async def test_a_flood_of_presses_holds_up_no_other_chat(autojump_clock: MockClock) -> None:
    gateway = Gateway(autojump_clock)
    gateway.bot.delays[0] = 0.002  # so near that only the rate of the whole bot slows them
    async with gateway.running():
        await trio.sleep(10)
        for number in range(500):
            await gateway.tell(AnswerPress(HERE, str(number), "no"))
        await trio.sleep(1)
        began = trio.current_time()
        await gateway.tell(AnswerPress(GROUP, "theirs", "yes"))
        await gateway.say("quick", GROUP)
        await gateway.bot.until(lambda: gateway.bot.shown(GROUP) == ["quick"])
        took = trio.current_time() - began
        is_answered = ("theirs", "yes") in gateway.bot.pressed
        await gateway.bot.until(lambda: len(gateway.bot.pressed) == 501)

    assert took < 1
    assert is_answered
    mine = [press_id for press_id, text in gateway.bot.pressed if text == "no"]
    assert mine == [str(number) for number in range(500)]


async def test_a_flood_that_is_too_old_is_dropped_and_takes_no_memory(
    autojump_clock: MockClock,
) -> None:
    bot = FakeBot()
    bot.faults["press"] = [Fault(RateLimited(200.0))]
    post = Post(bot, Gate(Budget.fresh(-60)), MemoryStoreAddress(), Targets(), Tally())
    presses = Presses(post, 150.0)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(post.gate.run)
        await post.remember()
        async with trio.open_nursery() as flood:
            for room in (HERE, RoomId("telegram/42/7")):
                for number in range(10):
                    flood.start_soon(presses.answer, AnswerPress(room, str(number), "no"))
        nursery.cancel_scope.cancel("the test is over")

    assert autojump_clock.current_time() < 151
    assert len(bot.times("press")) == 1
    assert not presses._lines
