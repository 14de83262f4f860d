"""The one door to asyncio: a loop for each actor that needs one.

Whatever goes wrong on the asyncio side ends at most that actor: a stray report that the loop
would raise into whoever opened it crashes the actor in its own name, and asyncio's
``CancelledError``, which trio takes for a foreign ``BaseException``, becomes an ordinary error.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, ParamSpec, TypeVar

import structlog
import trio
import trio_asyncio  # type: ignore[import-untyped]

P = ParamSpec("P")
T = TypeVar("T")

ASYNCIO_CANCELLED = asyncio.CancelledError

log = structlog.get_logger("kernel.aio")


class AsyncioCancelledError(Exception):
    """Something was cancelled on the asyncio side, which nobody on this side asked for."""


class StrayAsyncioError(Exception):
    """An asyncio task or callback of this actor failed and nobody awaited it."""


@asynccontextmanager
async def open_asyncio(name: str) -> AsyncIterator[asyncio.AbstractEventLoop]:
    """An asyncio loop for this actor only; *name* is for logs.

    Raises:
        StrayAsyncioError: An asyncio task or callback failed and nobody awaited it.
    """
    strays: list[BaseException] = []
    with trio.CancelScope() as scope:

        def report(_loop: object, context: dict[str, Any]) -> None:
            stray = context.get("exception")
            # Without an exception it is a warning, such as an unclosed session: no reason to die.
            log.warning("asyncio.complained", actor=name, error=type(stray).__name__)
            if stray is not None:
                strays.append(stray)
                scope.cancel(reason="a stray asyncio error")

        async with trio_asyncio.open_loop() as loop:
            loop.set_exception_handler(report)
            yield loop
    if strays:
        raise StrayAsyncioError(type(strays[0]).__name__) from strays[0]


async def from_asyncio(
    function: Callable[P, Awaitable[T]], /, *args: P.args, **kwargs: P.kwargs
) -> T:
    """Call an asyncio coroutine function from trio, inside ``open_asyncio``.

    Raises:
        AsyncioCancelledError: The call was cancelled on the asyncio side.
    """
    try:
        return await trio_asyncio.aio_as_trio(function)(*args, **kwargs)  # type: ignore[no-any-return]
    except ASYNCIO_CANCELLED as error:
        raise AsyncioCancelledError(getattr(function, "__name__", "call")) from error
