"""The agent is any OpenAI-compatible server; users and settings are kept here.

Such a server has no idea of a run: what is asked twice is answered twice. So nothing is tried
again here; ``TurnRunner`` does while nothing has been shown.
"""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial
from http import HTTPStatus

import structlog
import trio
from attrs import define, field

from actors.platform.local_client import LocalClient
from actors.platform.local_settings import manners
from actors.platform.local_users import LocalUsers
from actors.platform.openai_wire import (
    AnswerReader,
    Json,
    Prompt,
    models_listed,
    newest_that_fit,
    refuses_usage,
    request_body,
)
from actors.platform.settings import AgentSettings
from actors.platform.web import AgentHttp, ServerSentEvent, StatusError, agent_http
from actors.words import Word, say
from protocols.ids import RunId
from protocols.mail import Address
from protocols.platform import (
    NO_DETAILS,
    Attachment,
    FailureKind,
    PlatformClient,
    PlatformFailedError,
    Resume,
    RunDetails,
    StreamFinished,
    StreamPart,
    TextDelta,
)
from protocols.store import StoreMessage

log = structlog.get_logger("platform.openai")

_SILENCE = 3_600.0
"""Seconds: a server that loads its model says nothing for minutes, and none sends pings. How long
a person waits is the turn's own limit."""

_TAIL = 3.0
"""Seconds that an answer which is complete waits for its usage."""

_SAID_OF = {"length": Word.LIMIT_REACHED, "content_filter": Word.ANSWER_FILTERED}
_SHOWN_MODELS = 10
_NO_LIST = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED})
_SAYS_NOTHING = _NO_LIST | {HTTPStatus.FORBIDDEN}
"""A key may be good for chats and not for the list of models."""


@asynccontextmanager
async def open_openai(
    settings: AgentSettings, store: Address[StoreMessage]
) -> AsyncIterator[PlatformClient]:
    """The server at the address in *settings*, for one life of the bridge."""
    async with agent_http(settings.url, settings.secret, stall=_SILENCE) as http:
        yield OpenAIClient(LocalUsers(store), http, settings)


@define(eq=False)
class OpenAIClient(LocalClient):
    """A ``PlatformClient`` that speaks Chat Completions."""

    _http: AgentHttp
    _told: AgentSettings
    _only_model: str = field(init=False, default="")
    _wants_usage: bool = field(init=False, default=True)

    @property
    def history_chars(self) -> int:
        """The server remembers nothing: each request brings what was said before."""
        return self._told.history_chars

    async def check_access(self) -> None:
        """Ask for the list of models; a server that keeps it to itself lets us in all the same."""
        try:
            await self._http.json("GET", "/models")
        except StatusError as error:
            if error.status not in _SAYS_NOTHING:
                raise

    async def stream_message(
        self,
        user_id: str,
        chat_id: str,  # noqa: ARG002  # its history comes in the details
        text: str,
        *,
        run_id: RunId,  # noqa: ARG002  # the server knows none
        attachments: tuple[Attachment, ...] = (),
        resume: Resume | None = None,  # noqa: ARG002  # a model asks nothing: words are words
        details: RunDetails = NO_DETAILS,
    ) -> AsyncGenerator[StreamPart, None]:
        """Run the model and hand over its answer as it comes; anew at every request."""
        prompt = await self._prompt(user_id, text, attachments, details)
        reader = AnswerReader()
        stack = AsyncExitStack()
        try:
            events = await self._open(stack, prompt)
            async for event in events:
                for part in reader.read(event.data):
                    yield part
                if reader.finish_reason or reader.is_over:
                    break
            reader.check_ended()
            await _read_tail(events, reader)
            await stack.aclose()
        finally:
            with trio.move_on_after(0, shield=True):  # whoever leaves does not wait
                await stack.aclose()
        word = _SAID_OF.get(reader.finish_reason)
        if word is not None:
            yield TextDelta(reader.after_text(say(word, details.language)))
        yield StreamFinished(usage=reader.usage)

    async def _prompt(
        self,
        user_id: str,
        text: str,
        attachments: tuple[Attachment, ...],
        details: RunDetails,
    ) -> Prompt:
        settings = await self._users.get_settings(user_id)
        lines = (self._told.system_prompt, *manners(settings))
        return Prompt(
            model=settings.model or self._told.model or await self._model(),
            system="\n\n".join(line.strip() for line in lines if line.strip()),
            history=newest_that_fit(details.history, self._told.history_chars),
            text=text,
            attachments=attachments,
            has_vision=self._told.has_vision,
        )

    async def _model(self) -> str:
        """The only model that the server has, asked once in a life."""
        if not self._only_model:
            listed = await self._listed()
            if len(listed) != 1:
                log.error(
                    "model.not_chosen",
                    set="OPENAI_MODEL",
                    count=len(listed),
                    models=listed[:_SHOWN_MODELS],
                )
                raise PlatformFailedError(FailureKind.REJECTED, is_retryable=False)
            (self._only_model,) = listed
        return self._only_model

    async def _listed(self) -> tuple[str, ...]:
        try:
            answer = await self._http.json("GET", "/models")
        except StatusError as error:
            if error.status in _NO_LIST:
                return ()
            raise
        return models_listed(answer.body)

    async def _open(self, stack: AsyncExitStack, prompt: Prompt) -> AsyncIterator[ServerSentEvent]:
        """The events of the answer to *prompt*; without its usage where the server knows none."""
        if self._wants_usage:
            try:
                return await self._ask(stack, prompt, wants_usage=True)
            except StatusError as error:
                if not refuses_usage(error):
                    raise
        events = await self._ask(stack, prompt, wants_usage=False)
        self._wants_usage = False
        return events

    async def _ask(
        self, stack: AsyncExitStack, prompt: Prompt, *, wants_usage: bool
    ) -> AsyncIterator[ServerSentEvent]:
        body = await _body(prompt, wants_usage=wants_usage)
        asked = self._http.events("POST", "/chat/completions", body=body)
        try:
            return await stack.enter_async_context(asked)
        except StatusError as error:
            log.warning("request.refused", status=error.status)
            raise


async def _body(prompt: Prompt, *, wants_usage: bool) -> Json:
    """The request's body; files take their time, and not the loop's."""
    make = partial(request_body, prompt, wants_usage=wants_usage)
    return await trio.to_thread.run_sync(make) if prompt.attachments else make()


async def _read_tail(events: AsyncIterator[ServerSentEvent], reader: AnswerReader) -> None:
    """What comes after the model has ended: its usage. The answer is complete without it."""
    with trio.move_on_after(_TAIL), suppress(PlatformFailedError):
        while not reader.is_over:
            event = await anext(events, None)
            if event is None:
                break
            reader.read(event.data)
