"""A run's events over connections that break: in order, each once."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.platform.production_events import RunEvents
from actors.platform.web import agent_http
from protocols.ids import RunId
from protocols.platform import FailureKind, PlatformFailedError
from tests.actors.platform.raw_server import END, EVENTS, Serve, chunk, raw_server, saying

RUN = RunId("6f1c3c9e-0d5a-5d57-9b0e-3f5c2a1d7e44")


def event(number: int | str, *, last: bool = False, data: str = "") -> bytes:
    said = {"type": "RUN_FINISHED" if last else "STEP", "n": number}
    return f"id: {number}\ndata: {data or json.dumps(said)}\n\n".encode()


def stream(*events: bytes) -> bytes:
    return EVENTS + b"".join(chunk(each) for each in events) + END


@asynccontextmanager
async def reading(serve: Serve) -> AsyncIterator[RunEvents]:
    async with raw_server(serve) as url, agent_http(url, "", stall=2.0) as http:
        run = RunEvents(http, RUN, {}, {}, lambda: 0.0)
        yield run
        await run.leave()


async def numbers(run: RunEvents) -> list[Any]:
    read = []
    with trio.fail_after(20):
        while (each := await run.next()) is not None:
            if not isinstance(each, FailureKind):
                read.append(each["n"])
    return read


async def read_all(*answers: bytes) -> list[Any]:
    async with reading(saying(*answers)) as run:
        return await numbers(run)


async def failure(*answers: bytes) -> PlatformFailedError:
    async with reading(saying(*answers)) as run:
        with pytest.raises(PlatformFailedError) as caught:
            await numbers(run)
    return caught.value


async def test_events_that_overtake_each_other_come_in_their_order() -> None:
    shuffled = stream(event(2), event(1), event(5, last=True), event(3), event(4))

    assert await read_all(shuffled) == [1, 2, 3, 4, 5]


async def test_an_event_that_comes_again_is_dropped() -> None:
    again = stream(event(1), event(1), event(2), event(1), event(3, last=True))

    assert await read_all(again) == [1, 2, 3]


async def test_what_comes_behind_the_last_event_is_nothing() -> None:
    async with reading(saying(stream(event(1, last=True), event(2)))) as run:
        assert await numbers(run) == [1]
        assert await run.next() is None


async def test_an_event_that_was_left_out_comes_with_the_next_connection() -> None:
    asked: list[bytes] = []
    rest = stream(event(2), event(3, last=True))

    async def serve(line: trio.abc.Stream, request: bytes) -> None:
        asked.append(request)
        await line.send_all(stream(event(1), event(3, last=True)) if len(asked) == 1 else rest)

    async with reading(serve) as run:
        assert await numbers(run) == [1, 2, 3]

    assert asked[0].startswith(b"POST /v1/runs HTTP")
    assert asked[1].startswith(f"GET /v1/runs/{RUN}/events HTTP".encode())
    assert b"Last-Event-ID: 1\r\n" in asked[1] + b"\r\n"


async def test_a_gap_is_not_waited_for_while_nothing_comes() -> None:
    async def serve(line: trio.abc.Stream, request: bytes) -> None:
        if request.startswith(b"POST"):
            await line.send_all(EVENTS + chunk(event(1)) + chunk(event(3)))
            await trio.sleep_forever()
        await line.send_all(stream(event(2), event(3), event(4, last=True)))

    async with reading(serve) as run:
        assert await numbers(run) == [1, 2, 3, 4]


async def test_a_gap_is_not_filled_with_all_that_comes() -> None:
    leaping = stream(*(event(number) for number in range(2, 100)))

    assert await read_all(leaping, stream(event(1), event(2, last=True))) == [1, 2]


@pytest.mark.parametrize(
    "odd",
    [
        event("", data="{}"),
        event("one"),
        event("9" * 30),
        event("-1"),
        b"data: {}\n\n",
        event(1, data="{"),
        event(1, data="[]"),
        event(1, data="[" * 100_000),
    ],
)
async def test_an_event_that_is_none_comes_again_or_the_stream_is_broken(odd: bytes) -> None:
    assert await read_all(stream(odd), stream(event(1, last=True))) == [1]
    error = await failure(stream(odd))
    assert (error.kind, error.is_retryable) == (FailureKind.BROKEN, False)


async def test_a_large_event_is_not_kept_behind_a_gap() -> None:
    large = event(2, last=True, data=json.dumps({"type": "RUN_FINISHED", "n": 2, "x": "x" * 2**18}))
    asked: list[bytes] = []
    answers = iter([stream(large, event(1)), stream(event(1)), stream(large)])

    async def serve(to: trio.abc.Stream, request: bytes) -> None:
        asked.append(request)
        await to.send_all(next(answers))

    async with reading(serve) as run:
        assert await numbers(run) == [1, 2]

    assert len(asked) == 3


async def test_a_time_to_wait_and_a_ping_are_no_events() -> None:
    assert await read_all(stream(b"retry: 1000\n\n", b": ping\n\n", event(1, last=True))) == [1]


async def test_an_end_before_the_last_event_is_no_end() -> None:
    error = await failure(stream(event(1)))

    assert (error.kind, error.is_retryable) == (FailureKind.CUT, False)


async def test_every_new_event_gives_new_attempts() -> None:
    cut = [stream(event(number)) for number in range(1, 20)]

    assert await read_all(*cut, stream(event(20, last=True))) == list(range(1, 21))


@settings(max_examples=20)
@given(st.lists(st.lists(st.integers(1, 9), max_size=12), max_size=4))
def test_whatever_a_server_sends_what_is_read_is_in_order_and_whole(sent: list[list[int]]) -> None:
    answers = [stream(*(event(n, last=n == 9) for n in each)) for each in sent]
    whole = stream(*(event(n, last=n == 9) for n in range(1, 10)))

    assert trio.run(partial(read_all, *answers, whole)) == list(range(1, 10))
