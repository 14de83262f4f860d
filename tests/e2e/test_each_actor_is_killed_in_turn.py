from collections.abc import Awaitable, Callable
from pathlib import Path

import trio

from tests.rigs.matrix_settings import matrix_settings
from tests.rigs.program import Program, program
from tests.rigs.synapse import Synapse


async def test_a_conversation_in_the_terminal_goes_on_and_the_siblings_do_not_notice(
    tmp_path: Path,
) -> None:
    async with program(tmp_path, MOCK_LATENCY="off") as it:

        async def converse(victim: str) -> None:
            await it.say(f"while {victim} dies")
            assert (await it.debug("kill", victim)).returncode == 0
            await it.say(f"after {victim} died")
            await it.says(f"while {victim} dies")
            await it.says(f"after {victim} died")

        await it.start()
        await it.say("warm-up")
        await it.says("warm-up")
        for victim in ("platform", "terminal", "sessions/terminal/here", "chats", "ops", "store"):
            await _alone(it, victim, converse)
        await it.close_stdin()

        assert await it.wait() == 0


async def test_a_conversation_on_matrix_goes_on_and_the_siblings_do_not_notice(
    tmp_path: Path, synapse: Synapse
) -> None:
    settings = matrix_settings(synapse)
    bot = settings["MATRIX_USER_ID"]
    person = await trio.to_thread.run_sync(synapse.person)
    room = await person.create_room([bot])
    said = ["warm-up"]

    async with program(tmp_path, **settings) as it:

        async def converse(victim: str) -> None:
            said.extend((f"while {victim} dies", f"after {victim} died"))
            await person.send(room, said[-2])
            assert (await it.debug("kill", victim)).returncode == 0
            await person.send(room, said[-1])
            await person.watch_answers(room, bot, len(said))

        await it.start()
        with trio.fail_after(120):
            await person.watch_member(room, bot, "join")
            await person.send(room, said[0])
            await person.watch_answers(room, bot, 1)
            session = f"sessions/matrix/{room}"
            for victim in ("platform", "matrix", session, "chats", "ops", "store"):
                await _alone(it, victim, converse)
        assert await it.end() == 0

    answers = await person.answers(room, bot)
    assert len(answers) == len(said)
    assert all(words in answer for words, answer in zip(said, answers, strict=True))


async def _alone(it: Program, victim: str, converse: Callable[[str], Awaitable[None]]) -> None:
    """Let *victim* be killed in the conversation; nobody else may have a new life after it."""
    before = await it.tree()

    await converse(victim)

    after = await it.tree()
    assert after[victim]["life"] == before[victim]["life"] + 1
    assert after[victim]["restarts"] == before[victim]["restarts"] + 1
    for path in before.keys() - {victim}:
        assert after[path]["life"] == before[path]["life"], (victim, path)
