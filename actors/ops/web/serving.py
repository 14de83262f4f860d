"""Hypercorn over connections that are bounded in number and in time."""

import logging
from functools import partial
from typing import cast

import structlog
import trio
from attrs import Factory, define, field
from hypercorn.app_wrappers import ASGIWrapper
from hypercorn.config import Config
from hypercorn.trio.tcp_server import TCPServer
from hypercorn.trio.worker_context import WorkerContext
from hypercorn.typing import ASGIFramework, ConnectionState
from starlette.types import ASGIApp, Receive, Scope, Send

from actors.ops.web.connections import IDLE, Connection, Door
from actors.ops.web.problems import problem

log = structlog.get_logger("ops.serving")

MOST_CONNECTIONS = 200
"""Well below the 1,024 file descriptors that a process usually has."""
_GRACE = 0.5
"""Seconds that requests in hand get when the server stops."""

_ONLY_HTTP_1 = problem(505, "this server speaks HTTP/1.1")


def _config() -> Config:
    config = Config()
    config.errorlog = logging.getLogger("hypercorn.error")
    config.accesslog = None
    config.include_server_header = False
    config.keep_alive_timeout = IDLE - 1
    return config


@define(eq=False)
class Serving:
    """Serves *app* at *listeners*, until it is cancelled."""

    app: ASGIApp
    listeners: list[trio.SocketListener]
    most: int = MOST_CONNECTIONS
    _config: Config = field(factory=_config)
    _context: WorkerContext = field(factory=lambda: WorkerContext(None))
    _free: trio.Semaphore = field(
        init=False, default=Factory(lambda self: trio.Semaphore(self.most), takes_self=True)
    )
    _open: set[Connection] = field(factory=set)
    _doors_open: trio.CancelScope = field(factory=trio.CancelScope)
    _stopping: trio.Event = field(factory=trio.Event)
    _all_gone: trio.Event = field(factory=trio.Event)

    async def run(self) -> None:
        """Let clients in; when cancelled, finish what is in hand within its grace."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._tell_of_stop)
            # Out of reach of the cancellation that stops the server.
            with trio.CancelScope(shield=True):
                async with trio.open_nursery() as clients:
                    clients.start_soon(self._let_in, clients)
                    await self._stopping.wait()
                    await self._wind_up()

    async def _tell_of_stop(self) -> None:
        try:
            await trio.sleep_forever()
        finally:
            self._stopping.set()

    async def _let_in(self, clients: trio.Nursery) -> None:
        with self._doors_open:
            doors = [Door(listener, self._free) for listener in self.listeners]
            await trio.serve_listeners(self._serve, doors, handler_nursery=clients)

    async def _wind_up(self) -> None:
        self._doors_open.cancel(reason="the server stops")
        await self._context.terminated.set()
        with trio.move_on_after(_GRACE):
            while self._open:
                await self._all_gone.wait()
        for connection in self._open:
            connection.hang_up()

    async def _serve(self, stream: trio.SocketStream) -> None:
        connection = Connection(stream)
        self._open.add(connection)
        try:
            with connection.scope:
                await TCPServer(
                    ASGIWrapper(cast("ASGIFramework", partial(self._answer, connection))),
                    self._config,
                    self._context,
                    ConnectionState({}),
                    connection,  # type: ignore[arg-type]  # what it uses of a stream, it has
                )
        except Exception as error:  # of whatever kind: Hypercorn raises a client's faults, and
            # a stranger who could crash this actor ten times in a minute would end the program.
            log.warning("connection.failed", exc_info=error)
        finally:
            connection.hang_up()
            self._open.discard(connection)
            self._free.release()
            if not self._open:
                self._all_gone.set()
                self._all_gone = trio.Event()

    async def _answer(
        self, connection: Connection, scope: Scope, receive: Receive, send: Send
    ) -> None:
        # Nobody needs HTTP/2 here, and by an upgrade to it a client gets past the rules of a proxy.
        is_http_2 = scope["type"] == "http" and scope["http_version"] == "2"
        with connection.request():
            await (_ONLY_HTTP_1 if is_http_2 else self.app)(scope, receive, send)
