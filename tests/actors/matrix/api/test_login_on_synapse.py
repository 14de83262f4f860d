"""What a real homeserver says of accounts, tokens and passwords, and what we say of that."""

from functools import partial
from pathlib import Path
from urllib.parse import quote

import pytest
import trio
from attrs import evolve

from actors.kernel.aio import open_asyncio
from actors.kernel.child import ParkedError
from actors.matrix.api.client import MatrixClient
from actors.matrix.api.homeserver import Session
from actors.matrix.api.login import Door
from actors.matrix.api.status import Status
from tests.actors.matrix.gateway import Gateway, gateway_on, settings_for
from tests.rigs.synapse import Account, Synapse

SOON = 60.0


async def parked(gateway: Gateway) -> str:
    """Why the surface cannot work."""
    with trio.fail_after(SOON), pytest.raises(ParkedError) as error:
        await gateway.syncer().run()
    return str(error.value)


async def change_account(synapse: Synapse, account: Account, **facts: object) -> None:
    """Do to *account* what an admin may."""
    admin = await trio.to_thread.run_sync(partial(synapse.register, "admin", is_admin=True))
    path = f"/_synapse/admin/v2/users/{quote(account.user_id)}"
    await trio.to_thread.run_sync(partial(synapse.request, "PUT", path, facts, token=admin.token))


async def test_a_locked_account_is_said_to_be_locked(synapse: Synapse, tmp_path: Path) -> None:
    bot = await trio.to_thread.run_sync(synapse.register, "bot")
    await change_account(synapse, bot, locked=True)
    settings = settings_for(bot, synapse.url, tmp_path)

    by_password = await parked(Gateway(settings))
    by_token = await parked(Gateway(evolve(settings, access_token=bot.token)))

    assert "the account is locked" in by_password
    assert by_token == by_password


async def test_a_deactivated_account_is_said_to_be_gone(synapse: Synapse, tmp_path: Path) -> None:
    bot = await trio.to_thread.run_sync(synapse.register, "bot")
    await change_account(synapse, bot, deactivated=True)
    settings = settings_for(bot, synapse.url, tmp_path)

    by_password = await parked(Gateway(settings))
    by_token = await parked(Gateway(evolve(settings, access_token=bot.token)))

    assert "MATRIX_USER_ID" in by_password
    assert "MATRIX_ACCESS_TOKEN" in by_token


async def test_a_token_without_a_device_is_said_to_be_none_for_us(
    synapse: Synapse, tmp_path: Path
) -> None:
    bot = await trio.to_thread.run_sync(synapse.register, "bot")
    admin = await trio.to_thread.run_sync(partial(synapse.register, "admin", is_admin=True))
    path = f"/_synapse/admin/v1/users/{quote(bot.user_id)}/login"
    made = await trio.to_thread.run_sync(
        partial(synapse.request, "POST", path, {}, token=admin.token)
    )
    settings = evolve(settings_for(bot, synapse.url, tmp_path), access_token=made["access_token"])

    said = await parked(Gateway(settings))

    assert "the token belongs to no device" in said
    assert made["access_token"] not in said


async def test_a_token_of_somebody_else_or_of_another_device_is_not_used(
    synapse: Synapse, tmp_path: Path
) -> None:
    gateway = gateway_on(synapse, tmp_path)
    other = await trio.to_thread.run_sync(synapse.register, "other")
    settings = evolve(gateway.settings, access_token=other.token)

    somebody_else = await parked(Gateway(settings))
    another_device = await parked(
        Gateway(evolve(settings, user_id=other.user_id, device_id="ANOTHER"))
    )

    assert "MATRIX_USER_ID" in somebody_else
    assert "MATRIX_DEVICE_ID" in another_device


async def test_many_starts_leave_one_device(synapse: Synapse, tmp_path: Path) -> None:
    bot = await trio.to_thread.run_sync(synapse.register, "bot")
    settings = settings_for(bot, synapse.url, tmp_path)

    with trio.fail_after(SOON):
        for _ in range(3):
            async with open_asyncio("test"):
                client = MatrixClient(synapse.url)
                found = await Door(client, settings, Status()).enter()
                await client.close()
            assert isinstance(found, Session)

    ask = partial(synapse.request, "GET", "/_matrix/client/v3/devices", token=bot.token)
    devices = (await trio.to_thread.run_sync(ask))["devices"]
    assert len(devices) == 2  # the registration's, and ours
