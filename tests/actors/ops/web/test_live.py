"""The page's changes, while somebody looks."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio
from attrs import define, field

from actors.ops.web.live import MOST_VIEWERS
from protocols.lifecycle import ActorState
from tests.actors.ops.rig import SilentAddress, actor
from tests.actors.ops.web.web_rig import PausingControl, Web, serving


@define
class Watcher:
    """Reads the stream of events; each event is written at once, so its line is whole."""

    stream: trio.SocketStream
    lines: list[str] = field(factory=list)
    _rest: bytes = b""

    async def line(self, start: str) -> str:
        """What follows *start* in the next line that begins so; all lines are in ``lines``."""
        while True:
            while b"\n" in self._rest:
                line, _, self._rest = self._rest.partition(b"\n")
                self.lines.append(line.decode().strip("\r"))
                if self.lines[-1].startswith(start):
                    return self.lines[-1].removeprefix(start)
            piece = await self.stream.receive_some()
            assert piece, "the stream has ended"
            self._rest += piece

    async def changes(self) -> dict[str, str]:
        """What the next event says."""
        found: dict[str, str] = json.loads(await self.line("data: "))
        return found


@asynccontextmanager
async def watching(web: Web) -> AsyncIterator[Watcher]:
    async with await trio.open_tcp_stream("127.0.0.1", web.port) as stream:
        await stream.send_all(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        with trio.fail_after(10):
            watcher = Watcher(stream)
            assert (await watcher.line("HTTP/1.1 ")).startswith("200")
            yield watcher


async def test_the_page_comes_whole_and_then_as_it_changes() -> None:
    control = PausingControl((actor("store"), actor("matrix")))
    async with serving(control=control) as web, watching(web) as watcher:
        first = await watcher.changes()
        control.views = (actor("store"), actor("matrix", state=ActorState.BACKOFF, restarts=1))
        then = await watcher.changes()
        control.views = (actor("store"), actor("matrix", restarts=1))
        at_last = await watcher.changes()

    assert set(first) == {"summary", "attention", "actors", "journal"}
    assert set(then) == {"summary", "attention", "row-1"}
    assert "! backoff" in then["row-1"]
    assert "Needs attention" in then["attention"]
    assert (at_last["attention"], "✓ up" in at_last["row-1"]) == ("", True)


async def test_nothing_is_sent_while_nothing_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("actors.ops.web.live._EVERY", 0.01)
    monkeypatch.setattr("actors.ops.web.live._PING_EVERY", 0.2)
    async with serving() as web, watching(web) as watcher:
        for _ in range(2):
            await watcher.line(": still here")

    assert [line.partition(":")[0] for line in watcher.lines].count("data") == 1
    assert "retry: 1000" in watcher.lines


async def test_changes_come_twice_a_second_at_most() -> None:
    control = PausingControl((actor("store"),))
    async with serving(control=control) as web, trio.open_nursery() as nursery:

        async def work() -> None:
            for number in range(10_000):
                control.views = (actor("store", handled=number),)
                await trio.sleep(0.01)

        nursery.start_soon(work)
        async with watching(web) as watcher:
            await watcher.changes()
            began = trio.current_time()
            for _ in range(3):
                await watcher.changes()
            assert trio.current_time() - began > 0.9
        nursery.cancel_scope.cancel()


async def test_nobody_is_looked_at_while_nobody_watches() -> None:
    control = PausingControl()
    async with serving(control=control) as web:
        async with watching(web) as watcher:
            await watcher.changes()
        with trio.fail_after(10):
            while True:
                await trio.sleep(0.6)
                control.asked = trio.Event()
                await trio.sleep(0.6)
                if not control.asked.is_set():
                    break
        async with watching(web) as watcher:
            assert "actors" in await watcher.changes()


async def test_more_viewers_than_there_are_places_come_again() -> None:
    async with serving() as web, trio.open_nursery() as nursery:

        async def watch(task_status: trio.TaskStatus[None]) -> None:
            async with watching(web) as watcher:
                await watcher.changes()
                task_status.started()
                await trio.sleep_forever()

        for _ in range(MOST_VIEWERS):
            await nursery.start(watch)
        refused = await web.get("/events")
        page = await web.get("/")
        nursery.cancel_scope.cancel()

    assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
    assert page.status_code == 200


async def test_the_page_comes_also_where_the_store_is_silent() -> None:
    async with serving(store=SilentAddress("store")) as web:
        answer = await web.get("/")

    assert "store does not answer" in answer.text
