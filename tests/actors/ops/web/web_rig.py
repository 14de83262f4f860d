"""A running `WebServer` over a tree that stands still and a journal in memory."""

import base64
import hmac
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import trio
from attrs import define, field

from actors.ops.settings import WebSettings
from actors.ops.web.server import WebServer
from protocols.chats import DirectoryMessage
from protocols.lifecycle import Control
from protocols.mail import Address, Question
from protocols.store import StoreMessage
from tests.actors.ops.rig import A, FakeControl, FakeLife, run_as
from tests.fakes import MemoryStoreAddress

SECRET = "whsec_" + base64.b64encode(b"a key of the tests").decode()


@define
class Hints:
    """The directory, of which only the hints matter."""

    mail: list[DirectoryMessage] = field(factory=list)
    reader: str = "chats"

    async def send(self, message: DirectoryMessage, /) -> None:
        raise NotImplementedError

    def try_send(self, message: DirectoryMessage, /) -> bool:
        self.mail.append(message)
        return True

    async def ask(self, question: Question[A], /, *, within: float = 10.0) -> A:
        raise NotImplementedError


@define
class Web:
    """A running server, and a client beside it."""

    url: str
    client: httpx2.AsyncClient
    life: FakeLife
    hints: Hints
    store: Any

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    async def get(self, path: str, **headers: str) -> httpx2.Response:
        return await self.client.get(
            path, headers={k.replace("_", "-"): v for k, v in headers.items()}
        )

    async def say(self, data: bytes) -> bytes:
        """Everything that comes back for *data*, up to the server's hanging up."""
        async with await trio.open_tcp_stream("127.0.0.1", self.port) as stream:
            await stream.send_all(data)
            said = b""
            try:
                async for piece in stream:
                    said += piece
            except trio.BrokenResourceError:
                pass
            return said


@asynccontextmanager
async def serving(
    *,
    control: Control | None = None,
    store: Address[StoreMessage] | None = None,
    **settings: Any,
) -> AsyncIterator[Web]:
    """A `WebServer` while the context lasts."""
    control, store, hints, life = (
        control or FakeControl(),
        store or MemoryStoreAddress(),
        Hints(),
        FakeLife(),
    )
    server = WebServer(control, store, hints, WebSettings(**({"bind": "127.0.0.1:0"} | settings)))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(run_as, life, server.run)
        await life.started.wait()
        url = life.notes[0].removeprefix("listens at ")
        async with httpx2.AsyncClient(base_url=url, trust_env=False, timeout=20) as client:
            yield Web(url, client, life, hints, store)
        nursery.cancel_scope.cancel()


def pushed(kind: str = "task_done", **data: Any) -> dict[str, Any]:
    """An event of the agent, with *data* of its own."""
    usual = {"task_id": "t1", "user_id": "u_42", "chat_id": "C1", "result": {"text": "apricot"}}
    return {"type": kind, "timestamp": "2026-11-26T05:00:00Z", "data": usual | data}


def signed(
    body: bytes, *, id_: str = "msg_1", at: float | None = None, secret: str = SECRET
) -> dict[str, str]:
    """The headers of a push, as the specification has them and not as our own code."""
    sent_at = str(int(time.time() if at is None else at))
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.new(key, f"{id_}.{sent_at}.".encode() + body, "sha256").digest()
    signature = "v1," + base64.b64encode(digest).decode()
    return {"webhook-id": id_, "webhook-timestamp": sent_at, "webhook-signature": signature}


def as_json(value: Any) -> bytes:
    return json.dumps(value).encode()
