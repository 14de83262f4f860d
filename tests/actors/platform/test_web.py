"""An agent's HTTP over real sockets: whatever comes is a value or one kind of error."""

import json
import resource
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path

import pytest
import trio

from actors.platform.web import AgentHttp, Form, StatusError, agent_http
from protocols.platform import FailureKind, PlatformFailedError
from tests.actors.platform.raw_server import (
    END,
    EVENTS,
    Serve,
    answer,
    chunk,
    raw_server,
    saying,
    saying_and_closing,
)
from tests.rigs.tls import untrusted_server

HTML = b"<!DOCTYPE html><h1>It works!</h1>"


@asynccontextmanager
async def _client(serve: Serve, *, stall: float = 5.0) -> AsyncIterator[AgentHttp]:
    async with raw_server(serve) as url, agent_http(url, "token", stall=stall) as http:
        yield http


async def _read(http: AgentHttp) -> list[str]:
    async with http.events("POST", "/run", body={}) as events:
        return [event.data async for event in events]


async def _failure(http: AgentHttp, how: str) -> PlatformFailedError:
    ask: Awaitable[object] = (
        http.json("GET", "/thing", within=3.0) if how == "json" else _read(http)
    )
    with pytest.raises(PlatformFailedError) as caught:
        await ask
    return caught.value


async def test_a_request_bears_the_token_and_its_body() -> None:
    requests: list[bytes] = []

    async def serve(stream: trio.abc.Stream, request: bytes) -> None:
        requests.append(request)
        await stream.send_all(answer(b'{"a": 1}', more=("ETag: 7",)))

    async with _client(serve) as http:
        answered = await http.json("POST", "/v1/runs", body={"x": "é"}, headers={"Prefer": "y"})

    head, _, body = requests[0].partition(b"\r\n\r\n")
    assert (answered.body, answered.headers["etag"]) == ({"a": 1}, "7")
    assert head.startswith(b"POST /v1/runs HTTP/1.1\r\n")
    assert b"Authorization: Bearer token\r\n" in head
    assert b"Accept-Encoding: identity\r\n" in head
    assert b"Prefer: y" in head
    assert json.loads(body) == {"x": "é"}


async def test_another_server_does_not_get_the_token() -> None:
    requests: list[bytes] = []

    async def serve(stream: trio.abc.Stream, request: bytes) -> None:
        requests.append(request)
        await stream.send_all(answer(b"<Done/>", kind="application/xml"))

    async with raw_server(serve) as other, agent_http("http://127.0.0.1:9", "token") as http:
        await http.put(f"{other}/bucket/key", b"abc", headers={"X-Sum": "1"})

    assert b"token" not in requests[0]
    assert b"X-Sum: 1" in requests[0]
    assert requests[0].endswith(b"abc")


async def test_a_form_is_the_same_every_time() -> None:
    requests: list[bytes] = []

    async def serve(stream: trio.abc.Stream, request: bytes) -> None:
        requests.append(request)
        await stream.send_all(answer(b"{}"))

    form = Form(("Bild ü.png", b"\x89PNG", "image/png"), {"user_id": "u"}, "run-1")
    async with _client(serve) as http:
        for _ in range(2):
            await http.json("POST", "/v1/files", form=form)

    assert requests[0] == requests[1]
    assert b"Content-Type: multipart/form-data; boundary=run-1\r\n" in requests[0]
    assert b"\x89PNG" in requests[0]


async def test_an_empty_answer_has_no_body() -> None:
    async with _client(saying(answer(b"", status="202 Accepted"))) as http:
        assert (await http.json("POST", "/cancel")).body is None


@pytest.mark.parametrize(
    ("base", "path", "expected"),
    [("/", "", b"/"), ("/agent", "", b"/agent"), ("/agent?x=1", "", b"/agent?x=1"),
     ("/v1/", "/models", b"/v1/models")],
)  # fmt: skip
async def test_a_path_is_appended_as_it_is(base: str, path: str, expected: bytes) -> None:
    asked: list[bytes] = []

    async def serve(stream: trio.abc.Stream, request: bytes) -> None:
        asked.append(request.split(b" ")[1])
        await stream.send_all(answer(b"{}"))

    async with raw_server(serve) as url, agent_http(url + base, "") as http:
        await http.json("GET", path)

    assert asked == [expected]


async def test_no_cookie_is_kept() -> None:
    requests: list[bytes] = []

    async def serve(stream: trio.abc.Stream, request: bytes) -> None:
        requests.append(request)
        await stream.send_all(answer(b"{}", more=("Set-Cookie: who=you; Path=/",)))

    async with _client(serve) as http:
        for _ in range(2):
            await http.json("GET", "/")

    assert b"who=you" not in requests[1]


async def test_events_come_as_they_are_sent() -> None:
    async with _client(
        saying(EVENTS + chunk(b"id: 1\ndata: one\n") + chunk(b"\ndata: two\n\n") + END)
    ) as http:
        assert await _read(http) == ["one", "two"]


async def test_a_stream_read_to_its_end_leaves_the_connection_for_the_next() -> None:
    connections: list[trio.abc.Stream] = []

    async def serve(stream: trio.abc.Stream, _: bytes) -> None:
        if stream not in connections:
            connections.append(stream)
        await stream.send_all(EVENTS + chunk(b"data: last\n\n"))
        await stream.send_all(chunk(b"data: further\n\n") + END)

    async with _client(serve) as http:
        for _ in range(3):
            async with http.events("GET", "/") as events:
                async for _event in events:
                    break

    assert len(connections) == 1


async def test_leaving_the_block_closes_a_stream_that_goes_on() -> None:
    closed = trio.Event()

    async def serve(stream: trio.abc.Stream, _: bytes) -> None:
        await stream.send_all(EVENTS + chunk(b"data: first\n\n"))
        await stream.receive_some()
        closed.set()

    async with _client(serve) as http:
        with trio.fail_after(3):
            async with http.events("GET", "/") as events:
                first = await anext(events)
            await closed.wait()

    assert first.data == "first"


async def test_a_cancelled_stream_is_closed_at_once() -> None:
    closed = trio.Event()

    async def serve(stream: trio.abc.Stream, _: bytes) -> None:
        await stream.send_all(EVENTS + chunk(b"data: first\n\n"))
        await stream.receive_some()
        closed.set()

    async with _client(serve) as http:
        with trio.fail_after(3):
            with trio.move_on_after(0.2) as patience:
                await _read(http)
            await closed.wait()

    assert patience.cancelled_caught


async def _endless(stream: trio.abc.Stream, part: bytes) -> None:
    while True:
        await stream.send_all(part)


def _then_endless(head: bytes, part: bytes) -> Serve:
    async def serve(stream: trio.abc.Stream, _: bytes) -> None:
        await stream.send_all(head)
        await _endless(stream, part)

    return serve


def _then_silent(head: bytes) -> Serve:
    async def serve(stream: trio.abc.Stream, _: bytes) -> None:
        if head:
            await stream.send_all(head)
        await trio.sleep_forever()

    return serve


HUGE = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1073741824\r\n\r\n"
ZIPPED = answer(b"\x1f\x8b", kind="text/event-stream", more=("Content-Encoding: gzip",))
PAGE = answer(HTML, kind="text/html")


@pytest.mark.parametrize("how", ["json", "events"])
@pytest.mark.parametrize(
    ("serve", "kind"),
    [
        (saying_and_closing(b""), FailureKind.UNREACHABLE),
        (saying_and_closing(b"\x00\x01garbage\r\n\r\n"), FailureKind.BROKEN),
        (saying_and_closing(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000), FailureKind.BROKEN),
        (_then_silent(b""), FailureKind.TIMEOUT),
        (_then_silent(b"HTTP/1.1 200 OK\r\nX"), FailureKind.TIMEOUT),
        (saying(PAGE), FailureKind.BROKEN),
        (saying(answer(HTML, kind="text/html", status="502 Bad")), FailureKind.OVERLOADED),
        (saying(answer(b"", status="302 Found", more=("Location: /x",))), FailureKind.REJECTED),
        (saying(answer(b"", status="401 No")), FailureKind.UNAUTHORIZED),
        (saying(ZIPPED), FailureKind.BROKEN),
        (_then_endless(HUGE, b"x" * 65536), FailureKind.BROKEN),
        (_then_silent(b"HTTP/1.1 503 Busy\r\nContent-Length: 9\r\n\r\n"), FailureKind.OVERLOADED),
    ],
)
async def test_a_bad_answer_is_one_kind_of_failure(
    how: str, serve: Serve, kind: FailureKind
) -> None:
    async with _client(serve, stall=0.5) as http:
        with trio.fail_after(10):
            error = await _failure(http, how)

    assert error.kind is kind
    assert str(error) == f"the platform failed: {kind}"


@pytest.mark.parametrize(
    ("serve", "kind"),
    [
        (saying_and_closing(EVENTS + chunk(b"data: a\n\n")), FailureKind.CUT),
        (saying_and_closing(EVENTS + b"zzz\r\n"), FailureKind.CUT),
        (_then_silent(EVENTS + chunk(b"data: a\n\n")), FailureKind.TIMEOUT),
        (_then_endless(EVENTS, chunk(b"data: " + b"x" * 65536)), FailureKind.BROKEN),
        (_then_endless(EVENTS, chunk(b": ping\n" * 5000)), FailureKind.BROKEN),
        (saying(answer(b'{"choices": []}')), FailureKind.BROKEN),
    ],
)
async def test_a_bad_stream_is_one_kind_of_failure(serve: Serve, kind: FailureKind) -> None:
    async with _client(serve, stall=0.5) as http:
        with trio.fail_after(30):
            error = await _failure(http, "events")

    assert (error.kind, error.is_retryable) == (kind, True)


@pytest.mark.parametrize(
    ("serve", "kind"),
    [
        (saying(answer(b'{"a": ')), FailureKind.BROKEN),
        (saying(answer(b"[" * 100_000)), FailureKind.BROKEN),
        (saying(answer(b"1" * 5_000)), FailureKind.BROKEN),
        (saying_and_closing(HUGE + b'{"a'), FailureKind.CUT),
    ],
)
async def test_json_that_is_none_is_one_kind_of_failure(serve: Serve, kind: FailureKind) -> None:
    async with _client(serve) as http:
        error = await _failure(http, "json")

    assert (error.kind, error.is_retryable) == (kind, True)


async def test_a_gigabyte_takes_no_memory() -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    async with _client(_then_endless(HUGE, b" " * 65536)) as http:
        await _failure(http, "json")

    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 * 1024


async def test_a_refusal_keeps_what_the_server_says_away_from_its_text() -> None:
    body = b'{"type": "/problems/thread-busy", "detail": "private"}'
    refusal = answer(body, status="503 Busy", more=("Retry-After: 7",))

    async with _client(saying(refusal)) as http:
        error = await _failure(http, "json")

    assert isinstance(error, StatusError)
    assert (error.status, error.retry_after) == (503, 7.0)
    assert error.body == json.loads(body)
    assert "private" not in f"{error!r} {error}"


@pytest.mark.parametrize("how", ["json", "events"])
@pytest.mark.parametrize(
    ("base", "is_retryable"),
    [
        ("http://127.0.0.1:9", True),
        ("http://no-such-host.invalid", True),
        (f"http://{'a' * 70}.invalid", False),
        ("http://127.0.0.1:99999", True),
        ("http://[::1", False),
        ("gopher://127.0.0.1", False),
        ("", False),
    ],
)
async def test_an_address_where_nobody_is_cannot_be_reached(
    how: str, base: str, *, is_retryable: bool
) -> None:
    async with agent_http(base, "") as http:
        with trio.fail_after(15):
            error = await _failure(http, how)

    assert (error.kind, error.is_retryable) == (FailureKind.UNREACHABLE, is_retryable)


@pytest.mark.parametrize("token", ["two\nlines", "naïve"])
async def test_a_token_that_no_header_takes_reaches_nobody(token: str) -> None:
    async with raw_server(saying(answer(b"{}"))) as url, agent_http(url, token) as http:
        error = await _failure(http, "json")

    assert (error.kind, error.is_retryable) == (FailureKind.UNREACHABLE, False)


async def test_a_certificate_that_nobody_vouches_for_is_not_trusted(tmp_path: Path) -> None:
    async with untrusted_server(tmp_path) as url, agent_http(url, "") as http:
        error = await _failure(http, "json")

    assert (error.kind, error.is_retryable) == (FailureKind.UNREACHABLE, True)


async def test_an_answer_takes_no_longer_than_it_may() -> None:
    async def dribble(stream: trio.abc.Stream, _: bytes) -> None:
        await stream.send_all(HUGE)
        while True:
            await stream.send_all(b" ")
            await trio.sleep(0.05)

    async with _client(dribble) as http:
        with pytest.raises(PlatformFailedError) as caught, trio.fail_after(5):
            await http.json("GET", "/", within=0.3)

    assert caught.value.kind is FailureKind.TIMEOUT


async def test_more_streams_run_at_once_than_a_pool_has_by_default() -> None:
    waiting = count(1)
    everybody = trio.Event()

    async def serve(stream: trio.abc.Stream, _: bytes) -> None:
        await stream.send_all(EVENTS)
        if next(waiting) == 150:
            everybody.set()
        await everybody.wait()
        await stream.send_all(chunk(b"data: x\n\n") + END)

    done: list[str] = []

    async def read(http: AgentHttp, keep: Callable[[list[str]], None]) -> None:
        keep(await _read(http))

    async with _client(serve) as http, trio.open_nursery() as nursery:
        for _ in range(150):
            nursery.start_soon(read, http, done.extend)

    assert done == ["x"] * 150
