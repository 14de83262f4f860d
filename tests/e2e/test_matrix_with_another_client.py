"""Somebody whose client is made with nio talks with the agent in an encrypted room."""

from pathlib import Path

from tests.e2e.matrix_chat import matrix_chat
from tests.rigs.nio_person import nio_person
from tests.rigs.synapse import Synapse


async def test_a_client_made_with_nio_reads_and_is_read(tmp_path: Path, synapse: Synapse) -> None:
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    async with (
        matrix_chat(tmp_path, synapse, is_encrypted=True) as chat,
        nio_person(synapse, theirs) as nio,
    ):
        await chat.start()
        bot, ben = chat.bot.user_id, nio.person
        room = await ben.create_room([bot], is_encrypted=True)
        await ben.watch_member(room, bot, "join")
        await nio.say(room, "first-of-all")
        await nio.sees("first-of-all", by=bot)
        await chat.it.kill()
        await nio.say(room, "while-down")
        await chat.it.start()
        await nio.sees("while-down", by=bot)
        await nio.say(room, "mock:slow")
        grown = await nio.sees("* ", by=bot)
        await nio.say(room, "!stop")
        await nio.sees("retry sends your message again", by=bot)
        await chat.end()

    assert grown["is_encrypted"]
    assert all(one["body"] is not None for one in nio.seen)
