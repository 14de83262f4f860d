"""Olm sessions that broke are begun anew, and not too often."""

from pathlib import Path

import pytest
import trio
import trio.testing

from actors.matrix.api.replies import Unreachable
from actors.matrix.crypto.device import Unread
from tests.actors.matrix.crypto.key_server import ROOM, KeyServer, Party, opened

ANN = "@ann:fake"


@pytest.fixture
def server() -> KeyServer:
    found = KeyServer()
    found.encryption[ROOM] = {"rotation_period_msgs": 1}
    return found


@pytest.fixture
async def bot(server: KeyServer, nursery: trio.Nursery, tmp_path: Path) -> Party:
    return await opened(nursery, server, tmp_path)


@pytest.fixture
async def ann(server: KeyServer, nursery: trio.Nursery, tmp_path: Path) -> Party:
    return await opened(nursery, server, tmp_path, ANN, "PHONE")


async def talk(bot: Party, ann: Party) -> None:
    """Until both have heard from the other: then first messages are over."""
    await bot.say("hi")
    await ann.hear()
    await ann.say("hi")
    await bot.hear()
    await bot.say("hi")
    await ann.hear()


def lose_sessions(party: Party) -> None:
    """As if the store had been brought back from long ago."""
    party.vault._open_parts.machine._olm.session_store._entries.clear()


async def test_who_lost_the_session_begins_anew_and_reads_again(bot: Party, ann: Party) -> None:
    await talk(bot, ann)
    lose_sessions(bot)

    lost = await ann.say("one")
    await bot.hear()
    await trio.testing.wait_all_tasks_blocked()
    await ann.hear()
    found = await ann.say("two")
    await bot.hear()

    assert "KeyMissing" in bot.read(lost)
    assert bot.read(found) == "two"


async def test_one_device_is_begun_anew_with_at_most_once_an_hour(
    bot: Party, ann: Party, autojump_clock: trio.testing.MockClock
) -> None:
    await talk(bot, ann)
    before = bot.client.names().count("sendToDevice")
    unread = Unread(ANN, ann.vault._open_parts.machine.identity["curve25519"])

    for _ in range(8):
        bot.vault._open_parts.wedged.note(unread)
        await bot.hear()
        await trio.sleep(600)

    assert autojump_clock.current_time() >= 4800
    assert bot.client.names().count("sendToDevice") - before == 2


async def test_a_device_that_cannot_be_begun_with_does_not_keep_our_own_keys_back(
    server: KeyServer, bot: Party, ann: Party, autojump_clock: trio.testing.MockClock
) -> None:
    await talk(bot, ann)
    bot.client.always["keys/claim"] = Unreachable("500")
    key = ann.vault._open_parts.machine.identity["curve25519"]
    bot.vault._open_parts.wedged.note(Unread(ANN, key))
    await bot.hear()
    await trio.sleep(1)

    server.one_time["@bot:fake", "BOT"].clear()
    await bot.hear()
    await trio.sleep(1)

    assert autojump_clock.current_time() >= 2
    assert len(server.one_time["@bot:fake", "BOT"]) == 50


async def test_a_device_that_we_have_not_heard_of_is_asked_for(bot: Party, ann: Party) -> None:
    bot.vault._open_parts.wedged.note(
        Unread(ANN, ann.vault._open_parts.machine.identity["curve25519"])
    )
    await bot.hear()
    await trio.testing.wait_all_tasks_blocked()

    event = await ann.say("hi")
    await bot.hear()

    assert bot.read(event) == "hi"
    assert bot.client.names().count("sendToDevice") == 1


async def test_a_device_that_does_not_exist_is_let_be(bot: Party) -> None:
    for number in range(5):
        bot.vault._open_parts.wedged.note(Unread(ANN, f"key{number}"))
    await bot.hear()
    await trio.testing.wait_all_tasks_blocked()

    assert not bot.vault._open_parts.wedged.is_owing
    assert bot.client.names().count("keys/query") == 2  # one of them at the opening


async def test_who_found_no_key_of_ours_is_begun_with(
    server: KeyServer, bot: Party, ann: Party
) -> None:
    key = ann.vault._open_parts.machine.identity["curve25519"]
    content = {"code": "m.no_olm", "sender_key": key, "algorithm": "m.megolm.v1.aes-sha2"}
    server.send(ANN, "m.room_key.withheld", {"messages": {"@bot:fake": {"BOT": content}}})

    await bot.hear()
    await trio.testing.wait_all_tasks_blocked()

    assert len(server.mail[ANN, "PHONE"]) == 1


@pytest.mark.parametrize(
    "content",
    [
        None,
        {},
        {"algorithm": "m.olm.v1.curve25519-aes-sha2", "sender_key": 7, "ciphertext": {}},
        {"algorithm": "m.olm.v1.curve25519-aes-sha2", "sender_key": "x", "ciphertext": {"me": 1}},
        {
            "algorithm": "m.olm.v1.curve25519-aes-sha2",
            "sender_key": "x",
            "ciphertext": {"me": {"type": 0, "body": "AwogAA"}},
        },
        {
            "algorithm": "m.olm.v1.curve25519-aes-sha2",
            "sender_key": "x",
            "ciphertext": {"me": {"type": 1, "body": "é"}},
        },
    ],
)
async def test_garbage_from_a_device_keeps_nothing_back(
    bot: Party, ann: Party, content: dict[str, object] | None
) -> None:
    event = await ann.say("hi")
    key = bot.vault._open_parts.machine.identity["curve25519"]
    if content and isinstance(content.get("ciphertext"), dict):
        content = content | {"ciphertext": {key: content["ciphertext"].get("me")}}  # type: ignore[attr-defined]  # it is one
    page = bot.client.page()
    page["to_device"]["events"] = [
        {"type": "m.room.encrypted", "sender": ANN, "content": content},
        "no event",
        {"type": 7},
        *page["to_device"]["events"],
    ]

    await bot.vault.receive(page)

    assert bot.read(event) == "hi"
