"""The store is opened by one process, for the device that it belongs to."""

import os
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest
import trio
import trio.testing
from attrs import evolve

from actors.matrix.api.homeserver import Session
from actors.matrix.api.login import LoginRefused
from actors.matrix.api.replies import Done, Limited, Refused, Reply, TokenRefused, Unreachable
from actors.matrix.crypto.folder import DATABASE
from actors.matrix.crypto.signing import is_signed
from tests.actors.matrix.crypto.key_server import LOST, ROOM, KeyServer, opened, party

MENDED_BY = "python supervisor.py debug matrix-login"


@pytest.fixture
def server() -> KeyServer:
    return KeyServer()


async def test_a_second_process_is_refused_in_one_line(
    server: KeyServer, nursery: trio.Nursery, tmp_path: Path
) -> None:
    await opened(nursery, server, tmp_path)
    second = party(server, tmp_path / "@bot:fakeBOT")

    refused = await second.vault.open(second.session)

    assert refused == LoginRefused("another process uses MATRIX_STORE_PATH: stop it")


async def test_a_closed_store_can_be_opened_again(server: KeyServer, tmp_path: Path) -> None:
    first, second = party(server, tmp_path), party(server, tmp_path)
    await first.vault.open(first.session)
    first.vault.close()
    first.vault.close()

    assert await second.vault.open(second.session) is None

    second.vault.close()


async def test_nothing_stays_open_behind_a_closed_store(server: KeyServer, tmp_path: Path) -> None:
    one = party(server, tmp_path)
    await one.vault.open(one.session)
    one.vault.close()
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208  # one path, no pattern

    for _ in range(3):
        await one.vault.open(one.session)
        one.vault.close()

    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208  # the same


async def test_only_its_owner_may_read_the_store(server: KeyServer, tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "crypto"
    one = party(server, folder)
    await one.vault.open(one.session)

    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}

    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert modes[DATABASE] == 0o600
    one.vault.close()


async def test_a_folder_that_cannot_be_made_is_named_by_its_setting(
    server: KeyServer, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    one = party(server, tmp_path / "file" / "crypto")

    refused = await one.vault.open(one.session)

    assert isinstance(refused, LoginRefused)
    assert "MATRIX_STORE_PATH" in refused.reason


@pytest.mark.parametrize("garbage", [b"no database at all" * 100, b"\x00" * 5000])
async def test_a_damaged_store_is_refused_with_what_mends_it(
    server: KeyServer, tmp_path: Path, garbage: bytes
) -> None:
    (tmp_path / DATABASE).write_bytes(garbage)
    one = party(server, tmp_path)

    refused = await one.vault.open(one.session)

    assert isinstance(refused, LoginRefused)
    assert MENDED_BY in refused.reason
    assert "\n" not in refused.reason


async def test_an_empty_store_for_a_device_that_has_keys_is_refused_with_what_mends_it(
    server: KeyServer, nursery: trio.Nursery, tmp_path: Path
) -> None:
    await opened(nursery, server, tmp_path)
    keys = dict(server.devices["@bot:fake"])
    stranger = party(server, tmp_path / "empty")

    refused = await stranger.vault.open(stranger.session)

    assert isinstance(refused, LoginRefused)
    assert MENDED_BY in refused.reason
    assert server.devices["@bot:fake"] == keys
    assert "keys/upload" not in stranger.client.names()


async def test_a_refused_store_is_let_go_of(
    server: KeyServer, nursery: trio.Nursery, tmp_path: Path
) -> None:
    await opened(nursery, server, tmp_path)
    stranger = party(server, tmp_path / "empty")
    await stranger.vault.open(stranger.session)
    other = party(server, tmp_path / "empty", device="NEW")

    assert await other.vault.open(other.session) is None

    other.vault.close()


async def test_keys_that_the_server_has_lost_go_up_again(
    server: KeyServer, nursery: trio.Nursery, tmp_path: Path
) -> None:
    first = await opened(nursery, server, tmp_path)
    keys = server.devices["@bot:fake"].pop("BOT")
    server.one_time.clear()
    first.vault.close()

    await opened(nursery, server, tmp_path)

    assert server.devices["@bot:fake"]["BOT"] == keys
    assert len(server.one_time["@bot:fake", "BOT"]) == 50


async def test_an_upload_whose_answer_was_lost_belongs_to_us_after_a_kill(
    server: KeyServer, nursery: trio.Nursery, tmp_path: Path
) -> None:
    first = party(server, tmp_path / "@bot:fakeBOT")
    first.client.faults["keys/upload"] = [LOST]
    await first.vault.open(first.session)
    with trio.move_on_after(0.5):
        await first.vault.run()
    first.vault.close()
    held = dict(server.one_time["@bot:fake", "BOT"])

    await opened(nursery, server, tmp_path)

    assert held
    assert server.one_time["@bot:fake", "BOT"] == held


async def test_opening_waits_while_the_server_is_away(
    server: KeyServer, tmp_path: Path, autojump_clock: trio.testing.MockClock
) -> None:
    one = party(server, tmp_path)
    one.client.faults["keys/query"] = [Unreachable("reset"), Limited(30.0), Unreachable("502")]

    assert await one.vault.open(one.session) is None

    assert autojump_clock.current_time() > 30
    one.vault.close()


@pytest.mark.parametrize("fault", [Refused(403, ""), Refused(400, "M_UNKNOWN"), Done({})])
async def test_an_answer_that_does_not_tell_our_keys_is_asked_for_again(
    server: KeyServer,
    nursery: trio.Nursery,
    tmp_path: Path,
    autojump_clock: trio.testing.MockClock,
    fault: Reply,
) -> None:
    one = party(server, tmp_path)
    one.client.faults["keys/query"] = [fault, fault]

    assert await one.vault.open(one.session) is None
    nursery.start_soon(one.vault.run)
    await trio.sleep(1)

    assert autojump_clock.current_time() > 1
    assert "BOT" in server.devices["@bot:fake"]
    one.vault.close()


async def test_a_store_that_is_damaged_farther_in_is_refused_and_let_go_of(
    server: KeyServer, tmp_path: Path
) -> None:
    one = party(server, tmp_path)
    assert await one.vault.open(one.session) is None
    one.vault.close()
    with closing(sqlite3.connect(tmp_path / DATABASE)) as database:
        database.execute("ALTER TABLE encryptedrooms RENAME COLUMN room_id TO lost")
        database.commit()

    refusals = [await one.vault.open(one.session) for _ in range(2)]

    for refused in refusals:
        assert isinstance(refused, LoginRefused)
        assert MENDED_BY in refused.reason


async def test_nothing_goes_up_for_a_session_that_has_ended(
    server: KeyServer, nursery: trio.Nursery, tmp_path: Path
) -> None:
    one = party(server, tmp_path)
    one.client.faults["keys/query"] = [TokenRefused()]
    assert await one.vault.open(one.session) is None
    nursery.start_soon(one.vault.run)
    await trio.testing.wait_all_tasks_blocked()
    before = one.client.names()

    assert await one.vault.open(evolve(one.session, access_token="new")) is None
    await trio.testing.wait_all_tasks_blocked()

    assert "keys/upload" not in before
    assert "BOT" in server.devices["@bot:fake"]
    one.vault.close()


async def test_a_renewed_session_keeps_the_keys(
    server: KeyServer, nursery: trio.Nursery, tmp_path: Path
) -> None:
    bot = await opened(nursery, server, tmp_path)
    ann = await opened(nursery, server, tmp_path, "@ann:fake", "PHONE")
    first = await bot.say("one")

    assert await bot.vault.open(Session("@bot:fake", "BOT", "renewed")) is None
    second = await bot.say("two")

    await ann.hear()
    assert [ann.read(first), ann.read(second)] == ["one", "two"]
    assert first["content"]["session_id"] == second["content"]["session_id"]


async def test_another_device_of_ours_gets_keys_of_its_own_and_knows_our_rooms(
    server: KeyServer, nursery: trio.Nursery, tmp_path: Path
) -> None:
    bot = await opened(nursery, server, tmp_path)
    ann = await opened(nursery, server, tmp_path, "@ann:fake", "PHONE")
    bot.vault.saw_encryption(ROOM)
    bot.client.device = "SECOND"

    assert await bot.vault.open(bot.session) is None
    await trio.testing.wait_all_tasks_blocked()
    event = await bot.say("hi")

    await ann.hear()
    assert ann.read(event) == "hi"
    assert set(server.devices["@bot:fake"]) == {"BOT", "SECOND"}
    assert bot.vault.is_encrypted(ROOM)


async def test_the_keys_of_the_device_are_announced_in_each_life(
    server: KeyServer, tmp_path: Path
) -> None:
    announced = []
    for _ in range(2):
        one = party(server, tmp_path)

        async def announce(keys: dict[str, object]) -> None:
            await trio.lowlevel.checkpoint()
            assert server.devices["@bot:fake"]["BOT"] == keys
            announced.append(keys)

        one.vault.announce = announce
        await one.vault.open(one.session)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(one.vault.run)
            with trio.fail_after(5):
                await one.vault.announced()
            nursery.cancel_scope.cancel()
        one.vault.close()

    assert len(announced) == 2
    assert announced[0] == announced[1]


async def test_our_device_vouches_for_what_it_signs(
    server: KeyServer, nursery: trio.Nursery, tmp_path: Path
) -> None:
    bot = await opened(nursery, server, tmp_path)
    key = server.devices["@bot:fake"]["BOT"]["keys"]["ed25519:BOT"]
    body = {"keys": {"a": "b"}, "signatures": {"@bot:fake": {"x": "y"}}, "unsigned": {"n": 1}}

    signed = bot.vault.signed(body)

    assert signed.keys() == {"keys", "signatures"}
    assert is_signed(signed, user_id="@bot:fake", public=key, signer="BOT")
    assert not is_signed(signed | {"keys": {}}, user_id="@bot:fake", public=key, signer="BOT")
