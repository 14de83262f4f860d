"""A caller of the reference server who does nothing by itself: no retry, no resuming."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from math import inf
from typing import Any
from uuid import uuid4

import httpx2
import trio
from attrs import define, field

from tests.rigs.lambda_platform import TOKEN, LambdaPlatform, lambda_platform
from tests.rigs.lambda_platform_contract import VERSION, Json

SSE = "text/event-stream"
Numbered = tuple[int, Json]


def run_input(user_id: str, text: str | list[Json], *, chat: str = "C1", **more: Any) -> Json:
    """A RunInput; *more* takes the place of what stands in it."""
    message = {"id": "m", "role": "user", "content": text}
    said = {"threadId": f"{user_id}:{chat}", "runId": str(uuid4()), "messages": [message]}
    return said | {"forwardedProps": {"user_id": user_id}} | more


def numbered(stream: str) -> list[Numbered]:
    """The events of a whole *stream*, with their ids."""
    blocks = [dict(_fields(block)) for block in stream.split("\n\n") if "data: " in block]
    return [(int(block["id"]), json.loads(block["data"])) for block in blocks]


def _fields(block: str) -> list[tuple[str, str]]:
    lines = [line.partition(": ") for line in block.split("\n")]
    return [(name, value) for name, _, value in lines if name]


def text_of(events: list[Numbered]) -> str:
    """The text that the *events* stream."""
    return "".join(event["delta"] for _, event in events if event["type"] == "TEXT_MESSAGE_CONTENT")


@define
class Caller:
    """Speaks for the user *user_id*."""

    platform: LambdaPlatform
    http: httpx2.AsyncClient = field(repr=False)
    user_id: str = ""

    async def start(self, body: Json, *, accept: str = SSE, **headers: str) -> httpx2.Response:
        """Start the run of *body*, and read the answer to its end."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        key = {"Idempotency-Key": f'"{body["runId"]}"'}
        return await self.http.post("/v1/runs", json=body, headers={"Accept": accept} | key | named)

    async def say(self, text: str | list[Json], *, chat: str = "C1", **more: Any) -> list[Numbered]:
        """The events of a new run, to its end."""
        answer = await self.start(run_input(self.user_id, text, chat=chat, **more))
        assert answer.status_code == 200, answer.text
        return numbered(answer.text)

    @asynccontextmanager
    async def listening(self, body: Json) -> AsyncIterator[trio.MemoryReceiveChannel[str]]:
        """The lines of a run's stream as they come; the line is cut at the end."""
        into, lines = trio.open_memory_channel[str](inf)
        async with trio.open_nursery() as nursery, lines:
            nursery.start_soon(self._read, body, into)
            yield lines
            nursery.cancel_scope.cancel()

    async def _read(self, body: Json, into: trio.MemorySendChannel[str]) -> None:
        key = {"Idempotency-Key": f'"{body["runId"]}"', "Accept": SSE}
        async with (
            into,
            self.http.stream("POST", "/v1/runs", json=body, headers=key) as answer,
        ):
            async for line in answer.aiter_lines():
                # Not `send`: cancelled there, httpx2 would leave generators to the garbage.
                into.send_nowait(line)


@asynccontextmanager
async def calling(**platform: Any) -> AsyncIterator[Caller]:
    """A platform, made with the arguments of ``lambda_platform``, and a caller for one user."""
    headers = {"Authorization": f"Bearer {TOKEN}", "Lambda-Version": VERSION}
    async with (
        lambda_platform(**platform) as server,
        httpx2.AsyncClient(
            base_url=server.url, headers=headers, trust_env=False, timeout=20
        ) as http,
    ):
        answer = await http.put("/v1/users/telegram/42", json={"display_name": "Ann"})
        yield Caller(server, http, answer.json()["user_id"])
