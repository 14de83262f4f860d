"""How the reference server answers: streams of events that may go wrong, and odd pages."""

from collections.abc import Awaitable, Callable, Iterator

import trio
from attrs import define, field
from starlette.types import Receive, Scope, Send

from tests.rigs.lambda_platform_agui import encoded
from tests.rigs.lambda_platform_faults import GARBAGE, OnStream, Page
from tests.rigs.lambda_platform_run import Run, Stats

PING = 15.0
_FRAME = 1 << 16
_STREAM_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
]


class CutError(Exception):
    """The line is cut here."""


async def while_there(receive: Receive, work: Callable[[], Awaitable[None]]) -> None:
    """Do *work* for as long as the client stays."""

    async def leave_with_client(scope: trio.CancelScope) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        scope.cancel()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(leave_with_client, nursery.cancel_scope)
        await work()
        nursery.cancel_scope.cancel()


@define
class EventStream:
    """The events of *run* behind the first *after*, as they come.

    Args:
        fault: What happens to this stream.
        ping: Seconds of silence before a comment.
    """

    run: Run
    after: int
    stats: Stats
    fault: OnStream | None = None
    ping: float = PING
    _sent: int = field(default=0, init=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request of *scope*."""
        assert scope["type"] == "http"
        start = {"type": "http.response.start", "status": 200}
        self.stats.streams += 1
        try:
            await send({**start, "headers": list(_STREAM_HEADERS)})
            await while_there(receive, lambda: self._write(send))
        finally:
            self.stats.streams -= 1

    async def _write(self, send: Send) -> None:
        await _send(send, b"retry: 1000\n\n")
        try:
            await self._write_events(send)
        except CutError:
            self.stats.cuts += 1
            return  # without the last chunk: the server closes the line
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _write_events(self, send: Send) -> None:
        run, at = self.run, self.after
        while True:
            while at < len(run.encoded):
                at = await self._write_from(at, send)
            if run.over.is_set():
                return
            with trio.move_on_after(self.ping) as patience:
                await run.change()
            if patience.cancelled_caught:
                await _send(send, b": ping\n\n")

    async def _write_from(self, at: int, send: Send) -> int:
        """Send what stands at *at*; gives where to go on."""
        events = self.run.encoded
        fault = self.fault if self.fault and self._sent >= self.fault.after else None
        self._sent += 1
        match fault.kind if fault else None:
            case "twice":
                await _send(send, events[at] * 2)
            case "swap" if at + 1 < len(events):
                await _send(send, events[at + 1] + events[at])
                return at + 2
            case "leap" if at + 1 < len(events):
                self.fault = None
            case "swap" | "leap" | None:
                await _send(send, events[at])
            case _:
                await self._break(events[at], at, send)
        return at + 1

    async def _break(self, event: bytes, at: int, send: Send) -> None:
        fault, self.fault = self.fault, None
        assert fault is not None
        match fault.kind:
            case "stall":
                await trio.sleep_forever()
            case "truncate":
                await _send(send, event[: len(event) // 2])
            case "garbage":
                await _send(send, GARBAGE)
            case "huge":
                for piece in _huge(at + 1, fault.size_bytes):
                    await _send(send, piece)
                return
            case _:
                pass
        raise CutError


def _huge(number: int, size_bytes: int) -> Iterator[bytes]:
    head, mark, tail = encoded(
        number, {"type": "TEXT_MESSAGE_CONTENT", "messageId": "huge", "delta": "%"}
    ).partition(b"%")
    yield head
    for _ in range(size_bytes // _FRAME):
        yield b"x" * _FRAME
    yield mark + tail


async def _send(send: Send, body: bytes) -> None:
    await send({"type": "http.response.body", "body": body, "more_body": True})


async def send_page(page: Page, receive: Receive, send: Send, stats: Stats) -> None:
    """Answer with *page*."""
    headers = [(b"content-type", page.content_type.encode())]
    if page.claimed_bytes is not None:
        headers.append((b"content-length", str(page.claimed_bytes).encode()))
    await send({"type": "http.response.start", "status": page.status, "headers": headers})

    async def write() -> None:
        for _ in range(max(1, page.size_bytes // max(1, len(page.body)))):
            await _send(send, page.body)

    await while_there(receive, write)
    if page.claimed_bytes is not None:
        stats.cuts += 1
        return
    await send({"type": "http.response.body", "body": b"", "more_body": False})
