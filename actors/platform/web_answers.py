"""The bodies of an agent's HTTP answers: read within bounds, and let go of in order."""

import json
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import Any

import httpx2
import trio

from actors.platform.event_stream import EventParser, EventTooLargeError, ServerSentEvent
from actors.platform.web_failures import StatusError, retry_after_of
from protocols.platform import FailureKind, PlatformFailedError

MOST_STREAM_BYTES = 64 * 2**20
MOST_REFUSAL_BYTES = 2**16
_REFUSAL_WITHIN = 2.0
_DRAIN = 0.2
_LOST = (httpx2.HTTPError, OSError)


async def guarded(raw: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
    """The parts of a body; what the network does meanwhile is a cut stream."""
    try:
        async for part in raw:
            yield part
    except httpx2.TimeoutException:
        raise PlatformFailedError(FailureKind.TIMEOUT, is_retryable=True) from None
    except _LOST:
        raise PlatformFailedError(FailureKind.CUT, is_retryable=True) from None


async def events_in(
    parts: AsyncIterator[bytes], most_bytes: int, pause: Callable[[], Awaitable[None]]
) -> AsyncGenerator[ServerSentEvent, None]:
    """The events in a body, each of at most *most_bytes*; *pause* is awaited between two reads.

    Raises:
        PlatformFailedError: One of them, or all together, are larger than anybody means.
    """
    parser, size = EventParser(most_bytes), 0
    async for part in parts:
        size += len(part)
        if size > MOST_STREAM_BYTES:
            raise broken()
        try:
            events = parser.feed(part)
        except EventTooLargeError:
            raise broken() from None
        for event in events:
            yield event
        await pause()


async def whole(parts: AsyncIterator[bytes], most_bytes: int) -> bytes:
    """All of a body; as much of it as is allowed, and then an error."""
    kept, size = [], 0
    async for part in parts:
        size += len(part)
        if size > most_bytes:
            raise broken()
        kept.append(part)
    return b"".join(kept)


async def refusal(answer: httpx2.Response, parts: AsyncIterator[bytes]) -> StatusError:
    """The error that an answer means which is no success."""
    body: Any = None
    # An HTML page, half of one, or one that does not come: the status says enough.
    with trio.move_on_after(_REFUSAL_WITHIN), suppress(PlatformFailedError):
        body = parsed(await whole(parts, MOST_REFUSAL_BYTES))
    wait = retry_after_of(answer.headers.get("retry-after"), now=time.time())
    return StatusError(answer.status_code, body, retry_after=wait)


async def drain(raw: AsyncIterator[bytes]) -> None:
    """Read what little is left of a body: its connection can then be used again."""
    size = 0
    with trio.move_on_after(_DRAIN), suppress(*_LOST):
        async for part in raw:
            size += len(part)
            if size > MOST_REFUSAL_BYTES:
                break


async def close(answer: httpx2.Response, raw: AsyncIterator[bytes]) -> None:
    """Let go of the connection, in order: no generator is left to the garbage collector."""
    with trio.move_on_after(0, shield=True), suppress(*_LOST):
        # httpx2's AsyncResponseStream, once closed, leaves a generator of its own to the garbage;
        # what is cancelled ends as a whole.
        _ = [part async for part in raw]
    with trio.move_on_after(1, shield=True):
        await answer.aclose()


def parsed(content: bytes) -> Any:
    """What JSON says.

    Raises:
        PlatformFailedError: It is none.
    """
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        raise broken() from None


def broken() -> PlatformFailedError:
    """What the agent answered is not the protocol."""
    return PlatformFailedError(FailureKind.BROKEN, is_retryable=True)
