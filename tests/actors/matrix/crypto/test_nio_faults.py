"""Why we ask for keys ourselves: four faults of nio's own client, shown on a real homeserver.

Each test fails once nio has mended its fault; then it can be seen what of ours is still needed.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import nio  # type: ignore[import-untyped]  # it ships no types
import trio
from attrs import define

from actors.kernel.aio import from_asyncio, open_asyncio
from tests.rigs.matrix_faults import Fault, bad_gateway, reset, server_error
from tests.rigs.matrix_human import Human, human
from tests.rigs.matrix_proxy import MatrixProxy, matrix_proxy
from tests.rigs.synapse import Synapse


@define
class NioChat:
    """nio's client and a person in an encrypted room."""

    proxy: MatrixProxy
    client: Any
    ann: Human
    room: str

    async def sync(self) -> None:
        await from_asyncio(self.client.sync, timeout=0, full_state=True)

    async def send(self, text: str) -> Any:
        return await from_asyncio(
            self.client.room_send,
            self.room,
            "m.room.message",
            {"msgtype": "m.text", "body": text},
            ignore_unverified_devices=True,
        )

    async def fail_once(self, fault: Fault, name: str) -> None:
        self.proxy.fail(fault, name)
        try:
            await self.send("lost")
        except (aiohttp.ClientError, nio.exceptions.ProtocolError, OSError):
            return


@asynccontextmanager
async def nio_chat(synapse: Synapse, folder: Path) -> AsyncIterator[NioChat]:
    account = await trio.to_thread.run_sync(synapse.register, "bot")
    ann = await human(synapse, "ann")
    config = nio.AsyncClientConfig(max_timeouts=0, max_limit_exceeded=0, store_sync_tokens=False)
    with trio.fail_after(60):
        async with open_asyncio("test"), matrix_proxy(synapse.url) as proxy:
            client = nio.AsyncClient(
                proxy.url, account.user_id, account.device_id, str(folder), config=config
            )
            client.restore_login(account.user_id, account.device_id, account.token)
            try:
                room = await ann.create_room([account.user_id], is_encrypted=True)
                await from_asyncio(client.join, room)
                await from_asyncio(client.keys_upload)
                chat = NioChat(proxy, client, ann, room)
                await chat.sync()
                await from_asyncio(client.keys_query)
                yield chat
            finally:
                await from_asyncio(client.close)
                client.store.database.close()


async def test_a_5xx_while_sharing_logs_nio_out(synapse: Synapse, tmp_path: Path) -> None:
    async with nio_chat(synapse, tmp_path) as chat:
        await chat.fail_once(server_error(), "sendToDevice")

        assert chat.client.access_token == "", "nio has mended fault A: a 5xx logs it out"


async def test_nio_takes_a_share_that_failed_for_done(synapse: Synapse, tmp_path: Path) -> None:
    async with nio_chat(synapse, tmp_path) as chat:
        await chat.fail_once(bad_gateway(), "sendToDevice")
        shares = len(chat.proxy.calls_of("sendToDevice"))
        sent = await chat.send("hello")

        shown = await chat.ann.seen(chat.room)

        assert isinstance(sent, nio.RoomSendResponse)
        assert not shown[-1].is_readable, "nio has mended fault B: a failed share counts as done"
        assert len(chat.proxy.calls_of("sendToDevice")) == shares


async def test_a_claim_that_failed_lets_nios_room_wait_for_ever(
    synapse: Synapse, tmp_path: Path
) -> None:
    async with nio_chat(synapse, tmp_path) as chat:
        await chat.fail_once(reset(), "keys/claim")
        with trio.move_on_after(1) as waiting:
            await chat.send("hello")

        assert waiting.cancelled_caught, "nio has mended fault C: a failed claim blocks the room"


async def test_nio_does_not_notice_that_it_has_no_one_time_keys_left(
    synapse: Synapse, tmp_path: Path
) -> None:
    async with nio_chat(synapse, tmp_path) as chat:
        user, device = chat.client.user_id, chat.client.device_id
        claim = {"one_time_keys": {user: {device: "signed_curve25519"}}}
        found: dict[str, Any] = {"one_time_keys": True}
        while found["one_time_keys"]:
            found = await chat.ann.request("POST", "/keys/claim", claim)

        await chat.sync()

        assert not chat.client.should_upload_keys, "nio has mended fault D: a count of 0 is seen"


async def test_nio_leaves_its_database_open(synapse: Synapse, tmp_path: Path) -> None:
    async with nio_chat(synapse, tmp_path) as chat:
        await from_asyncio(chat.client.close)

        assert not chat.client.store.database.is_closed(), "nio has mended that close leaks a file"


async def test_nio_never_takes_a_device_back_that_was_deleted(
    synapse: Synapse, tmp_path: Path
) -> None:
    async with nio_chat(synapse, tmp_path) as chat:
        devices = chat.client.olm.device_store[chat.ann.user_id]
        for device in devices.values():
            device.deleted = True
        chat.client.olm.users_for_key_query.add(chat.ann.user_id)

        await from_asyncio(chat.client.keys_query)

        is_still = all(device.deleted for device in devices.values())
        assert is_still, "nio has mended that a device stays deleted when it is there again"
