"""People in the room who use other people's keys as theirs."""

from pathlib import Path

import pytest
import trio

from actors.matrix.crypto.device import Device
from tests.actors.matrix.crypto.key_server import ROOM, KeyServer, Party, opened

ZOE, EVE = "@zoe:fake", "@eve:fake"


@pytest.fixture
def server() -> KeyServer:
    return KeyServer()


@pytest.fixture
async def bot(server: KeyServer, nursery: trio.Nursery, tmp_path: Path) -> Party:
    return await opened(nursery, server, tmp_path)


@pytest.fixture
async def zoe(server: KeyServer, nursery: trio.Nursery, tmp_path: Path) -> Party:
    return await opened(nursery, server, tmp_path, ZOE, "PHONE")


@pytest.fixture
async def eve(server: KeyServer, nursery: trio.Nursery, tmp_path: Path) -> Party:
    return await opened(nursery, server, tmp_path, EVE, "EVE")


async def test_a_key_that_somebody_else_passes_on_first_does_not_spoil_the_message(
    server: KeyServer, bot: Party, zoe: Party, eve: Party
) -> None:
    await bot.say("so that I know your devices")
    await eve.say("and I yours")
    event = await zoe.say("hi")
    held = zoe.vault._open_parts.sharing._keys[ROOM]
    late = server.mail.pop(("@bot:fake", "BOT"))
    await bot.hear()
    content = held.key.content(ROOM)
    _pass_on(server, eve, bot, content)
    await bot.hear()
    before = bot.read(event)

    server.mail["@bot:fake", "BOT"] = late
    await bot.hear()

    assert "KeyMissing" in before
    assert bot.read(event) == "hi"


async def test_a_device_that_claims_the_key_of_anothers_does_not_silence_that(
    server: KeyServer, bot: Party, zoe: Party, eve: Party
) -> None:
    stolen = zoe.vault._open_parts.machine.identity["curve25519"]
    machine = eve.vault._open_parts.machine
    keys = eve.vault._open_parts.supply.device_keys()
    keys["keys"]["curve25519:EVE"] = stolen
    del keys["signatures"]
    server.devices[EVE]["EVE"] = machine.signed(keys)
    await bot.say("so that I know your devices")
    event = await zoe.say("hi")
    await bot.hear()

    assert bot.read(event) == "hi"
    assert bot.read(await zoe.say("again")) == "again"


def _pass_on(server: KeyServer, sender: Party, to: Party, content: dict[str, str]) -> None:
    """*sender* gives *to* a room's key, as if it was their own."""
    identity = to.vault._open_parts.machine.identity
    device = Device(to.client.user, to.client.device, identity["curve25519"], identity["ed25519"])
    sealed = sender.vault._open_parts.machine.seal_for([device], "m.room_key", content)
    body = {"messages": {to.client.user: {to.client.device: sealed[device]}}}
    server.send(sender.client.user, "m.room.encrypted", body)
