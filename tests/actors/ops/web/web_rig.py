"""A running `WebServer` over a tree that stands still and a journal in memory."""

import base64
import contextlib
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
from protocols.lifecycle import ActorView, Control
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
class PausingControl(FakeControl):
    """A tree that takes its time to be looked at."""

    pause: float = 0.0
    asked: trio.Event = field(factory=trio.Event)

    async def census_in_chunks(self) -> tuple[ActorView, ...]:
        self.asked.set()
        await trio.sleep(self.pause)
        return self.views


@define
class Web:
    """A running server, and a client beside it."""

    client: httpx2.AsyncClient
    life: FakeLife
    hints: Hints
    control: Any
    store: Any
    port: int
    stopped: trio.Event = field(factory=trio.Event)
    scope: trio.CancelScope = field(factory=trio.CancelScope)

    async def get(self, path: str, **headers: str) -> httpx2.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.client.get(path, headers=named)

    async def say(self, data: bytes) -> bytes:
        """Everything that comes back for *data*, up to the server's hanging up."""
        async with await trio.open_tcp_stream("127.0.0.1", self.port) as stream:
            said = b""
            with contextlib.suppress(trio.BrokenResourceError):
                await stream.send_all(data)
                async for piece in stream:
                    said += piece
            return said

    def stop(self) -> None:
        """End the server as a supervisor does; ``stopped`` tells when it is over."""
        self.scope.cancel()


@asynccontextmanager
async def serving(
    *,
    control: Control | None = None,
    store: Address[StoreMessage] | None = None,
    **settings: Any,
) -> AsyncIterator[Web]:
    """A `WebServer` while the context lasts."""
    control, store = control or PausingControl(), store or MemoryStoreAddress()
    hints, life, told = Hints(), FakeLife(), {"bind": "127.0.0.1:0"} | settings
    server = WebServer(control, store, hints, WebSettings(**told))
    async with (
        trio.open_nursery() as nursery,
        httpx2.AsyncClient(trust_env=False, timeout=20) as client,
    ):
        web = Web(client, life, hints, control, store, port=0)

        async def run() -> None:
            with web.scope:
                await run_as(life, server.run)
            web.stopped.set()

        nursery.start_soon(run)
        await life.started.wait()
        url = life.notes[0].removeprefix("listens at ")
        client.base_url, web.port = httpx2.URL(url), int(url.rpartition(":")[2])
        yield web
        web.stop()


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
