"""The production client before the reference server."""

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import trio
from attrs import define

from actors.platform.production import MOST_EVENT_BYTES, ProductionClient
from actors.platform.web import agent_http
from protocols.ids import RunId
from protocols.platform import (
    ReasoningDelta,
    StreamPart,
    TextDelta,
    WholeText,
)
from tests.rigs.lambda_platform import LambdaPlatform, lambda_platform

RUN = RunId("6f1c3c9e-0d5a-5d57-9b0e-3f5c2a1d7e44")
WORDS = "mock:stream=40@2000"
ALL_WORDS = "".join(f"word{number} " for number in range(1, 41))


def run_id(number: int) -> RunId:
    return RunId(str(UUID(int=number)))


def shown(parts: list[StreamPart]) -> str:
    """The answer as a person sees it in the end."""
    text = ""
    for part in parts:
        match part:
            case TextDelta(more):
                text += more
            case WholeText(whole):
                text = whole
            case _:
                pass
    return text


def thoughts(parts: list[StreamPart]) -> str:
    return "".join(part.text for part in parts if isinstance(part, ReasoningDelta))


class Hurried(random.Random):
    """Draws no wait at all."""

    def random(self) -> float:
        return 0.0


@define
class OnPlatform:
    """The platform, a client of it, and a person."""

    platform: LambdaPlatform
    client: ProductionClient
    user_id: str

    async def parts(self, text: str, run: RunId = RUN, **more: Any) -> list[StreamPart]:
        """All that a stream gives."""
        stream = self.client.stream_message(self.user_id, "C1", text, run_id=run, **more)
        with trio.fail_after(20):
            return [part async for part in stream]


@asynccontextmanager
async def on_platform(
    *,
    attachments: str = "binary",
    token: str | None = None,
    stall: float = 1.0,
    seed: int | None = None,
) -> AsyncIterator[OnPlatform]:
    """A client whose waits are drawn from *seed*, or that waits only where it is told to.

    A silence of *stall* seconds is a stall.
    """
    async with (
        lambda_platform() as platform,
        agent_http(
            platform.url,
            token or platform.gate.token,
            stall=stall,
            most_event_bytes=MOST_EVENT_BYTES,
        ) as http,
    ):
        client = ProductionClient(
            http, attachments, random=Hurried() if seed is None else random.Random(seed)
        )
        person = OnPlatform(platform, client, "nobody")
        if token is None:
            user = await client.get_or_create_user("@me:example.org", "matrix", "Me")
            person.user_id = user.user_id
        yield person
