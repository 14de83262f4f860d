"""What Telegram confirmed is not said again, also after a kill."""

import trio
from attrs import evolve
from trio.testing import MockClock

from actors.telegram.settings import Streaming
from tests.actors.telegram.fake_bot import SETTINGS, Gateway


async def test_a_piece_that_telegram_confirmed_is_not_said_again(
    autojump_clock: MockClock,
) -> None:
    """Killed while the reaction is slow: the last piece was confirmed seconds ago."""
    gateway = Gateway(autojump_clock)
    text = "\n\n".join(f"part {number} " + "word " * 700 for number in range(2))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(gateway.sender().run)
        row = gateway.row(message_id="77")
        await gateway.typing(row)
        await trio.sleep(5)
        gateway.bot.delays[42] = 0.05
        await gateway.finish(row, text)
        await gateway.bot.until(lambda: len(gateway.bot.shown()) == 2)
        gateway.bot.delays[42] = 10.0  # Telegram is slow with the reaction
        await trio.sleep(5)
        nursery.cancel_scope.cancel()
    gateway.bot.delays[42] = 0.05
    async with gateway.running():
        await gateway.settled()
    assert [shown[:6] for shown in gateway.bot.shown()] == ["part 0", "part 1"]


async def test_a_whole_answer_that_telegram_confirmed_is_not_said_again_without_streaming(
    autojump_clock: MockClock,
) -> None:
    gateway = Gateway(autojump_clock, settings=evolve(SETTINGS, streaming=Streaming.OFF))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(gateway.sender().run)
        row = gateway.row(message_id="77")
        await gateway.typing(row)
        await trio.sleep(5)
        await gateway.finish(row, "whole")
        await gateway.bot.until(lambda: len(gateway.bot.shown()) == 1)
        gateway.bot.delays[42] = 10.0
        await trio.sleep(5)
        nursery.cancel_scope.cancel()
    gateway.bot.delays[42] = 0.05
    async with gateway.running():
        await gateway.settled()
    assert gateway.bot.shown() == ["whole"]
