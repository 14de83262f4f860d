"""The agent is any AG-UI agent; history, users and settings are kept here.

Such an agent keeps nothing, and what is asked twice is answered twice. So nothing is tried again
here; ``TurnRunner`` does while nothing has been shown.
"""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager

import trio
from attrs import define

from actors.platform.agui_conversation import conversation
from actors.platform.agui_files import parts_of
from actors.platform.agui_input import run_input
from actors.platform.agui_said import Said
from actors.platform.agui_wire import RunDecoder
from actors.platform.local_client import LocalClient
from actors.platform.local_settings import manners
from actors.platform.local_users import LocalUsers
from actors.platform.settings import AgentSettings
from actors.platform.web import AgentHttp, agent_http
from protocols.ids import RunId
from protocols.mail import Address
from protocols.platform import (
    NO_DETAILS,
    Attachment,
    PlatformClient,
    Resume,
    RunDetails,
    StreamAsks,
    StreamFinished,
    StreamPart,
    StreamStopped,
)
from protocols.store import StoreMessage

_SILENCE = 3_600.0
"""Seconds: no agent has to ping while a tool of its works. How long a person waits is the turn's
own limit."""

# An agent may show these to its model as they are.
_LANGUAGE = "The language of the person's app"
_MANNER = "How the person wants to be answered"


@asynccontextmanager
async def open_agui(
    settings: AgentSettings, store: Address[StoreMessage]
) -> AsyncIterator[PlatformClient]:
    """The agent at the address in *settings*, for one life of the bridge."""
    async with agent_http("", settings.secret, stall=_SILENCE) as http:
        yield AguiClient(LocalUsers(store), http, settings.url, settings.history_chars)


@define(eq=False)
class AguiClient(LocalClient):
    """A ``PlatformClient`` that speaks AG-UI 1.0.

    Args:
        url: The agent's only address, to the letter: some have a slash at their end.
    """

    _http: AgentHttp
    _url: str
    _history_chars: int

    @property
    def history_chars(self) -> int:
        """The agent remembers nothing: each run brings what was said before."""
        return self._history_chars

    async def check_access(self) -> None:
        """Nothing can be asked of an agent but a run: each says for itself whether it may be."""
        await trio.lowlevel.checkpoint()

    async def stream_message(
        self,
        user_id: str,
        chat_id: str,
        text: str,
        *,
        run_id: RunId,
        attachments: tuple[Attachment, ...] = (),
        resume: Resume | None = None,
        details: RunDetails = NO_DETAILS,
    ) -> AsyncGenerator[StreamPart, None]:
        """Run the agent and hand over its answer as it comes; anew at every request."""
        parts = await trio.to_thread.run_sync(parts_of, attachments) if attachments else []
        chat = conversation(run_id, text, parts, resume=resume, history=details.history)
        asked = run_input(
            thread_id=f"{user_id}:{chat_id}",
            run_id=run_id,
            messages=chat.messages,
            resume=chat.resume,
            **await self._told_of(user_id, details),
        )
        decoder = RunDecoder(Said(tuple(chat.kept)))
        async with self._http.events("POST", self._url, body=asked) as events:
            async for event in events:
                for part in decoder.read(event.data):
                    yield part  # noqa: ASYNC119  # who reads a stream closes it, as its port says
                    if isinstance(part, StreamFinished | StreamAsks | StreamStopped):
                        return

    async def _told_of(self, user_id: str, details: RunDetails) -> dict[str, dict[str, str]]:
        """What a run is told of the person beside their words."""
        settings = await self._users.get_settings(user_id)
        props = {"user_id": user_id, "surface": details.surface, "model": settings.model}
        return {
            "props": {name: value for name, value in props.items() if value},
            "context": {_LANGUAGE: details.language, _MANNER: " ".join(manners(settings))},
        }
