from pathlib import Path

import trio

from tests.rigs.program import program
from tests.rigs.synapse import Person, Synapse


async def test_a_token_that_is_logged_out_parks_matrix_only_and_is_in_no_output(
    tmp_path: Path, synapse: Synapse
) -> None:
    bot = await trio.to_thread.run_sync(synapse.register, "bot")
    settings = {"MATRIX_HOMESERVER": synapse.url, "MATRIX_ACCESS_TOKEN": bot.token}

    with trio.fail_after(60):
        async with program(tmp_path, MATRIX_USER_ID=bot.user_id, **settings) as it:
            await it.start()
            await Person(synapse, bot).request("POST", "/logout", {})
            parked = await it.logged("actor.parked")
            tree = await it.tree()
            shown = await it.debug()
            assert await it.end() == 0

    assert "set MATRIX_ACCESS_TOKEN" in parked["reason"]
    assert tree.pop("matrix")["state"] == "parked"
    assert {actor["state"] for actor in tree.values()} == {"up"}
    assert bot.token not in f"{it.log}{it.said}{shown.stdout}{shown.stderr}"


async def test_a_wrong_password_parks_until_it_is_mended_and_restarted(
    tmp_path: Path, synapse: Synapse
) -> None:
    bot = await trio.to_thread.run_sync(synapse.register, "bot")
    person = await trio.to_thread.run_sync(synapse.person)
    settings = {"MATRIX_HOMESERVER": synapse.url, "MATRIX_PASSWORD": "another secret"}

    with trio.fail_after(60):
        async with program(
            tmp_path, MATRIX_USER_ID=bot.user_id, ACCESS_MODE="open", **settings
        ) as it:
            await it.start()
            await it.logged("actor.parked")
            await trio.to_thread.run_sync(synapse.set_password, bot.user_id, "another secret")
            assert (await it.debug("restart", "matrix")).returncode == 0
            room = await person.create_room([bot.user_id])
            await person.watch_member(room, bot.user_id, "join")
            await person.send(room, "hello")
            await person.watch_answers(room, bot.user_id, 1)
            assert await it.end() == 0

    assert "another secret" not in f"{it.log}{it.said}"


async def test_a_stranger_gets_no_more_for_a_picture_than_for_words(
    tmp_path: Path, synapse: Synapse
) -> None:
    bot = await trio.to_thread.run_sync(synapse.register, "bot")
    owner, stranger = synapse.person("owner"), synapse.person("stranger")
    settings = {
        "MATRIX_HOMESERVER": synapse.url,
        "MATRIX_PASSWORD": bot.password,
        "ADMINS": f"matrix:{owner.user_id}",
    }
    picture = {"msgtype": "m.image", "body": "cat.png", "url": "mxc://a/b"}

    with trio.fail_after(60):
        async with program(tmp_path, MATRIX_USER_ID=bot.user_id, **settings) as it:
            await it.start()
            room = await owner.create_room([bot.user_id, stranger.user_id])
            await owner.watch_member(room, bot.user_id, "join")
            await stranger.join(room)
            for number in range(8):
                await stranger.send_content(room, picture)
                await stranger.send(room, f"word {number}")
            await owner.send(room, "hello")
            said = await owner.watch(room, lambda seen: "> hello" in seen[-1].text)
            assert await it.end() == 0

    assert sum(one.sender == bot.user_id for one in said) == 1 + 3
