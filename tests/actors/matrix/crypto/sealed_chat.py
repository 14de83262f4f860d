"""Our vault on a real homeserver, through a proxy that can do harm, and people who encrypt."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import trio
from attrs import define, field

from actors.kernel.aio import open_asyncio
from actors.matrix.api.client import MatrixClient
from actors.matrix.api.homeserver import Session
from actors.matrix.api.patience import insist
from actors.matrix.api.replies import Done, path_to
from actors.matrix.api.status import Status
from actors.matrix.crypto.port import NotSealed, Opened, Sealed
from actors.matrix.crypto.vault import OlmVault
from tests.rigs.matrix_human import Human, human
from tests.rigs.matrix_proxy import MatrixProxy, matrix_proxy
from tests.rigs.synapse import Account, Synapse

Json = dict[str, Any]


@define
class SealedBot:
    """What the surface does with a vault, and nothing more."""

    server: MatrixClient
    vault: OlmVault
    account: Account
    since: str = ""
    read: list[str] = field(factory=list)
    missing: list[Json] = field(factory=list)

    @property
    def session(self) -> Session:
        return Session(self.account.user_id, self.account.device_id, self.account.token)

    async def sync(self, wait: float = 0.0) -> Json:
        """Take the next page: keys first, then what was said."""
        reply = await insist(Status(), lambda: self.server.sync(self.since, wait=wait))
        assert isinstance(reply, Done), reply
        await self.vault.receive(reply.body)
        self.since = reply.body["next_batch"]
        for room, body in reply.body.get("rooms", {}).get("join", {}).items():
            for event in body["timeline"]["events"]:
                self._open(room, event)
        return reply.body

    async def hear(self, text: str) -> None:
        """Follow the rooms until *text* was said."""
        while text not in self.read:
            await self.sync(wait=5.0)

    async def join(self, room: str) -> None:
        assert isinstance(await self.server.join(room), Done)
        await self.sync()

    async def say(self, room: str, text: str) -> None:
        """Send *text* sealed, until it is there; follows the rooms meanwhile."""
        content = {"msgtype": "m.text", "body": text}
        path = path_to("rooms", room, "send", "m.room.encrypted", uuid4().hex)
        while True:
            await self.sync()
            match await self.vault.seal(room, "m.room.message", content):
                case Sealed(sealed):
                    send = partial(self.server.request, "PUT", path, sealed)
                    assert isinstance(await insist(Status(), send), Done)
                    return
                case NotSealed(_, wait):
                    await trio.sleep(wait or 0.05)

    def _open(self, room: str, event: Json) -> None:
        if event["type"] != "m.room.encrypted" or event["sender"] == self.account.user_id:
            return
        match self.vault.unseal(room, event):
            case Opened({"content": {"body": str(body)}}):
                self.read.append(body)
            case other:
                self.missing.append({"event": event, "found": other})


@define
class SealedChat:
    """The bot and a person in an encrypted room."""

    proxy: MatrixProxy
    bot: SealedBot
    ann: Human
    room: str

    async def ann_reads(self, *texts: str, by: Human | None = None) -> None:
        """Wait until a person sees what the bot said as *texts*."""
        reader = by or self.ann
        await reader.watch(
            self.room,
            lambda shown: (
                [one.text for one in shown if one.sender == self.bot.account.user_id] == list(texts)
            ),
        )


@asynccontextmanager
async def sealed_bot(
    url: str, folder: Path, account: Account, *, since: str = ""
) -> AsyncIterator[SealedBot]:
    """One life of the bot; its keys are in *folder*."""
    async with open_asyncio("test"):
        server = MatrixClient(url)
        bot = SealedBot(server, OlmVault(server, Status(), folder), account, since)
        server.use(bot.session)
        try:
            assert await bot.vault.open(bot.session) is None
            async with trio.open_nursery() as nursery:
                nursery.start_soon(bot.vault.run)
                await bot.sync()
                yield bot
                nursery.cancel_scope.cancel()
        finally:
            bot.vault.close()
            with trio.CancelScope(shield=True):
                await server.close()


@asynccontextmanager
async def sealed_chat(synapse: Synapse, folder: Path) -> AsyncIterator[SealedChat]:
    """A chat in which nothing was said yet."""
    account = await trio.to_thread.run_sync(synapse.register, "bot")
    ann = await human(synapse, "ann")
    with trio.fail_after(90):
        async with (
            matrix_proxy(synapse.url) as proxy,
            sealed_bot(proxy.url, folder, account) as bot,
        ):
            room = await ann.create_room([account.user_id], is_encrypted=True)
            await bot.join(room)
            yield SealedChat(proxy, bot, ann, room)
    assert ann.device.complaints == []
