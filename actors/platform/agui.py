"""The agent is any AG-UI agent; history, users and settings are kept here.

Such an agent keeps nothing, and what is asked twice is answered twice. So nothing is tried again
here; ``TurnRunner`` does while nothing has been shown.
"""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import assert_never

import trio
from attrs import define

from actors.platform.agui_conversation import conversation
from actors.platform.agui_files import parts_of
from actors.platform.agui_input import run_input
from actors.platform.agui_said import Said
from actors.platform.agui_wire import RunDecoder
from actors.platform.local_settings import manners
from actors.platform.local_users import LocalUsers
from actors.platform.settings import AgentSettings
from actors.platform.web import AgentHttp, agent_http
from protocols.ids import RunId
from protocols.mail import Address
from protocols.platform import (
    NO_DETAILS,
    Answer,
    Attachment,
    FailureKind,
    PlatformClient,
    PlatformFailedError,
    ReasoningDelta,
    Resume,
    RunDetails,
    SettingsAction,
    StatusLine,
    StreamAsks,
    StreamBroke,
    StreamFinished,
    StreamPart,
    StreamStopped,
    TextDelta,
    ToolCall,
    User,
    UserSettings,
    WholeText,
)
from protocols.store import StoreMessage

# An agent may show these to its model as they are.
_LANGUAGE = "The language of the person's app"
_MANNER = "How the person wants to be answered"


@asynccontextmanager
async def open_agui(
    settings: AgentSettings, store: Address[StoreMessage]
) -> AsyncIterator[PlatformClient]:
    """The agent at the address in *settings*, for one life of the bridge."""
    async with agent_http("", settings.secret) as http:
        yield AguiClient(http, settings.url, settings.history_chars, LocalUsers(store))


@define(eq=False)
class AguiClient:
    """A ``PlatformClient`` that speaks AG-UI 1.0.

    Args:
        url: The agent's only address, to the letter: some have a slash at their end.
    """

    _http: AgentHttp
    _url: str
    _history_chars: int
    _users: LocalUsers

    @property
    def history_chars(self) -> int:
        """The agent remembers nothing: each run brings what was said before."""
        return self._history_chars

    async def check_access(self) -> None:
        """Nothing can be asked of an agent but a run: each says for itself whether it may be."""
        await trio.lowlevel.checkpoint()

    async def get_or_create_user(self, external_id: str, platform: str, display_name: str) -> User:
        """The user of a person on a surface; the agent hears of the id alone."""
        return await self._users.get_or_create_user(external_id, platform, display_name)

    async def get_settings(self, user_id: str) -> UserSettings:
        """The person's settings, kept here."""
        return await self._users.get_settings(user_id)

    async def update_settings(self, user_id: str, action: SettingsAction) -> UserSettings:
        """Change the person's settings, kept here."""
        return await self._users.update_settings(user_id, action)

    async def cancel_run(self, run_id: RunId) -> None:  # noqa: ARG002  # the agent knows none
        """Nothing more than leaving the stream, which closes its connection."""
        await trio.lowlevel.checkpoint()

    async def send_message(
        self,
        user_id: str,
        chat_id: str,
        text: str,
        *,
        run_id: RunId,
        attachments: tuple[Attachment, ...] = (),
        details: RunDetails = NO_DETAILS,
    ) -> Answer:
        """Run the agent and wait for the whole answer; a question of the agent is part of it."""
        said = ""
        stream = self.stream_message(
            user_id, chat_id, text, run_id=run_id, attachments=attachments, details=details
        )
        async with aclosing(stream) as parts:
            async for part in parts:
                match part:
                    case TextDelta(more):
                        said += more
                    case StreamFinished(files):
                        return Answer(said, files)
                    case StreamAsks(question=question):
                        return Answer(f"{said}\n\n{question}".strip())
                    case ReasoningDelta() | StatusLine() | ToolCall() | StreamBroke():
                        pass
                    case StreamStopped() | WholeText():
                        break
                    case _:
                        assert_never(part)
        raise PlatformFailedError(FailureKind.CUT, is_retryable=True)

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
        settings = await self._users.get_settings(user_id)
        chat = conversation(
            run_id, text, await parts_of(attachments), resume=resume, history=details.history
        )
        context = {_LANGUAGE: details.language, _MANNER: " ".join(manners(settings))}
        props = {"user_id": user_id, "surface": details.surface, "model": settings.model}
        asked = run_input(
            thread_id=f"{user_id}:{chat_id}",
            run_id=run_id,
            messages=chat.messages,
            resume=chat.resume,
            props={name: value for name, value in props.items() if value},
            context=context,
        )
        decoder = RunDecoder(Said(tuple(chat.kept)))
        async with self._http.events("POST", self._url, body=asked) as events:
            async for event in events:
                for part in decoder.read(event.data):
                    yield part  # noqa: ASYNC119  # who reads a stream closes it, as its port says
                    if isinstance(part, StreamFinished | StreamAsks | StreamStopped):
                        return
