"""Clients that are slow, many, huge or not even speaking HTTP: the chats do not notice."""

import contextlib
import logging
import resource
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio
from attrs import define, field
from structlog.typing import EventDict

from protocols.file_links import FileLinks
from tests.actors.ops.rig import actor
from tests.actors.ops.web.web_rig import PausingControl, Web, serving

GET = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
SETTINGS = b"\0\0\0\x04\0\0\0\0\0"


@define
class Chats:
    """A task that works beside the server, and writes down how long it had to wait."""

    waits: list[float] = field(factory=list)

    async def chat(self) -> None:
        while True:
            before = trio.current_time()
            await trio.sleep(0.005)
            self.waits.append(trio.current_time() - before - 0.005)

    @property
    def usual(self) -> float:
        """The wait that half of them stayed below: on a busy machine others hold us up too."""
        return sorted(self.waits)[len(self.waits) // 2]


@asynccontextmanager
async def chatting() -> AsyncIterator[Chats]:
    chats = Chats()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(chats.chat)
        yield chats
        nursery.cancel_scope.cancel()


@pytest.fixture
async def web(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Web]:
    monkeypatch.setattr("actors.ops.web.connections.IDLE", 0.6)
    monkeypatch.setattr("actors.ops.web.serving.IDLE", 1.5)
    async with serving() as web:
        yield web


async def is_well(web: Web) -> bool:
    with trio.fail_after(10):
        return (
            await web.say(GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        ).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    "start",
    [
        b"",
        b"GET",
        b"GET / HTTP/1.1\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX: ",
        b"\0",
        PREFACE,
    ],
)
async def test_who_does_not_finish_the_request_is_hung_up_on(web: Web, start: bytes) -> None:
    began = trio.current_time()

    with trio.fail_after(5):
        await web.say(start)

    assert trio.current_time() - began < 3
    assert await is_well(web)


async def test_headers_that_trickle_do_not_keep_a_connection(web: Web) -> None:
    with trio.fail_after(5):
        async with await trio.open_tcp_stream("127.0.0.1", web.port) as stream:
            with contextlib.suppress(trio.BrokenResourceError):
                await stream.send_all(b"GET / HTTP/1.1\r\n")
                while True:
                    await stream.send_all(b"X: y\r\n")
                    await trio.sleep(0.05)


async def test_a_header_of_100_kb_is_refused(web: Web) -> None:
    said = await web.say(b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 100_000)

    assert said.startswith(b"HTTP/1.1 431")
    assert await is_well(web)


@pytest.mark.parametrize(
    "data",
    [
        b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03",
        b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /%00%ff%2e%2e/ HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: \xff\r\nAuthorization: \xff\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: -1\r\nHost: x\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nHTTP2-Settings: !\r\n\r\n",
        (b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"),
        PREFACE + b"\xff" * 100,
        PREFACE + SETTINGS + b"\0\0\x01\x01\x05\0\0\0\x01\xff",
        PREFACE + SETTINGS + b"\0\0\x05\x01\x05\0\0\0\x01\x82\x84\x87\x01\0",
        # A path that is not ASCII: Hypercorn itself stumbles over it.
        PREFACE + SETTINGS + b"\0\0\x0b\x01\x05\0\0\0\x01\x82\x87\x04\x02/\xff\x41\x03\x61\x62\x63",
    ],
)  # fmt: skip
async def test_what_is_no_request_ends_only_its_own_connection(web: Web, data: bytes) -> None:
    with trio.fail_after(5):
        await web.say(data)

    assert await is_well(web)
    assert not web.stopped.is_set()


@pytest.mark.parametrize(
    "start",
    [
        PREFACE + SETTINGS + b"\0\0\x06\x01\x05\0\0\0\x01\x82\x84\x86\x41\x01x",
        GET[:-2]
        + b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: \r\n\r\n",
    ],
)
async def test_nobody_gets_past_a_proxy_by_http_2(web: Web, start: bytes) -> None:
    with trio.fail_after(5):
        said = await web.say(start)

    assert b"this server speaks HTTP/1.1" in said
    assert b'"status":"ok"' not in said
    assert await is_well(web)


async def test_a_fault_of_hypercorns_ends_only_its_own_connection(
    web: Web, monkeypatch: pytest.MonkeyPatch, logs: list[EventDict]
) -> None:
    async def fail(*_given: object) -> None:
        await trio.lowlevel.checkpoint()
        raise UnicodeDecodeError("ascii", b"quince", 0, 1, "not in range")

    with monkeypatch.context() as broken:
        broken.setattr("actors.ops.web.serving.TCPServer", fail)
        assert await web.say(GET) == b""

    assert await is_well(web)
    assert [line["event"] for line in logs] == ["connection.failed"]


async def test_a_client_that_goes_away_in_the_middle_of_an_answer_is_no_error(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, logs: list[EventDict]
) -> None:
    (tmp_path / "big").write_bytes(b"\0" * 32 * 1024 * 1024)
    links = FileLinks("", b"key")
    target = links.link("big", expires_at=2**33)

    with caplog.at_level(logging.INFO):
        async with serving(files=tmp_path, links=links) as web:
            for path in (target, "/events", "/"):
                async with await trio.open_tcp_stream("127.0.0.1", web.port) as stream:
                    await stream.send_all(
                        f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
                    )
                    await stream.receive_some(10)
            assert await is_well(web)
            await trio.sleep(0.2)

    assert [record for record in caplog.records if record.name.startswith("hypercorn")] == []
    assert logs == []


async def test_a_thousand_connections_wait_outside_and_the_chats_go_on(web: Web) -> None:
    most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    number = min(1000, most - 400)
    async with chatting() as chats, contextlib.AsyncExitStack() as stack:
        for _ in range(number):
            stream = await trio.open_tcp_stream("127.0.0.1", web.port)
            await stack.enter_async_context(stream)
        await trio.sleep(0.3)
        assert await is_well(web)

    assert number > 200
    assert chats.usual < 0.05


async def test_a_hundred_slow_and_huge_clients_at_once_and_the_chats_go_on(web: Web) -> None:
    async def pester(data: bytes) -> None:
        for _ in range(5):
            await web.say(data)

    huge = (
        b"POST /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 4000000\r\n\r\n" + b"a" * 4_000_000
    )
    async with chatting() as chats, trio.open_nursery() as nursery:
        for number in range(100):
            nursery.start_soon(pester, huge if number % 10 == 0 else b"GET /readyz HTTP/1.1\r\nX: ")

    assert await is_well(web)
    assert chats.usual < 0.05


async def test_ten_thousand_actors_are_looked_at_without_holding_the_chats_up() -> None:
    views = (actor("sessions"), *(actor(f"sessions/telegram/{n}") for n in range(10_000)))
    async with serving(control=PausingControl(views)) as web, chatting() as chats:
        for path in ("/metrics", "/", "/readyz"):
            await web.get(path)

    assert chats.usual < 0.05
