"""Telegram's HTTP, one request at a time; the only module that names httpx2.

Nothing here retries and nothing here raises for what a server or a network does. The address of
a file holds the token, so it is made here and stays here.
"""

import json
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import ExitStack, aclosing, asynccontextmanager
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any, BinaryIO, TypeVar, cast
from urllib.parse import quote, urlencode

import httpx2
import trio
from attrs import define

from actors.telegram.api.fields import file_name, mime_type
from actors.telegram.api.methods import Take, TelegramClient
from actors.telegram.api.outcomes import (
    UNSAID_WAIT,
    Ambiguous,
    Done,
    Failure,
    NotModified,
    RateLimited,
    Refusal,
    Refused,
    Unreachable,
    failure_of,
)
from actors.telegram.api.vocabulary import (
    BaseSession,
    Bot,
    TelegramAPIServer,
    TelegramMethod,
    TelegramType,
    TokenValidationError,
)
from actors.telegram.settings import TelegramSettings
from protocols.files import LocalFile

__all__ = ["TelegramClient", "TrioSession", "open_client"]

T = TypeVar("T")

_UNTRIED = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)
_UNUSABLE = (httpx2.InvalidURL, httpx2.UnsupportedProtocol)
_LIMITS = httpx2.Limits(max_connections=100, max_keepalive_connections=40, keepalive_expiry=30.0)
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}
_AS_IT_IS = {"Accept-Encoding": "identity"}
"""A little that is packed may become very much: what comes is counted as it comes."""

_Part = tuple[str, tuple[str, BinaryIO, str]]


class _FailedError(Exception):
    """A request that did not succeed; it does not leave this module."""

    def __init__(self, outcome: Failure | NotModified) -> None:
        super().__init__(type(outcome).__name__)
        self.outcome = outcome


class TrioSession(BaseSession):
    """aiogram's way to a Bot API server, over an HTTP client that is native on trio."""

    def __init__(self, http: httpx2.AsyncClient, api_base: str, *, within: float) -> None:
        super().__init__(TelegramAPIServer.from_base(_without_braces(api_base)), timeout=within)
        self._http = http

    async def ask(
        self,
        bot: Bot,
        method: TelegramMethod[Any],
        *,
        more: float = 0.0,
        files: Sequence[LocalFile] = (),
    ) -> Any:
        """The result of *method* as it stands in the JSON, or the failure."""
        try:
            return await self._result(bot, method, more, files)
        except _FailedError as error:
            return error.outcome

    async def make_request(
        self,
        bot: Bot,
        method: TelegramMethod[TelegramType],
        timeout: int | None = None,  # noqa: ASYNC109  # the signature is aiogram's
    ) -> TelegramType:
        """What Telegram answers to *method*, as it stands in the JSON.

        Raises:
            _FailedError: Whatever else happened.
        """
        return cast("TelegramType", await self._result(bot, method, timeout or 0))

    async def fetch(self, bot: Bot, file_path: str, take: Take) -> Done | Failure:
        """Hand the content of a file over; it is there as a whole unless *take* had enough."""
        url = self.api.file_url(token=_quoted(bot.token), path=quote(file_path))
        try:
            async with aclosing(self.stream_content(url, timeout=self.timeout)) as chunks:
                async for chunk in chunks:
                    if not await take(chunk):
                        break
        except _FailedError as error:
            return cast("Failure", error.outcome)
        return Done()

    async def close(self) -> None:
        """Leave the HTTP client to whoever opened it."""
        await trio.lowlevel.checkpoint()

    async def stream_content(
        self,
        url: str,
        headers: dict[str, Any] | None = None,
        timeout: float = 30,  # noqa: ASYNC109  # the signature is aiogram's
        chunk_size: int = 65536,
        raise_for_status: bool = True,  # noqa: FBT001, FBT002  # the same
    ) -> AsyncGenerator[bytes, None]:
        """What is at *url*; each part may take *timeout* seconds.

        Raises:
            _FailedError: It is not there, or not all of it came.
        """
        answer = await _guarded(timeout, partial(self._get, url, headers or {}))
        parts = answer.aiter_raw(chunk_size)
        try:
            if raise_for_status and answer.status_code != HTTPStatus.OK:
                raise _FailedError(_no_file(answer.status_code))
            while (part := await _guarded(timeout, partial(anext, parts, None))) is not None:
                yield part
        finally:
            with trio.move_on_after(0, shield=True):
                # httpx2's AsyncResponseStream, once closed, leaves a generator of its own to the
                # garbage; what is cancelled ends as a whole.
                _ = [part async for part in parts]
            with trio.move_on_after(1, shield=True):
                await answer.aclose()

    async def _result(
        self, bot: Bot, method: TelegramMethod[Any], more: float, files: Sequence[LocalFile] = ()
    ) -> Any:
        url = self.api.api_url(token=_quoted(bot.token), method=method.__api_method__)
        fields = self._fields(bot, method)
        with ExitStack() as opened:
            post = partial(self._post, url, fields)
            if files:
                parts = await trio.to_thread.run_sync(_open_all, files, opened)
                post = partial(self._upload, url, fields, parts)
            answer = await _guarded(self.timeout + more, post)
        return _result_in(answer.status_code, answer.content)

    async def _post(self, url: str, fields: list[tuple[str, Any]]) -> httpx2.Response:
        body = urlencode(fields, errors="replace").encode()
        return await self._http.post(url, content=body, headers=_FORM)

    async def _upload(
        self, url: str, fields: list[tuple[str, Any]], parts: list[_Part]
    ) -> httpx2.Response:
        request = self._http.build_request("POST", url, data=dict(fields), files=parts)
        request.stream = _ReadInThread(iter(cast("httpx2.SyncByteStream", request.stream)))
        return await self._http.send(request)

    async def _get(self, url: str, headers: dict[str, Any]) -> httpx2.Response:
        request = self._http.build_request("GET", url, headers=_AS_IT_IS | headers)
        return await self._http.send(request, stream=True)

    def _fields(self, bot: Bot, method: TelegramMethod[Any]) -> list[tuple[str, Any]]:
        files: dict[str, Any] = {}
        given = method.model_dump(warnings=False, exclude_unset=True).items()
        prepared = ((key, self.prepare_value(value, bot, files)) for key, value in given)
        return [(key, value) for key, value in prepared if value is not None]


@define(eq=False)
class _ReadInThread(httpx2.AsyncByteStream):
    """The body of an upload: the disk keeps nobody waiting but the upload."""

    _chunks: Iterator[bytes]

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while (chunk := await trio.to_thread.run_sync(next, self._chunks, None)) is not None:
            yield chunk


@asynccontextmanager
async def open_client(
    settings: TelegramSettings, *, transport: httpx2.AsyncBaseTransport | None = None
) -> AsyncIterator[TelegramClient]:
    """A client with connections of its own, which end with the block.

    With *transport*, requests go there and not to the network.
    """
    pace = settings.pace
    # The whole exchange has one limit, in _guarded; here only the connection's.
    times = httpx2.Timeout(None, connect=pace.connect_within)
    async with httpx2.AsyncClient(
        timeout=times, limits=_LIMITS, transport=transport, trust_env=False
    ) as http:
        session = TrioSession(http, settings.api_base, within=pace.answer_within)
        yield TelegramClient(session, _bot_with(settings.token, session))


async def _guarded(within: float, ask: Callable[[], Awaitable[T]]) -> T:
    """What *ask* gives.

    Raises:
        _FailedError: The network, the server or the time did not allow it.
    """
    outcome: Failure = Ambiguous("no answer in time")
    with trio.move_on_after(within):
        try:
            return await ask()
        except _UNTRIED as error:
            outcome = Unreachable(type(error).__name__)
        except _UNUSABLE as error:
            outcome = Unreachable(f"{type(error).__name__}: is TELEGRAM_API_BASE right?")
        except (httpx2.HTTPError, OSError) as error:
            outcome = Ambiguous(type(error).__name__)
    raise _FailedError(outcome)


def _bot_with(token: str, session: TrioSession) -> Bot | None:
    try:
        return Bot(token, session=session)
    except TokenValidationError:
        return None


def _open_all(files: Sequence[LocalFile], opened: ExitStack) -> list[_Part]:
    """The parts of a form.

    Raises:
        _FailedError: One of them is not on the disk.
    """
    try:
        contents = [
            opened.enter_context(Path(file.path).open("rb"))  # noqa: SIM115  # *opened* closes it
            for file in files
        ]
    except OSError:
        gone = Refused(HTTPStatus.NOT_FOUND, "the file is not on this machine", Refusal.FILE_GONE)
        raise _FailedError(gone) from None
    return [
        (str(number), (file_name(file), content, mime_type(file)))
        for number, (file, content) in enumerate(zip(files, contents, strict=True))
    ]


def _result_in(status: int, content: bytes) -> Any:
    """The result that stands in an answer; of a failure, the error for it."""
    try:
        body = json.loads(content)
    except (ValueError, RecursionError):
        body = None
    if isinstance(body, dict) and body.get("ok") is True and "result" in body:
        return body["result"]
    raise _FailedError(failure_of(status, body))


def _no_file(status: int) -> Failure:
    """Why a file's address gives nothing; here "Not Found" says nothing about the token."""
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return RateLimited(UNSAID_WAIT)
    if HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return Refused(status, f"HTTP {status} for a file", Refusal.FILE_GONE)
    return Ambiguous(f"HTTP {status} for a file")


def _quoted(token: str) -> str:
    return quote(token, safe=":")


def _without_braces(api_base: str) -> str:
    """The address as aiogram's template takes it."""
    return api_base.replace("{", "{{").replace("}", "}}")
