"""The server never runs out of our one-time keys for long."""

from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing

from actors.matrix.api.replies import Refused, Unreachable
from tests.actors.matrix.crypto.key_server import LOST, KeyServer, opened, party

BOT = ("@bot:fake", "BOT")


@pytest.fixture
def server() -> KeyServer:
    return KeyServer()


def uploads(calls: list[tuple[str, Any]]) -> list[dict[str, Any]]:
    return [body for name, body in calls if name == "keys/upload"]


async def test_the_first_upload_has_all_that_others_need(
    server: KeyServer, nursery: trio.Nursery, tmp_path: Path
) -> None:
    bot = await opened(nursery, server, tmp_path)

    (body,) = uploads(bot.client.calls)

    assert set(body) == {"device_keys", "one_time_keys", "fallback_keys"}
    assert len(body["one_time_keys"]) == 50
    assert [key["fallback"] for key in body["fallback_keys"].values()] == [True]


@pytest.mark.parametrize("left", [0, 1, 25])
async def test_what_was_claimed_is_replaced(
    server: KeyServer, nursery: trio.Nursery, tmp_path: Path, left: int
) -> None:
    bot = await opened(nursery, server, tmp_path)
    held = server.one_time[BOT]
    for name in list(held)[left:]:
        del held[name]

    await bot.hear()
    await trio.testing.wait_all_tasks_blocked()

    assert len(held) == 50


async def test_a_few_claims_are_no_reason_for_an_upload(
    server: KeyServer, nursery: trio.Nursery, tmp_path: Path
) -> None:
    bot = await opened(nursery, server, tmp_path)
    held = server.one_time[BOT]
    for name in list(held)[30:]:
        del held[name]

    await bot.hear()
    await trio.testing.wait_all_tasks_blocked()

    assert len(uploads(bot.client.calls)) == 1


async def test_a_kind_of_key_that_the_server_does_not_name_has_run_out(
    server: KeyServer, nursery: trio.Nursery, tmp_path: Path
) -> None:
    bot = await opened(nursery, server, tmp_path)
    server.one_time[BOT].clear()

    await bot.vault.receive({"device_one_time_keys_count": {}})
    await trio.testing.wait_all_tasks_blocked()

    assert len(server.one_time[BOT]) == 50


async def test_a_server_that_says_no_numbers_is_asked_when_somebody_speaks_to_us(
    server: KeyServer, nursery: trio.Nursery, tmp_path: Path
) -> None:
    bot = await opened(nursery, server, tmp_path)
    ann = await opened(nursery, server, tmp_path, "@ann:fake", "PHONE")
    await ann.say("hi")
    server.one_time[BOT].clear()
    page = bot.client.page()
    del page["device_one_time_keys_count"]

    await bot.vault.receive({"next_batch": "s2"})
    await trio.testing.wait_all_tasks_blocked()
    asked_in_vain = len(uploads(bot.client.calls)) - 1
    await bot.vault.receive(page)
    await trio.testing.wait_all_tasks_blocked()

    assert asked_in_vain == 0
    assert len(server.one_time[BOT]) == 50


async def test_a_fallback_key_that_was_used_is_replaced(
    server: KeyServer, nursery: trio.Nursery, tmp_path: Path
) -> None:
    bot = await opened(nursery, server, tmp_path)
    ann = await opened(nursery, server, tmp_path, "@ann:fake", "PHONE")
    first = dict(server.fallback[BOT])
    server.one_time[BOT].clear()

    event = await ann.say("by your last key")
    await bot.hear()
    await trio.testing.wait_all_tasks_blocked()

    assert bot.read(event) == "by your last key"
    assert server.fallback[BOT] != first


async def test_an_upload_whose_answer_was_lost_is_made_again_with_the_same_keys(
    server: KeyServer,
    nursery: trio.Nursery,
    tmp_path: Path,
    autojump_clock: trio.testing.MockClock,
) -> None:
    bot = party(server, tmp_path)
    bot.client.faults["keys/upload"] = [LOST]
    await bot.vault.open(bot.session)
    nursery.start_soon(bot.vault.run)

    await trio.sleep(10)

    first, second = uploads(bot.client.calls)
    assert first == second
    assert len(server.one_time[BOT]) == 50
    assert autojump_clock.current_time() < 100
    bot.vault.close()


async def test_keys_that_were_made_before_a_kill_go_up_after_it(
    server: KeyServer, nursery: trio.Nursery, tmp_path: Path
) -> None:
    first = party(server, tmp_path / "@bot:fakeBOT")
    first.client.always["keys/upload"] = Unreachable("reset")
    await first.vault.open(first.session)
    with trio.move_on_after(0.5):
        await first.vault.run()
    first.vault.close()

    bot = await opened(nursery, server, tmp_path)
    ann = await opened(nursery, server, tmp_path, "@ann:fake", "PHONE")
    event = await ann.say("hi")
    await bot.hear()

    assert uploads(first.client.calls)[0] == uploads(bot.client.calls)[0]
    assert bot.read(event) == "hi"


async def test_ids_that_the_server_has_from_another_life_are_passed_over(
    server: KeyServer,
    nursery: trio.Nursery,
    tmp_path: Path,
    autojump_clock: trio.testing.MockClock,
) -> None:
    bot = party(server, tmp_path)
    server.one_time[BOT] = {"signed_curve25519:AAAAAAAAAAA": {"key": "old"}}
    await bot.vault.open(bot.session)
    nursery.start_soon(bot.vault.run)

    await trio.sleep(10)

    assert len(server.one_time[BOT]) >= 50
    assert server.devices["@bot:fake"]["BOT"]
    assert autojump_clock.current_time() < 100
    bot.vault.close()


@pytest.mark.parametrize("refused", [Refused(403, ""), Refused(400, ""), Refused(413, "M_X")])
async def test_an_upload_that_is_refused_for_another_reason_uses_up_no_keys(
    server: KeyServer,
    nursery: trio.Nursery,
    tmp_path: Path,
    autojump_clock: trio.testing.MockClock,
    refused: Refused,
) -> None:
    bot = party(server, tmp_path)
    bot.client.always["keys/upload"] = refused
    await bot.vault.open(bot.session)
    nursery.start_soon(bot.vault.run)

    await trio.sleep(100)
    tried = [body["one_time_keys"].keys() for body in uploads(bot.client.calls)]
    bot.client.always.clear()
    await trio.sleep(61)

    assert autojump_clock.current_time() > 100
    assert len(tried) > 2
    assert {*map(frozenset, tried)} == {frozenset(server.one_time[BOT])}
    bot.vault.close()


async def test_a_server_that_is_away_is_asked_with_patience(
    server: KeyServer,
    nursery: trio.Nursery,
    tmp_path: Path,
    autojump_clock: trio.testing.MockClock,
) -> None:
    bot = party(server, tmp_path)
    bot.client.always["keys/upload"] = Unreachable("502")
    await bot.vault.open(bot.session)
    nursery.start_soon(bot.vault.run)

    await trio.sleep(3600)
    tries = len(uploads(bot.client.calls))
    bot.client.always.clear()
    await trio.sleep(61)

    assert 50 < tries < 100
    assert len(server.one_time[BOT]) == 50
    assert autojump_clock.current_time() > 3600
    bot.vault.close()
