"""Albums in answers that are full, which a review found cut in two."""

from typing import Any

import pytest
from trio.testing import MockClock

from tests.actors.telegram.fake_bot_api import ALBUM, message
from tests.actors.telegram.receiver import Receiver


def album(name: str, number: int) -> list[Any]:
    return [message(None, **ALBUM | {"media_group_id": name})] * number


@pytest.mark.parametrize("between", range(81, 90))
async def test_an_album_that_a_full_answer_cuts_is_one_message_behind_another_album(
    autojump_clock: MockClock, between: int
) -> None:
    bot = Receiver(autojump_clock)
    bot.api.write(*album("a", 10), *[message(f"m{number}") for number in range(between)])
    bot.api.write(*album("b", 10))

    async with bot.running():
        await bot.until(lambda: not bot.api.pending)

    assert [len(row.files) for row in bot.journal.rows.values() if row.files] == [10, 10]


async def test_an_album_that_a_full_answer_cuts_is_one_message_among_those_of_others(
    autojump_clock: MockClock,
) -> None:
    bot = Receiver(autojump_clock)
    bot.api.write(*album("a", 10), *[message(f"m{number}") for number in range(84)])
    for part in album("b", 10):
        bot.api.write(part, message("somebody else"))

    async with bot.running():
        await bot.until(lambda: not bot.api.pending)

    assert [len(row.files) for row in bot.journal.rows.values() if row.files] == [10, 10]
