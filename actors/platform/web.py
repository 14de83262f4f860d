"""An agent's HTTP: one client for one life of the bridge; the only module that names httpx2.

Whatever a server or a network does becomes a ``PlatformFailedError``, within bounded memory and
time. No word of an answer stands in an exception or a log.
"""

import json
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager, suppress
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any

import httpx2
import trio
from attrs import define, field, frozen

from actors.platform.event_stream import EventParser, EventTooLargeError, ServerSentEvent
from actors.platform.web_failures import StatusError, retry_after_of
from protocols.platform import FailureKind, PlatformFailedError

__all__ = ["AgentHttp", "Answered", "ServerSentEvent", "StatusError", "agent_http"]

MOST_JSON_BYTES = 4 * 2**20
MOST_EVENT_BYTES = 2**20
MOST_STREAM_BYTES = 64 * 2**20
_MOST_REFUSAL_BYTES = 2**16
_REFUSAL_WITHIN = 2.0

CONNECT_WITHIN = 10.0
STALL = 45.0
"""Longest silence of a stream, in seconds: three times the 15 s after which a server pings."""

_DRAIN = 0.5
"""Seconds for the rest of a stream that has ended; the connection can then be used again."""

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


@define(eq=False)
class AgentHttp:
    """Requests to the agent at one address, each tried once.

    Args:
        base: The agent's address; a request's path is appended to it, unless it is an address
            itself: then the secret does not go along.
        secret: The bearer token; empty for none.
    """

    _http: httpx2.AsyncClient
    _base: str
    _secret: str = field(repr=False)
    stall: float = STALL

    async def json(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        headers: Headers | None = None,
        content: bytes | None = None,
        files: Mapping[str, tuple[str, bytes, str]] | None = None,
        within: float = 30.0,
    ) -> Answered:
        """What the agent answers to one request, as JSON of at most 4 MiB.

        Args:
            method: As HTTP has it.
            path: What is appended to the agent's address; or another server's whole address.
            body: Goes out as JSON.
            headers: Further ones.
            content: Goes out as it is, in the place of *body*.
            files: Go out as the fields of a form, each its file's name, content and MIME type.
            within: Longest time for all of it, in seconds.

        Raises:
            PlatformFailedError: It is no success, or no JSON; ``StatusError`` where the server
                said so by its status.
        """
        request = self._request(
            method, path, body=body, content=content, files=files, headers=headers
        )
        with trio.move_on_after(within):
            async with self._answer(request) as (answer, parts):
                content = await _whole(parts, MOST_JSON_BYTES)
                body = _parsed(content) if content.strip() else None
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
        request = self._request(method, path, body=body, headers=wanted)
        async with self._answer(request) as (answer, parts):
            said = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
            if said != "text/event-stream":
                raise _broken()
            async with aclosing(_events(parts)) as events:
                yield events

    @asynccontextmanager
    async def _answer(
        self, request: httpx2.Request
    ) -> AsyncIterator[tuple[httpx2.Response, AsyncIterator[bytes]]]:
        answer = await self._sent(request)
        raw = answer.aiter_raw()
        patience = 0.0
        try:
            async with aclosing(_guarded(raw)) as parts:
                if answer.status_code not in _SUCCESS:
                    raise await _refusal(answer, parts)
                if answer.headers.get("content-encoding", "identity").lower() != "identity":
                    raise _broken()  # a little that is packed may become very much
                yield answer, parts
            patience = _DRAIN
        finally:
            await _close(answer, raw, patience)

    async def _sent(self, request: httpx2.Request) -> httpx2.Response:
        """The answer's head; each step has its own limit, and all together this one."""
        with trio.move_on_after(CONNECT_WITHIN + self.stall):
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
        self, method: str, path: str, *, body: Any, headers: Headers | None, **content: Any
    ) -> httpx2.Request:
        is_ours = not path.startswith(("http://", "https://"))
        sent = {"Accept": "application/json"}
        if is_ours and self._secret:
            sent["Authorization"] = f"Bearer {self._secret}"
        if body is not None:
            content["content"] = json.dumps(body).encode()
            sent["Content-Type"] = "application/json"
        try:
            return self._http.build_request(
                method,
                self._base + path if is_ours else path,
                headers=sent | dict(headers or {}),
                timeout=httpx2.Timeout(self.stall, connect=CONNECT_WITHIN),
                **content,
            )
        except (*_UNUSABLE, ValueError, TypeError):
            raise PlatformFailedError(FailureKind.UNREACHABLE, is_retryable=False) from None


@asynccontextmanager
async def agent_http(base: str, secret: str, *, stall: float = STALL) -> AsyncIterator[AgentHttp]:
    """Requests to the agent at *base*, over connections that end with the block.

    Nothing of the environment counts, no redirect is followed, no cookie kept, nothing packed,
    and as many requests run at once as are asked for.
    """
    keeps_nothing = CookieJar(DefaultCookiePolicy(allowed_domains=[]))
    async with httpx2.AsyncClient(
        headers={"Accept-Encoding": "identity"},
        cookies=keeps_nothing,
        limits=httpx2.Limits(
            max_connections=None, max_keepalive_connections=100, keepalive_expiry=4.0
        ),
        follow_redirects=False,
        trust_env=False,
    ) as http:
        where = base if "?" in base else base.rstrip("/")
        yield AgentHttp(http, where, secret, stall)


async def _guarded(raw: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
    """The parts of a body; what the network does meanwhile is a cut stream."""
    try:
        async for part in raw:
            yield part
    except httpx2.TimeoutException:
        raise PlatformFailedError(FailureKind.TIMEOUT, is_retryable=True) from None
    except (httpx2.HTTPError, OSError):
        raise PlatformFailedError(FailureKind.CUT, is_retryable=True) from None


async def _events(parts: AsyncIterator[bytes]) -> AsyncGenerator[ServerSentEvent, None]:
    parser, size = EventParser(MOST_EVENT_BYTES), 0
    async for part in parts:
        size += len(part)
        if size > MOST_STREAM_BYTES:
            raise _broken()
        try:
            events = parser.feed(part)
        except EventTooLargeError:
            raise _broken() from None
        for event in events:
            yield event


async def _whole(parts: AsyncIterator[bytes], most_bytes: int) -> bytes:
    """All of a body; as much of it as is allowed, and then an error."""
    kept, size = [], 0
    async for part in parts:
        size += len(part)
        if size > most_bytes:
            raise _broken()
        kept.append(part)
    return b"".join(kept)


async def _refusal(answer: httpx2.Response, parts: AsyncIterator[bytes]) -> StatusError:
    body: Any = None
    # An HTML page, half of one, or one that does not come: the status says enough.
    with trio.move_on_after(_REFUSAL_WITHIN), suppress(PlatformFailedError):
        body = _parsed(await _whole(parts, _MOST_REFUSAL_BYTES))
    wait = retry_after_of(answer.headers.get("retry-after"), now=time.time())
    return StatusError(answer.status_code, body, retry_after=wait)


async def _close(answer: httpx2.Response, raw: AsyncIterator[bytes], patience: float) -> None:
    """Let go of the connection, in order: no generator is left to the garbage collector."""
    lost = (httpx2.HTTPError, OSError)
    with trio.move_on_after(patience, shield=True), suppress(*lost):
        size = 0
        async for part in raw:
            size += len(part)
            if size > _MOST_REFUSAL_BYTES:
                break
    with trio.move_on_after(0, shield=True), suppress(*lost):
        # httpx2's AsyncResponseStream, once closed, leaves a generator of its own to the garbage;
        # what is cancelled ends as a whole.
        _ = [part async for part in raw]
    with trio.move_on_after(1, shield=True):
        await answer.aclose()


def _parsed(content: bytes) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        raise _broken() from None


def _before_the_head(error: httpx2.HTTPError) -> PlatformFailedError:
    if isinstance(error, httpx2.TimeoutException):
        return PlatformFailedError(FailureKind.TIMEOUT, is_retryable=True)
    is_silent = "without sending a response" in str(error)  # httpcore2's own words
    if isinstance(error, httpx2.RemoteProtocolError) and not is_silent:
        return _broken()
    return _unreachable()


def _unreachable() -> PlatformFailedError:
    return PlatformFailedError(FailureKind.UNREACHABLE, is_retryable=True)


def _broken() -> PlatformFailedError:
    return PlatformFailedError(FailureKind.BROKEN, is_retryable=True)
