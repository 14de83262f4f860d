"""The bot was away for ten hours: who wrote much is asked what of it to answer."""

from pathlib import Path

import trio

from tests.e2e.telegram_chat import ANN, BEN, TelegramChat, telegram_settings
from tests.rigs.program import LIMIT, program
from tests.rigs.telegram_api import telegram_api

TEN_HOURS = 36_000.0
MANY = 230
"""More than two batches of the poller and a page of the directory."""


async def test_who_wrote_much_is_asked_and_hears_how_many_are_left(tmp_path: Path) -> None:
    async with telegram_api() as api, program(tmp_path, **telegram_settings(api)) as it:
        ann, ben = api.person(ANN), api.person(BEN)
        for number in range(MANY):
            ann.writes(f"old-{number:03}", age=TEN_HOURS - number)
            if number % 100 == 0:
                ben.writes(f"of-ben-{number:03}", age=TEN_HOURS - number)

        await it.start()
        chat = TelegramChat(api, it)
        asked = await chat.sees_button(ann, "Last")
        await chat.hears(ben, "of-ben-200")
        await it.kill()
        await it.start()
        ann.writes("new-here")
        await chat.hears(ann, "new-here")
        press = ann.presses_button(asked, "Last")
        await api.callback_answered(press)
        await chat.hears(ann, f"old-{MANY - 1:03}")
        with trio.fail_after(LIMIT):
            said = await api.answered(ann, lambda now: any("Left unanswered" in it for it in now))
        journal = await chat.end()

    assert f"{MANY} messages of yours" in said[0]
    assert sum("While I was away" in text for text in said) == 1
    assert f"Left unanswered: {MANY - 1}." in " ".join(said)
    assert sum("old-" in text for text in said) == 1
    assert sum(row.reason.startswith("waited") for row in journal.rows) == MANY
