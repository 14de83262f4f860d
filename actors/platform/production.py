"""The platform over HTTP: the contract of ``docs/platform-api.yaml``."""

import random
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus
from itertools import count
from typing import Any, TypeVar
from uuid import uuid4

import trio
from attrs import define, field

from actors.platform.agui_wire import RunDecoder
from actors.platform.lambda_runs import Asked, answer_of, headers_of, input_of, rest_of
from actors.platform.lambda_wire import (
    CAPABILITIES,
    RUNS,
    VERSION,
    Capabilities,
    RunResult,
    action_json,
    capabilities_of,
    key_header,
    result_of,
    run_path,
    settings_of,
    settings_path,
    unknown_user,
    upsert_json,
    user_of,
    user_path,
)
from actors.platform.production_events import RunEvents
from actors.platform.production_files import FileSender
from actors.platform.retries import delay_before_retry
from actors.platform.settings import AgentSettings
from actors.platform.web import AgentHttp, StatusError, agent_http
from protocols.ids import RunId
from protocols.platform import (
    NO_DETAILS,
    Answer,
    Attachment,
    FailureKind,
    PlatformFailedError,
    Resume,
    RunDetails,
    SettingsAction,
    StreamBroke,
    StreamPart,
    TextDelta,
    User,
    UserSettings,
)

Json = dict[str, Any]
T = TypeVar("T")

LONGEST_RUN = 3500.0
"""Seconds; below the hour that a session waits."""

MOST_EVENT_BYTES = 8 * 2**20
"""The last event carries what the agent made: files of up to 4 MiB within it, as base64."""

_MOST_RESULT_BYTES = 32 * 2**20
_ATTEMPTS = 3
_LONGEST_WAIT = 4.0
"""Seconds; whoever asks for more is not waited for: a person wants to hear something."""

_UNDER_WAY = 1.0
"""Seconds before an unknown run is stopped again: the request that begins it may be on its way."""

_COMMON = {"Lambda-Version": VERSION}


@define(eq=False)
class ProductionClient:
    """The agent platform, over the connections of one life of the bridge.

    Args:
        attachments: How the content of files goes there: ``s3`` by address, anything else with
            the message or ahead of it.
        random: Where the waits between attempts come from.
    """

    http: AgentHttp
    attachments: str = "binary"
    _random: random.Random = field(factory=random.Random, kw_only=True)
    _capabilities: Capabilities | None = field(init=False, default=None)
    _files: FileSender = field(init=False)

    def __attrs_post_init__(self) -> None:
        """Let files go out as the settings say."""
        self._files = FileSender(self.http, self.attachments, self._limits, _COMMON)

    @property
    def history_chars(self) -> int:
        """The platform keeps the history."""
        return 0

    async def check_access(self) -> None:
        """Ask for what the platform can do; learns its limits by the way."""
        answered = await self.http.json("GET", CAPABILITIES, headers=_COMMON)
        self._capabilities = capabilities_of(answered.body)

    async def get_or_create_user(self, external_id: str, platform: str, display_name: str) -> User:
        """The platform's user for a person on a surface; the same one every time."""
        path, body = user_path(platform, external_id), upsert_json(display_name)
        return user_of((await self.http.json("PUT", path, body=body, headers=_COMMON)).body)

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
        asked = Asked(run_id, user_id, chat_id, text, details)
        body = await self._input(asked, attachments)
        with trio.move_on_after(LONGEST_RUN):
            return answer_of(await self._finished(asked, body))
        raise PlatformFailedError(FailureKind.TIMEOUT, is_retryable=True)

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
        """Run the agent and hand over its answer as it comes.

        A stream that breaks is gone on with; leaving it does not stop the run.
        """
        asked = Asked(run_id, user_id, chat_id, text, details)
        body = await self._input(asked, attachments, resume)
        run = RunEvents(self.http, run_id, body, headers_of(asked), self._random.random)
        del attachments, body  # files in memory, and an answer may take an hour
        decoder, shown = RunDecoder(), list[str]()
        try:
            while (event := await run.next()) is not None:
                if isinstance(event, FailureKind):
                    yield StreamBroke(event)
                    continue
                for part in decoder.take(event):
                    if isinstance(part, TextDelta):
                        shown.append(part.text)
                    yield part
        finally:
            with trio.move_on_after(0, shield=True):  # whoever leaves does not wait
                await run.leave()
        if run.is_expired:
            for part in rest_of(await self._result(run_id), "".join(shown)):
                yield part

    async def cancel_run(self, run_id: RunId) -> None:
        """Stop a run; one that is over or unknown is no error."""
        if not await self._has_cancelled(run_id):
            await trio.sleep(_UNDER_WAY)
            await self._has_cancelled(run_id)

    async def _has_cancelled(self, run_id: RunId) -> bool:
        """Stop a run; False where the platform does not know it."""

        async def cancel() -> None:
            await self.http.json("POST", run_path(run_id, "/cancel"), headers=_COMMON)

        try:
            await self._insisting(cancel)
        except StatusError as error:
            if error.status not in {HTTPStatus.NOT_FOUND, HTTPStatus.GONE}:
                raise
            return error.status != HTTPStatus.NOT_FOUND
        return True

    async def get_settings(self, user_id: str) -> UserSettings:
        """The person's settings."""

        async def fetch() -> UserSettings:
            path = settings_path(user_id)
            return settings_of((await self.http.json("GET", path, headers=_COMMON)).body)

        return await self._insisting(fetch)

    async def update_settings(self, user_id: str, action: SettingsAction) -> UserSettings:
        """Change the person's settings; gives them as they are afterwards.

        A change that has to be asked for again is done once: its requests have one key.
        """
        path, body = f"{settings_path(user_id)}/actions", action_json(action)
        headers = {**_COMMON, "Idempotency-Key": key_header(str(uuid4()))}

        async def change() -> UserSettings:
            answered = await self.http.json("POST", path, body=body, headers=headers)
            return settings_of(answered.body)

        return await self._insisting(change)

    async def _insisting(self, ask: Callable[[], Awaitable[T]]) -> T:
        """What *ask* gives, tried a few times: nobody else tries it again."""
        for attempt in range(1, _ATTEMPTS):
            try:
                return await ask()
            except PlatformFailedError as error:
                wait = error.retry_after or 0.0
                if not error.is_retryable or wait > _LONGEST_WAIT:
                    raise unknown_user(error) from None
            await trio.sleep(self._delay(attempt, wait))
        return await ask()

    def _delay(self, attempt: int, retry_after: float | None = None) -> float:
        return delay_before_retry(attempt, roll=self._random.random(), retry_after=retry_after)

    async def _input(
        self, asked: Asked, attachments: tuple[Attachment, ...], resume: Resume | None = None
    ) -> Json:
        run_id, user_id = asked.run_id, asked.user_id
        try:
            parts = await self._files.parts_of(attachments, run_id=run_id, user_id=user_id)
        except StatusError as error:
            raise unknown_user(error) from None
        return input_of(asked, parts, resume)

    async def _finished(self, asked: Asked, body: Json) -> RunResult:
        """The run once it is over; asks again where the platform has not waited for its end."""
        answered = await self.http.json(
            "POST",
            RUNS,
            body=body,
            headers=headers_of(asked),
            within=LONGEST_RUN,
            most_bytes=_MOST_RESULT_BYTES,
        )
        result = result_of(answered.body)
        for attempt in count(1):
            if result.is_over:
                break
            await trio.sleep(self._delay(attempt))
            result = await self._result(asked.run_id)
        return result

    async def _result(self, run_id: RunId) -> RunResult:
        async def fetch() -> RunResult:
            answered = await self.http.json(
                "GET", run_path(run_id), headers=_COMMON, most_bytes=_MOST_RESULT_BYTES
            )
            return result_of(answered.body)

        return await self._insisting(fetch)

    async def _limits(self) -> Capabilities:
        """What the platform takes, asked once: what is sent must not depend on when."""
        if self._capabilities is None:
            try:
                await self.check_access()
            except StatusError as error:
                if error.status != HTTPStatus.NOT_FOUND:
                    raise
                self._capabilities = Capabilities()
        return self._capabilities or Capabilities()


@asynccontextmanager
async def open_production(agent: AgentSettings) -> AsyncIterator[ProductionClient]:
    """The client for the platform that the settings name; its connections end with the block."""
    async with agent_http(agent.url, agent.secret, most_event_bytes=MOST_EVENT_BYTES) as http:
        yield ProductionClient(http, agent.attachments)
