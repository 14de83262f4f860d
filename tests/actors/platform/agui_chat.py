"""A client of an AG-UI agent, as tests use it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import trio
from attrs import define

from actors.platform.agui import open_agui
from actors.platform.settings import AgentSettings
from protocols.ids import Language, RunId, SurfaceName
from protocols.journal import Exchange
from protocols.platform import (
    Attachment,
    PlatformClient,
    Resume,
    RunDetails,
    StreamAsks,
    StreamPart,
    TextDelta,
)
from tests.fakes import MemoryStoreAddress

RUN = RunId("6f1c3c9e-0d5a-5d57-9b0e-3f5c2a1d7e44")


@define(eq=False)
class AguiChat:
    """One person's chat with the agent behind *client*."""

    client: PlatformClient
    user_id: str

    async def parts(
        self,
        text: str = "hello",
        *attachments: Attachment,
        resume: Resume | None = None,
        history: tuple[Exchange, ...] = (),
    ) -> list[StreamPart]:
        """All parts of the answer to *text*."""
        stream = self.client.stream_message(
            self.user_id,
            "C1",
            text,
            run_id=RUN,
            attachments=attachments,
            resume=resume,
            details=RunDetails(SurfaceName("matrix"), Language("en"), history=history),
        )
        with trio.fail_after(20):
            return [part async for part in stream]

    async def question(self, text: str, **more: Any) -> StreamAsks:
        """The question that *text* ends in."""
        *_, asks = await self.parts(text, **more)
        assert isinstance(asks, StreamAsks)
        return asks

    async def answered(
        self, asks: StreamAsks, words: str, choice: str | None = None, **more: Any
    ) -> list[StreamPart]:
        """All parts of what follows when a person answers a question."""
        return await self.parts(words, resume=Resume(asks.interrupt_id, choice), **more)


@asynccontextmanager
async def agui_chat_with(
    url: str, *, store: MemoryStoreAddress | None = None, **more: Any
) -> AsyncIterator[AguiChat]:
    """A chat with the agent at *url*; *more* are further settings."""
    settings = AgentSettings("agui", url=url, **more)
    async with open_agui(settings, store or MemoryStoreAddress()) as client:
        user = await client.get_or_create_user("@me:example.org", "matrix", "Me")
        yield AguiChat(client, user.user_id)


def text_of(parts: list[StreamPart]) -> str:
    """The text of an answer."""
    return "".join(part.text for part in parts if isinstance(part, TextDelta))
