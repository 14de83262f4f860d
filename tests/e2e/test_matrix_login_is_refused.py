import shutil
from pathlib import Path

import pytest
import trio

from tests.e2e.matrix_chat import matrix_chat
from tests.rigs.matrix_faults import garbage
from tests.rigs.matrix_proxy import matrix_proxy
from tests.rigs.program import program
from tests.rigs.synapse import Person, Synapse
from tests.rigs.tls import untrusted_server


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


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"MATRIX_ACCESS_TOKEN": "syt_of_nobody"}, "MATRIX_ACCESS_TOKEN"),
        ({"MATRIX_USER_ID": "@somebody:synapse.test"}, "MATRIX_USER_ID"),
        ({"MATRIX_DEVICE_ID": "ANOTHER"}, "MATRIX_DEVICE_ID"),
        ({"MATRIX_HOMESERVER": "untrusted"}, "certificate"),
    ],
    ids=["token", "user", "device", "certificate"],
)
async def test_a_setting_that_does_not_fit_parks_matrix_with_one_clear_line(
    tmp_path: Path, synapse: Synapse, wrong: dict[str, str], words: str
) -> None:
    bot = await trio.to_thread.run_sync(synapse.register, "bot")
    async with untrusted_server(tmp_path) as untrusted:
        settings = {
            "MATRIX_HOMESERVER": synapse.url,
            "MATRIX_USER_ID": bot.user_id,
            "MATRIX_ACCESS_TOKEN": bot.token,
            **wrong,
        }
        if settings["MATRIX_HOMESERVER"] == "untrusted":
            settings["MATRIX_HOMESERVER"] = untrusted
        async with program(tmp_path, **settings) as it:
            await it.start()
            parked = await it.logged("actor.parked")
            tree = await it.tree()
            assert await it.end() == 0

    assert words in parked["reason"]
    assert "\n" not in parked["reason"]
    assert tree.pop("matrix")["state"] == "parked"
    assert {actor["state"] for actor in tree.values()} == {"up"}
    for secret in (bot.token, "syt_of_nobody"):
        assert secret not in f"{it.log}{it.said}"


async def test_a_server_that_is_not_matrix_is_named(tmp_path: Path) -> None:
    async with matrix_proxy("http://127.0.0.1:1") as proxy:
        proxy.fail(garbage(), times=0)
        settings = {"MATRIX_HOMESERVER": proxy.url, "MATRIX_USER_ID": "@bot:synapse.test"}
        async with program(tmp_path, MATRIX_PASSWORD="secret", **settings) as it:
            await it.start()
            parked = await it.logged("actor.parked")
            assert await it.end() == 0

    assert "MATRIX_HOMESERVER" in parked["reason"]
    assert not proxy.calls_of("login")


async def test_keys_that_are_lost_are_said_and_mended_by_a_new_login(
    tmp_path: Path, synapse: Synapse
) -> None:
    async with matrix_chat(tmp_path, synapse, is_encrypted=True) as chat:
        chat.person.is_strict = True
        await chat.start()
        await chat.say("before-the-loss")
        await chat.hears("before-the-loss")
        assert await chat.it.end() == 0
        shutil.rmtree(tmp_path / "matrix_store" / "crypto")

        seen = len(chat.it.log)
        await chat.it.start()
        parked = await chat.it.logged("actor.parked", after=seen)
        login = await chat.it.debug("matrix-login")
        restarted = await chat.it.debug("restart", "matrix")
        await chat.has_signed_devices(2)
        await chat.say("behind-the-loss")
        answer = await chat.finds("behind-the-loss")
        await chat.end()

    assert "debug matrix-login" in parked["reason"]
    assert (login.returncode, restarted.returncode) == (0, 0)
    assert answer.is_trusted


async def test_a_login_that_is_at_work_is_not_forgotten(tmp_path: Path, synapse: Synapse) -> None:
    async with matrix_chat(tmp_path, synapse, is_encrypted=True) as chat:
        await chat.start()
        await chat.say("at-work")
        await chat.hears("at-work")
        refused = await chat.it.debug("matrix-login")
        await chat.say("still-at-work")
        await chat.hears("still-at-work")
        await chat.end()
    forgotten = await chat.it.debug("matrix-login")

    assert refused.returncode == 1
    assert "stop it first" in refused.stderr
    assert forgotten.returncode == 0
    (aside,) = (tmp_path / "matrix_store").glob("before-*")
    assert {path.name for path in aside.iterdir()} == {"crypto", "session.json"}


async def test_a_second_program_with_the_same_keys_is_refused(
    tmp_path: Path, synapse: Synapse
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    keys = {"MATRIX_STORE_PATH": str(tmp_path / "keys")}
    async with matrix_chat(first, synapse, is_encrypted=True, **keys) as chat:
        await chat.start()
        async with program(second, **chat.it.environment) as other:
            await other.start()
            parked = await other.logged("actor.parked")
            assert await other.end() == 0
        await chat.say("not-disturbed")
        await chat.hears("not-disturbed")
        await chat.end()
    assert "another process" in parked["reason"]


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
