"""Where the server listens, what it is not without, and how it ends."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import pytest
import trio

from actors.kernel import Supervisor, permanent
from actors.kernel.child import ParkedError
from actors.ops.settings import WebSettings
from actors.ops.web.listening import addresses, open_listeners
from actors.ops.web.server import WebServer
from protocols.file_links import FileLinks
from tests.actors.kernel.crew import Doing, hang
from tests.actors.ops.rig import FakeControl
from tests.actors.ops.web.web_rig import Hints, Web, serving
from tests.fakes import MemoryStoreAddress


def server(**settings: object) -> WebServer:
    known = {"bind": "127.0.0.1:0"} | settings
    return WebServer(
        FakeControl(),
        MemoryStoreAddress(),
        Hints(),
        WebSettings(**known),  # type: ignore[arg-type]  # settings of many types
    )


async def reason(**settings: object) -> str:
    """Why a server with *settings* is parked."""
    with pytest.raises(ParkedError) as caught, trio.fail_after(10):
        await server(**settings).run()
    return str(caught.value)


async def test_it_says_where_it_listens_with_the_real_port() -> None:
    async with serving() as web:
        assert web.life.notes == [f"listens at http://127.0.0.1:{web.port}"]
        assert web.port > 0
        assert (await web.get("/healthz")).json() == {"status": "ok"}


async def test_it_listens_at_every_address_of_a_name_and_at_ipv6() -> None:
    listeners = [*await open_listeners("localhost:0"), *await open_listeners("[::1]:0")]

    assert [one.rpartition(":")[0] for one in addresses(listeners)][-1] == "http://[::1]"
    assert "http://127.0.0.1" in [one.rpartition(":")[0] for one in addresses(listeners)]
    for listener in listeners:
        await listener.aclose()


async def test_a_port_in_use_is_said_with_what_to_do() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        bind = f"127.0.0.1:{taken.getsockname()[1]}"

        assert await reason(bind=bind) == (
            f"OPS_BIND {bind}: another program listens there; stop it, or set another port"
        )


@pytest.mark.parametrize(
    ("bind", "why"),
    [
        ("203.0.113.7:0", "no address of this machine; set one that it has"),
        ("no.such.host.invalid:0", "this host is not known"),
        (f"{'a' * 64}.x:0", "this host is not known"),
    ],
)
async def test_a_bad_address_is_said_with_what_to_do(bind: str, why: str) -> None:
    assert (await reason(bind=bind)).startswith(f"OPS_BIND {bind}: {why}")


async def test_a_port_that_is_not_for_us_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    async def refused(*_args: object, **_options: object) -> None:
        await trio.lowlevel.checkpoint()
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(trio, "open_tcp_listeners", refused)

    assert "ports below 1024 are not for this user" in await reason(bind="127.0.0.1:80")


async def test_a_fault_of_the_system_is_said_in_its_words(monkeypatch: pytest.MonkeyPatch) -> None:
    async def refused(*_args: object, **_options: object) -> None:
        await trio.lowlevel.checkpoint()
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(trio, "open_tcp_listeners", refused)

    assert await reason() == "OPS_BIND 127.0.0.1:0: Too many open files; set another address"


async def test_where_it_cannot_listen_the_rest_goes_on() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        bind = f"127.0.0.1:{taken.getsockname()[1]}"
        tree = Supervisor(
            [permanent("other", Doing, hang), permanent("web", lambda: server(bind=bind))]
        )
        async with trio.open_nursery() as nursery:
            nursery.start_soon(tree.run)
            with trio.fail_after(10):
                while [view.state for view in tree.census()] != ["up", "parked"]:  # noqa: ASYNC110
                    await trio.sleep(0.01)
            assert "another program listens there" in tree.census()[1].note
            tree.stop("the test is over")


async def test_a_stop_ends_open_streams_and_waits_for_nobody() -> None:
    async with serving() as web, trio.open_nursery() as nursery:
        ended = trio.Event()

        async def watch(task_status: trio.TaskStatus[None]) -> None:
            async with web.client.stream("GET", "/events") as answer:
                task_status.started()
                async for _ in answer.aiter_bytes():
                    pass
            ended.set()

        await nursery.start(watch)
        async with await trio.open_tcp_stream("127.0.0.1", web.port):
            began = trio.current_time()
            web.stop()
            await web.stopped.wait()
            await ended.wait()

    assert trio.current_time() - began < 0.4


async def test_a_stop_lets_a_request_in_hand_finish() -> None:
    async with serving() as web, trio.open_nursery() as nursery:
        answers: list[httpx2.Response] = []

        async def ask() -> None:
            answers.append(await web.get("/readyz"))

        web.control.pause = 0.2
        nursery.start_soon(ask)
        await web.control.asked.wait()
        web.stop()
        await web.stopped.wait()

    assert [answer.status_code for answer in answers] == [503]


@asynccontextmanager
async def downloading(folder: Path) -> AsyncIterator[tuple[Web, trio.SocketStream]]:
    """A server, and a client that has asked for 32 MiB and does not read them."""
    await trio.Path(folder / "big").write_bytes(b"\0" * 32 * 1024 * 1024)
    links = FileLinks("", b"key")
    target = links.link("big", expires_at=2**33)
    async with serving(files=folder, links=links) as web:
        stream = await trio.open_tcp_stream("127.0.0.1", web.port)
        async with stream:
            await stream.send_all(f"GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            await stream.receive_some(100)
            yield web, stream


async def test_a_stop_hangs_up_on_who_does_not_read(tmp_path: Path) -> None:
    async with downloading(tmp_path) as (web, _):
        await trio.sleep(0.3)
        began = trio.current_time()
        web.stop()
        await web.stopped.wait()

        assert trio.current_time() - began < 1.5


async def test_who_does_not_read_the_answer_is_hung_up_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("actors.ops.web.connections._WRITE_WITHIN", 0.3)
    async with downloading(tmp_path) as (_, stream):
        await trio.sleep(1)
        size = 0
        async for piece in stream:
            size += len(piece)

    assert size < 32 * 1024 * 1024
