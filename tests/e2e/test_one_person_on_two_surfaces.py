"""One person on Telegram and on Matrix: a code makes them one, across a kill, and parts them."""

import re
from pathlib import Path

from tests.e2e.matrix_chat import matrix_chat
from tests.e2e.telegram_chat import ANN, TelegramChat, telegram_settings
from tests.rigs.synapse import Synapse
from tests.rigs.telegram_api import telegram_api


async def test_a_code_makes_both_one_person_and_answers_stay_where_they_were_asked(
    tmp_path: Path, synapse: Synapse
) -> None:
    async with (
        telegram_api() as api,
        matrix_chat(tmp_path, synapse, is_encrypted=False, **telegram_settings(api)) as here,
    ):
        there = TelegramChat(api, here.it)
        ann = api.person(ANN)
        await here.start()
        ann.writes("first-there")
        await there.hears(ann, "first-there")
        await here.say("first-here")
        await here.hears("first-here")

        ann.writes("/link")
        said = await there.hears(ann, "Your code is")
        code = re.findall(r"link ([A-Z0-9]{8})", said[-1])[0]
        await here.say(f"!link {code}")
        moved = await here.finds("are the same person")
        await there.hears(ann, "Your code was entered")
        await here.it.kill()
        await here.it.start()
        await here.say("second-here")
        await here.hears("second-here")
        ann.writes("second-there")
        await there.hears(ann, "second-there")
        await here.say("!chats")
        listed = await here.finds("Your chats")
        await here.say("!unlink")
        await here.hears("a person of your own again")
        await there.hears(ann, "is not the same person as you any more")
        await here.say("third-here")
        await here.hears("third-here")
        journal = await here.end()

    assert "C1 → **C2**" in moved.text
    assert "on Telegram" in listed.text
    slots = {row.text: row.slot for row in journal.rows if row.run_id is not None}
    assert {slots[f"{number}-there"] for number in ("first", "second")} == {"C1"}
    assert {slots[f"{number}-here"] for number in ("first", "second", "third")} == {"C2"}
    assert not any("-here" in text for text in api.answers(ann))
    assert not api.violations
