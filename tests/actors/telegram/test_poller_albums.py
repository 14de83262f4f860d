"""Albums on their way through the poller, over a Bot API server in memory."""

from itertools import pairwise

import trio
from trio.testing import MockClock

from tests.actors.telegram.fake_bot_api import ALBUM, failure, message, plain
from tests.actors.telegram.receiver import Receiver


async def test_an_album_is_one_message_although_its_parts_come_apart(
    autojump_clock: MockClock,
) -> None:
    bot = Receiver(autojump_clock)

    async with bot.running():
        await trio.sleep(5)
        bot.api.write(message("before"), message(None, caption="look", **ALBUM))
        await trio.sleep(0.5)
        bot.api.write(message(None, **ALBUM), message("after"))
        await bot.until(lambda: bot.heard() == ["before", "look", "after"], within=4)

    assert [len(row.files) for row in bot.journal.rows.values()] == [0, 2, 0]
    held = [(fields["offset"], fields["timeout"]) for fields, _ in bot.api.polls()]
    assert held[:5] == [("0", "0"), ("0", "30"), ("2", "0"), ("2", "0"), ("5", "30")]


async def test_while_an_album_is_waited_for_nothing_of_it_is_confirmed(
    autojump_clock: MockClock,
) -> None:
    bot = Receiver(autojump_clock)
    bot.api.write(message("before"), message(None, caption="look", **ALBUM))

    async with bot.running():
        await bot.until(lambda: bot.heard() == ["before"])
        assert (bot.cursor(), len(bot.api.polls())) == ("2", 1)
        assert "the rest of an album" in bot.life.said[-1]
    async with bot.running():
        await bot.until(lambda: bot.heard() == ["before", "look"])

    assert bot.cursor() == "3"


async def test_an_offset_is_never_asked_for_twice_within_half_a_second(
    autojump_clock: MockClock,
) -> None:
    bot = Receiver(autojump_clock)

    async with bot.running():
        for _ in range(5):
            bot.api.write(message(None, **ALBUM))
            await trio.sleep(0.7)
        await bot.until(lambda: not bot.api.pending)

    polls = [(fields["offset"], at) for fields, at in bot.api.polls()]
    again = [late - soon for (a, soon), (b, late) in pairwise(polls) if a == b]
    assert again
    assert min(again) > 0.5


async def test_an_album_that_waited_for_us_is_backlog(autojump_clock: MockClock) -> None:
    bot = Receiver(autojump_clock)
    bot.api.write(message("one", date=999), *[message(None, date=999, **ALBUM)] * 3)

    async with bot.running():
        await bot.until(lambda: len(bot.heard()) == 2)
        bot.api.write(message("late", date=999))
        await bot.until(lambda: len(bot.heard()) == 3)

    assert [row.is_backlog for row in bot.journal.rows.values()] == [True, True, False]


async def test_albums_among_hundreds_that_waited_are_each_one_message(
    autojump_clock: MockClock,
) -> None:
    bot = Receiver(autojump_clock)
    for number in range(60):
        bot.api.write(message(f"m{number}"))
        bot.api.write(*[message(None, **ALBUM | {"media_group_id": f"a{number}"})] * 4)

    async with bot.running():
        await bot.until(lambda: len(bot.heard()) == 120, within=20)

    assert [len(row.files) for row in bot.journal.rows.values()] == [0, 4] * 60


async def test_an_album_is_one_message_although_telegram_fails_in_between(
    autojump_clock: MockClock,
) -> None:
    bot = Receiver(autojump_clock)
    bot.api.write(*[message(None, **ALBUM)] * 2)

    async with bot.running():
        await bot.until(lambda: len(bot.api.polls()) == 1)
        bot.api.fail("getUpdates", plain(502, "<html>"), failure(429, "", retry_after=9))
        bot.api.write(message(None, **ALBUM))
        await bot.until(lambda: not bot.api.pending)

    assert [len(row.files) for row in bot.journal.rows.values()] == [3]
