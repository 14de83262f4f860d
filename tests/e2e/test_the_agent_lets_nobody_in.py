"""The platform refuses the program's token: people hear it, the operator sees why, and mends it."""

from pathlib import Path

from tests.e2e.telegram_chat import telegram_chat
from tests.rigs.lambda_platform import TOKEN, lambda_platform


async def test_a_refused_token_parks_the_bridge_until_it_is_mended(tmp_path: Path) -> None:
    async with (
        lambda_platform(token="another token") as platform,
        telegram_chat(
            tmp_path,
            PLATFORM_MODE="production",
            LAMBDA_PLATFORM_URL=platform.url,
            LAMBDA_SERVICE_TOKEN=TOKEN,
        ) as chat,
    ):
        ann, ben = chat.api.person(4211), chat.api.person(4212)
        ann.writes("apricot")
        await chat.hears(ann, "does not accept my key")
        parked = (await chat.it.tree())["platform"]
        ben.writes("/help")
        await chat.hears(ben, "/settings")
        platform.gate.token = TOKEN
        done = await chat.it.debug("restart", "platform")
        ann.writes("/retry")
        said = await chat.hears(ann, "mock agent")
        journal = await chat.end()

    assert parked["state"] == "parked"
    assert "the agent refuses our token" in parked["note"]
    assert "LAMBDA_SERVICE_TOKEN" in parked["note"]
    assert done.returncode == 0
    assert any("apricot" in text for text in said)
    assert platform.stats.executed == 1
    assert [row.text for row in journal.rows].count("apricot") == 2
    assert TOKEN not in str(chat.it.log)
