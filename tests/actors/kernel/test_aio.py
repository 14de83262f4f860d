import asyncio

import pytest
import trio
from structlog.typing import EventDict

from actors.kernel.aio import AsyncioCancelledError, StrayAsyncioError, from_asyncio, open_asyncio
from actors.kernel.child import ready
from actors.kernel.spec import permanent
from tests.actors.kernel.crew import Doing, hang, running


async def doubled(number: int) -> int:
    await asyncio.sleep(0)
    return 2 * number


async def cancel_oneself() -> None:
    await asyncio.sleep(0)
    raise asyncio.CancelledError


async def test_an_asyncio_function_can_be_called_from_trio() -> None:
    async with open_asyncio("matrix"):
        assert await from_asyncio(doubled, 21) == 42


async def test_a_cancellation_on_the_asyncio_side_is_an_ordinary_error() -> None:
    async with open_asyncio("matrix"):
        with pytest.raises(AsyncioCancelledError, match="cancel_oneself"):
            await from_asyncio(cancel_oneself)


async def test_an_asyncio_error_that_nobody_awaits_ends_the_actor() -> None:
    def fail() -> None:
        raise ValueError("a person's words")

    async def work() -> None:
        async with open_asyncio("matrix") as loop:
            loop.call_soon(fail)
            await trio.sleep_forever()

    with pytest.raises(StrayAsyncioError, match=r"^ValueError$"):
        await work()


async def test_a_complaint_without_an_error_is_only_logged(logs: list[EventDict]) -> None:
    async with open_asyncio("matrix") as loop:
        loop.call_exception_handler({"message": "Unclosed client session"})

    assert [entry["event"] for entry in logs] == ["asyncio.complained"]


async def test_a_stray_asyncio_error_does_not_touch_the_siblings() -> None:
    lives: list[int] = []
    is_back = trio.Event()

    async def work() -> None:
        lives.append(len(lives))
        async with open_asyncio("b") as loop:
            ready()
            if len(lives) == 1:
                loop.call_soon(lambda: 1 / 0)
            else:
                is_back.set()
            await trio.sleep_forever()

    specs = [permanent("a", Doing, hang), permanent("b", Doing, work), permanent("c", Doing, hang)]
    async with running(specs) as tree:
        await is_back.wait()

        assert [tree[name].life for name in "abc"] == [1, 2, 1]
        assert tree["b"].last_error == "StrayAsyncioError: ZeroDivisionError"


async def test_an_escaped_asyncio_cancellation_is_a_crash_of_that_actor_only() -> None:
    is_back = trio.Event()
    lives: list[int] = []

    async def work() -> None:
        lives.append(len(lives))
        ready()
        if len(lives) == 1:
            raise asyncio.CancelledError
        is_back.set()
        await trio.sleep_forever()

    specs = [permanent("a", Doing, hang), permanent("b", Doing, work)]
    async with running(specs) as tree:
        await is_back.wait()

        assert [tree[name].life for name in "ab"] == [1, 2]
        assert tree["b"].last_error == "CancelledError"
