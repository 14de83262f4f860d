from pathlib import Path

from tests.rigs.program import program

_VICTIMS = ("platform", "terminal", "sessions/terminal/here", "chats", "ops", "store")


async def test_the_conversation_goes_on_and_the_siblings_do_not_notice(tmp_path: Path) -> None:
    async with program(tmp_path, MOCK_LATENCY="off") as it:
        await it.start()
        await it.say("warm-up")
        await it.says("warm-up")
        for number, victim in enumerate(_VICTIMS):
            before = await it.tree()
            await it.say(f"while-{number}")

            done = await it.debug("kill", victim)

            assert done.returncode == 0, done.stderr
            await it.say(f"after-{number}")
            await it.says(f"while-{number}")
            await it.says(f"after-{number}")
            after = await it.tree()
            assert after[victim]["life"] == before[victim]["life"] + 1
            assert after[victim]["restarts"] == before[victim]["restarts"] + 1
            for path in before.keys() - {victim}:
                assert after[path]["life"] == before[path]["life"], (victim, path)
        await it.close_stdin()

        assert await it.wait() == 0
