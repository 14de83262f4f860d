"""An agent's HTTP: one client for one life of the bridge.

Whatever a server or a network does becomes a ``PlatformFailedError``, within bounded memory and
time. No word of an answer stands in an exception or a log. httpx2 is named here and in
``web_answers`` only.
"""

import json
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import aclosing, asynccontextmanager
from functools import cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any

import httpx2
import trio
from attrs import define, field, frozen

from actors.platform.event_stream import ServerSentEvent
from actors.platform.pace import Pace
from actors.platform.web_answers import (
    broken,
    close,
    drain,
    events_in,
    guarded,
    parsed,
    refusal,
    whole,
)
from actors.platform.web_failures import StatusError
from protocols.platform import FailureKind, PlatformFailedError

__all__ = ["AgentHttp", "Answered", "Form", "ServerSentEvent", "StatusError", "agent_http"]

MOST_JSON_BYTES = 4 * 2**20
MOST_EVENT_BYTES = 2**20

CONNECT_WITHIN = 10.0
STALL = 45.0
"""Longest silence of a stream, in seconds: three times the 15 s after which a server pings."""

_CLOSE_WITHIN = 2.0

_SUCCESS = range(200, 300)
_UNUSABLE = (httpx2.InvalidURL, httpx2.UnsupportedProtocol, httpx2.LocalProtocolError, UnicodeError)
_UNTRIED = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)

Headers = Mapping[str, str]


@frozen
class Answered:
    """A request that succeeded.

    Args:
        body: What the answer's JSON says; None where the answer is empty.
        headers: Their names in lower case.
    """

    status: int
    body: Any = field(repr=False)
    headers: Headers = field(repr=False)


@frozen
class Form:
    """A file, and what goes along with it.

    Args:
        file: Its name, content and MIME type.
        boundary: What stands between the fields; the same form must have the same one.
    """

    file: tuple[str, bytes, str] = field(repr=False)
    fields: Mapping[str, str]
    boundary: str


@define(eq=False)
class AgentHttp:
    """Requests to the agent at one address, each tried once.

    Args:
        base: The agent's address; a request's path is appended to it.
        ours: The headers of every request to the agent; the bearer token is one of them.
        stall: Longest silence, in seconds, of whoever answers.
        most_event_bytes: Of one event of a stream.
    """

    _http: httpx2.AsyncClient
    _base: str = field(repr=False)
    _ours: dict[str, str] = field(repr=False)
    stall: float = STALL
    most_event_bytes: int = MOST_EVENT_BYTES
    _pace: Pace = field(init=False, factory=Pace)

    async def json(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        form: Form | None = None,
        headers: Headers | None = None,
        within: float = 30.0,
        most_bytes: int = MOST_JSON_BYTES,
    ) -> Answered:
        """What the agent answers to one request, as JSON.

        Args:
            method: As HTTP has it.
            path: What is appended to the agent's address.
            body: Goes out as JSON.
            form: Goes out in the place of *body*.
            headers: Further ones.
            within: Longest time for all of it, in seconds.
            most_bytes: Of the answer; a longer one is none.

        Raises:
            PlatformFailedError: It is no success, or no JSON; ``StatusError`` where the server
                said so by its status.
        """
        wanted = dict(headers or {})
        if form is not None:
            wanted["Content-Type"] = f"multipart/form-data; boundary={form.boundary}"
        request = self._request(
            method,
            self._base + path,
            headers=self._ours | wanted,
            content=None if body is None else json.dumps(body).encode(),
            data=None if form is None else dict(form.fields),
            files=None if form is None else {"file": form.file},
            within=within,
        )
        return await self._exchange(request, parsed, within=within, most_bytes=most_bytes)

    async def put(
        self, url: str, content: bytes, *, headers: Headers, within: float = 300.0
    ) -> None:
        """Upload *content* to *url*, on any server: our secret does not go along.

        Raises:
            PlatformFailedError: It is no success.
        """
        request = self._request("PUT", url, headers=headers, content=content, within=within)
        await self._exchange(request, len, within=within)

    async def _exchange(
        self,
        request: httpx2.Request,
        read: Callable[[bytes], Any],
        *,
        within: float,
        most_bytes: int = MOST_JSON_BYTES,
    ) -> Answered:
        with trio.move_on_after(within):
            async with self._answer(request) as (answer, parts):
                content = await whole(parts, most_bytes)
                body = read(content) if content.strip() else None
                return Answered(answer.status_code, body, answer.headers)
        raise PlatformFailedError(FailureKind.TIMEOUT, is_retryable=True)

    @asynccontextmanager
    async def events(
        self, method: str, path: str, *, body: Any = None, headers: Headers | None = None
    ) -> AsyncIterator[AsyncIterator[ServerSentEvent]]:
        """The events of one answer, as they come; the connection ends with the block.

        The end of the stream is no error here: whoever reads knows what the last event is.

        Raises:
            PlatformFailedError: Also while the events are read.
        """
        wanted = {"Accept": "text/event-stream", "Cache-Control": "no-store"} | dict(headers or {})
        request = self._request(
            method,
            self._base + path,
            headers=self._ours | wanted,
            content=None if body is None else json.dumps(body).encode(),
        )
        del body  # files may be in there, and the answer may take long
        async with self._answer(request) as (answer, parts):
            said = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
            if said != "text/event-stream":
                raise broken()
            with self._pace.stream() as pause:
                async with aclosing(events_in(parts, self.most_event_bytes, pause)) as events:
                    yield events

    @asynccontextmanager
    async def _answer(
        self, request: httpx2.Request
    ) -> AsyncIterator[tuple[httpx2.Response, AsyncIterator[bytes]]]:
        answer = await self._sent(request)
        raw = answer.aiter_raw()
        try:
            async with aclosing(guarded(raw)) as parts:
                if answer.status_code not in _SUCCESS:
                    raise await refusal(answer, parts)
                if answer.headers.get("content-encoding", "identity").lower() != "identity":
                    raise broken()  # a little that is packed may become very much
                yield answer, parts
            await drain(raw)
        finally:
            with trio.move_on_after(_CLOSE_WITHIN, shield=True):
                await close(answer, raw)

    async def _sent(self, request: httpx2.Request) -> httpx2.Response:
        """The answer's head; each step has its own limit, and all together this one."""
        with trio.move_on_after(CONNECT_WITHIN + request.extensions["timeout"]["read"]):
            try:
                return await self._http.send(request, stream=True)
            except _UNUSABLE:
                raise PlatformFailedError(FailureKind.UNREACHABLE, is_retryable=False) from None
            except (*_UNTRIED, OSError):
                raise _unreachable() from None
            except httpx2.HTTPError as error:
                raise _before_the_head(error) from None
        raise PlatformFailedError(FailureKind.TIMEOUT, is_retryable=True)

    def _request(
        self, method: str, url: str, *, headers: Headers, within: float = 0.0, **content: Any
    ) -> httpx2.Request:
        patience = max(self.stall, within)
        try:
            return self._http.build_request(
                method,
                url,
                headers=headers,
                timeout=httpx2.Timeout(patience, connect=CONNECT_WITHIN),
                **content,
            )
        except (*_UNUSABLE, ValueError, TypeError):
            raise PlatformFailedError(FailureKind.UNREACHABLE, is_retryable=False) from None


@asynccontextmanager
async def agent_http(
    base: str, secret: str, *, stall: float = STALL, most_event_bytes: int = MOST_EVENT_BYTES
) -> AsyncIterator[AgentHttp]:
    """Requests to the agent at *base*, over connections that end with the block.

    Nothing of the environment counts, no redirect is followed, no cookie kept, nothing packed,
    and as many requests run at once as are asked for.
    """
    keeps_nothing = CookieJar(DefaultCookiePolicy(allowed_domains=[]))
    trusted = await trio.to_thread.run_sync(_trusted)
    async with httpx2.AsyncClient(
        verify=trusted,
        headers={"Accept-Encoding": "identity"},
        cookies=keeps_nothing,
        limits=httpx2.Limits(
            max_connections=None, max_keepalive_connections=100, keepalive_expiry=4.0
        ),
        follow_redirects=False,
        trust_env=False,
    ) as http:
        ours = {"Accept": "application/json", "Content-Type": "application/json"}
        if secret:
            ours["Authorization"] = f"Bearer {secret}"
        where = base if "?" in base else base.rstrip("/")
        yield AgentHttp(http, where, ours, stall, most_event_bytes)


@cache
def _trusted() -> ssl.SSLContext:
    """Whom certificates are believed from; reading that takes up to a second."""
    return httpx2.create_ssl_context(trust_env=False)


def _before_the_head(error: httpx2.HTTPError) -> PlatformFailedError:
    if isinstance(error, httpx2.TimeoutException):
        return PlatformFailedError(FailureKind.TIMEOUT, is_retryable=True)
    is_silent = "without sending a response" in str(error)  # httpcore2's own words
    if isinstance(error, httpx2.RemoteProtocolError) and not is_silent:
        return broken()
    return _unreachable()


def _unreachable() -> PlatformFailedError:
    return PlatformFailedError(FailureKind.UNREACHABLE, is_retryable=True)
