"""A client of an OpenAI-compatible server, as tests use it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio
from attrs import define, field

from actors.platform.open_turn import OpenTurn
from actors.platform.openai import open_openai
from actors.platform.settings import AgentSettings
from actors.platform.turn import Limits
from protocols.ids import RunId
from protocols.platform import (
    NO_DETAILS,
    Attachment,
    PlatformClient,
    ReasoningDelta,
    RunDetails,
    StreamFinished,
    StreamPart,
    TextDelta,
)
from protocols.turns import RunTurn, TurnOutcome
from tests.actors.platform.scripted import Shown, runner_for, turn
from tests.fakes import MemoryStoreAddress

RUN = RunId("6f1c3c9e-0d5a-5d57-9b0e-3f5c2a1d7e44")
QUICK = Limits(idle=5.0, attempts=2)


@define(eq=False)
class Chat:
    """One person's chat with the model behind *client*."""

    client: PlatformClient
    user_id: str = field(init=False, default="")

    async def parts(
        self,
        text: str = "hello",
        *attachments: Attachment,
        details: RunDetails = NO_DETAILS,
    ) -> list[StreamPart]:
        """All parts of the answer to *text*."""
        stream = self.client.stream_message(
            await self.me(), "C1", text, run_id=RUN, attachments=attachments, details=details
        )
        return [part async for part in stream]

    async def me(self) -> str:
        """The user's id, who is known from now on."""
        user = await self.client.get_or_create_user("@me:example.org", "matrix", "Me")
        self.user_id = user.user_id
        return user.user_id

    async def outcome(
        self, text: str = "hello", *, limits: Limits = QUICK, shown: Shown | None = None
    ) -> TurnOutcome:
        """What a turn comes to that tries again as the bridge does."""
        asked = RunTurn(turn(text=text), shown or Shown())
        open_turn = OpenTurn.asked_by(asked, at=trio.current_time())
        return await runner_for(self.client, limits=limits).outcome_of(open_turn)


@asynccontextmanager
async def chat_with(
    address: str,
    *,
    model: str = "parrot",
    store: MemoryStoreAddress | None = None,
    **more: object,
) -> AsyncIterator[Chat]:
    """A chat with the server at *address*; *more* are further settings."""
    settings = AgentSettings("openai", url=address, model=model, **more)  # type: ignore[arg-type]  # a test's own choice
    async with open_openai(settings, store or MemoryStoreAddress()) as client:
        yield Chat(client)


def said(parts: list[StreamPart]) -> str:
    """The text of an answer, which must be complete."""
    assert isinstance(parts[-1], StreamFinished)
    return text_of(parts)


def text_of(parts: list[StreamPart]) -> str:
    """The text of an answer as far as it has come."""
    return "".join(part.text for part in parts if isinstance(part, TextDelta))


def thoughts_of(parts: list[StreamPart]) -> str:
    """What the model thought."""
    return "".join(part.text for part in parts if isinstance(part, ReasoningDelta))
