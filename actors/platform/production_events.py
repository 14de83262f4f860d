"""The events of one run, in their order and each once, over as many connections as it takes."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from http import HTTPStatus
from typing import Any

import structlog
import trio
from attrs import define, field

from actors.platform.lambda_wire import RUNS, run_path, unknown_user
from actors.platform.retries import delay_before_retry
from actors.platform.web import AgentHttp, Headers, ServerSentEvent, StatusError
from protocols.ids import RunId
from protocols.platform import FailureKind, PlatformFailedError

log = structlog.get_logger("platform.run")

Json = dict[str, Any]

MOST_FAILURES = 6
"""In a row, without a new event in between; the waits between them come to 16 s on average."""

LONGEST_DELAY = 30.0
_MOST_EARLY = 16
_LARGEST_EARLY = 2**18
"""Characters; a larger event comes again with the next connection, once it is its turn."""

_GAP_WAIT = 2.0
"""Seconds to wait for an event that others have overtaken."""

_LAST = ("RUN_FINISHED", "RUN_ERROR")
_LONGEST_NUMBER = 18


@define(eq=False)
class RunEvents:
    """Reads a run's events; the first request starts the run, later ones go on where it stood.

    Args:
        body: The run's input, for the first request.
        headers: For every request.
        roll: A random number from 0 up to 1, for the waits.
    """

    http: AgentHttp
    run_id: RunId
    body: Json = field(repr=False)
    headers: Headers
    roll: Callable[[], float]
    is_expired: bool = field(init=False, default=False)
    """The platform does not keep the events any more: only the result is left."""
    _is_taken: bool = field(init=False, default=False)
    """The platform has the run."""
    _is_over: bool = field(init=False, default=False)
    _last: int = field(init=False, default=0)
    _early: dict[int, Json] = field(init=False, factory=dict, repr=False)
    """Events that are to be handed over, by their numbers; behind a gap they wait."""
    _failures: int = field(init=False, default=0)
    _delay: float = field(init=False, default=0.0)
    """Seconds before the next connection."""
    _connection: AsyncExitStack | None = field(init=False, default=None)
    _events: AsyncIterator[ServerSentEvent] | None = field(init=False, default=None)

    async def next(self) -> Json | FailureKind | None:
        """The next event; None behind the last one, and where there are no more to be had.

        Where the connection broke, why: whoever asks again goes on over another one.

        Raises:
            PlatformFailedError: The run could not be started, or its events do not come any more.
        """
        while not (self._is_over or self.is_expired):
            event = self._early.pop(self._last + 1, None)
            if event is not None:
                return await self._handed_over(event)
            try:
                await self._receive()
            except PlatformFailedError as error:
                await self.leave()
                self._delay = self._delay_after(error)
                return error.kind
        return None

    async def leave(self) -> None:
        """Let go of the connection; what has not been handed over comes again with the next."""
        connection, self._connection = self._connection, None
        self._events = None
        self._early.clear()
        if connection is not None:
            await connection.aclose()

    async def _handed_over(self, event: Json) -> Json:
        self._last += 1
        self._failures = 0
        self.body = {}  # it begins no second time, and files are large
        if event.get("type") in _LAST:
            self._is_over = True
            await self.leave()
        return event

    async def _receive(self) -> None:
        """Take in one event, over a connection that is there or a new one."""
        events = self._events or await self._connected()
        event = None
        if not self._early:
            event = await anext(events, None)
        elif len(self._early) < _MOST_EARLY:
            with trio.move_on_after(_GAP_WAIT):
                event = await anext(events, None)
        if event is None:  # the end, or one that was left out
            raise PlatformFailedError(FailureKind.CUT, is_retryable=True)
        number = _number_of(event)
        if number > self._last + 1 and len(event.data) > _LARGEST_EARLY:
            raise PlatformFailedError(FailureKind.CUT, is_retryable=True)
        if number > self._last:
            self._early[number] = _parsed(event.data)

    async def _connected(self) -> AsyncIterator[ServerSentEvent]:
        await trio.sleep(self._delay)
        method, path, body, headers = self._request()
        self._connection = AsyncExitStack()
        self._events = await self._connection.enter_async_context(
            self.http.events(method, path, body=body, headers=headers)
        )
        self._is_taken = True
        return self._events

    def _request(self) -> tuple[str, str, Json | None, Headers]:
        if not self._is_taken:
            return "POST", RUNS, self.body, self.headers
        known = {"Last-Event-ID": str(self._last)} if self._last else {}
        return "GET", run_path(self.run_id, "/events"), None, {**self.headers, **known}

    def _delay_after(self, failure: PlatformFailedError) -> float:
        """Seconds before the next connection; raises *failure* where there should be none."""
        status = failure.status if isinstance(failure, StatusError) else None
        self.is_expired = status == HTTPStatus.GONE
        if self.is_expired:
            return 0.0
        if not self._is_taken:
            raise unknown_user(failure)
        if status == HTTPStatus.NOT_FOUND and not self._last:
            self._is_taken = False  # it lost the run before it said a word: it can begin again
        elif not failure.is_retryable:
            raise failure
        self._failures += 1
        delay = delay_before_retry(
            self._failures, roll=self.roll(), retry_after=failure.retry_after
        )
        asked = failure.retry_after or 0.0
        if self._failures > MOST_FAILURES or asked > LONGEST_DELAY:
            raise PlatformFailedError(failure.kind, is_retryable=False) from None
        log.info("run.reconnected", after_event=self._last, kind=failure.kind, delay=delay)
        return delay


def _number_of(event: ServerSentEvent) -> int:
    """Which event of the run it is, counted from 1; 0 for one that carries nothing.

    Raises:
        PlatformFailedError: The platform does not number it.
    """
    if not event.data:
        return 0
    said = event.id
    if not said.isascii() or not said.isdigit() or len(said) > _LONGEST_NUMBER:
        raise _broken()
    return int(said)


def _parsed(data: str) -> Json:
    try:
        event = json.loads(data)
    except (ValueError, RecursionError):
        raise _broken() from None
    if not isinstance(event, dict):
        raise _broken()
    return event


def _broken() -> PlatformFailedError:
    return PlatformFailedError(FailureKind.BROKEN, is_retryable=True)
