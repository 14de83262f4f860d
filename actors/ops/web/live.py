"""``GET /`` and ``GET /events``: the page, and its changes while somebody looks."""

import json
from collections.abc import AsyncGenerator

import trio
from attrs import define, field
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from actors.ops.desk import Desk
from actors.ops.web.page import Parts, document, parts_of
from actors.ops.web.problems import problem
from actors.ops.web.streams import Streamed

_EVERY = 0.5
_PING_EVERY = 15.0
"""Seconds after which even a page that does not change is heard of."""
MOST_VIEWERS = 20


@define(eq=False)
class Live:
    """Looks at the tree twice a second while somebody watches, once for all of them."""

    desk: Desk
    _newest: Parts | None = None
    _changed: trio.Event = field(factory=trio.Event)
    _wanted: trio.Event = field(factory=trio.Event)
    _viewers: int = 0
    _is_over: bool = False

    async def run(self) -> None:
        """Look, as long as somebody watches; cancelled, it ends their streams."""
        try:
            while True:
                await self._wanted.wait()
                self._show(parts_of(await self.desk.tree()))
                await trio.sleep(_EVERY)
        finally:
            self._is_over = True
            self._changed.set()

    async def page(self, _request: Request) -> Response:
        """The page as it is now."""
        parts = parts_of(await self.desk.tree())
        return HTMLResponse(document(parts), headers={"Cache-Control": "no-store"})

    async def events(self, _request: Request) -> Response:
        """The page's parts, and then their changes, as server-sent events."""
        if self._is_over or self._viewers >= MOST_VIEWERS:
            return problem(503, "too many are watching", headers={"Retry-After": "5"})
        self._viewers += 1
        self._wanted.set()
        return Streamed(
            self._changes(),
            self._gone,
            media_type="text/event-stream",
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )

    def _gone(self) -> None:
        self._viewers -= 1
        if not self._viewers:
            self._wanted = trio.Event()
            self._newest = None

    def _show(self, parts: Parts) -> None:
        if parts != self._newest:
            self._newest = parts
            self._changed.set()
            self._changed = trio.Event()

    async def _changes(self) -> AsyncGenerator[bytes, None]:
        yield b"retry: 1000\n\n"
        shown: Parts | None = None
        while not self._is_over:
            newest = self._newest
            if newest is not None and newest is not shown:
                changes = newest.since(shown) if shown is not None else newest.whole()
                shown = newest
                yield _event(changes)
            elif not await self._has_changed():
                yield b": still here\n\n"

    async def _has_changed(self) -> bool:
        with trio.move_on_after(_PING_EVERY) as waiting:
            await self._changed.wait()
        return not waiting.cancelled_caught


def _event(changes: dict[str, str]) -> bytes:
    return f"data: {json.dumps(changes)}\n\n".encode()
