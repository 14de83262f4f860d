"""A server on 127.0.0.1 that says, byte for byte, what a test wants."""

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from itertools import count

import trio

Serve = Callable[[trio.abc.Stream, bytes], Awaitable[None]]
"""Answers one request, whose bytes it is given (head, and a body that its length announces)."""


@asynccontextmanager
async def raw_server(serve: Serve, *, tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """Its address; each connection takes one request after the other until *serve* closes it."""

    async def take(stream: trio.abc.Stream) -> None:
        with suppress(trio.BrokenResourceError, trio.ClosedResourceError):
            async with stream:
                while request := await _request(stream):
                    await serve(stream, request)

    async with trio.open_nursery() as nursery:
        if tls is None:
            start = partial(trio.serve_tcp, take, 0, host="127.0.0.1")
            (listener,) = await nursery.start(start)
            socket = listener.socket
        else:
            secure = partial(trio.serve_ssl_over_tcp, take, 0, tls, host="127.0.0.1")
            (listener,) = await nursery.start(secure)
            socket = listener.transport_listener.socket
        yield f"http{'s' if tls else ''}://127.0.0.1:{socket.getsockname()[1]}"
        nursery.cancel_scope.cancel()


async def _request(stream: trio.abc.Stream) -> bytes:
    """One request; empty where the client has gone."""
    got = b""
    while b"\r\n\r\n" not in got:
        part = await stream.receive_some()
        if not part:
            return b""
        got += part
    head, _, body = got.partition(b"\r\n\r\n")
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            while len(body) < int(line.partition(b":")[2]):
                body += await stream.receive_some()
    return head + b"\r\n\r\n" + body


def answer(
    body: bytes,
    *,
    status: str = "200 OK",
    kind: str = "application/json",
    more: tuple[str, ...] = (),
) -> bytes:
    """A whole answer with *body*."""
    head = (
        f"HTTP/1.1 {status}",
        f"Content-Type: {kind}",
        f"Content-Length: {len(body)}",
        *more,
    )
    return "\r\n".join((*head, "", "")).encode() + body


EVENTS = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
"""The head of a stream whose parts are chunks."""

END = b"0\r\n\r\n"


def chunk(part: bytes) -> bytes:
    """*part* as one chunk of a stream."""
    return f"{len(part):x}\r\n".encode() + part + b"\r\n"


def saying(*answers: bytes) -> Serve:
    """Gives *answers* in their order, one for each request; the last one also to all further."""
    numbers = count()

    async def serve(stream: trio.abc.Stream, _: bytes) -> None:
        await stream.send_all(answers[min(next(numbers), len(answers) - 1)])

    return serve


def saying_and_closing(said: bytes) -> Serve:
    """Says *said* to every request, and closes the connection."""

    async def serve(stream: trio.abc.Stream, _: bytes) -> None:
        if said:
            await stream.send_all(said)
        await stream.aclose()

    return serve
