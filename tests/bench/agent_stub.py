"""An agent that costs next to nothing: it streams as told, over the platform's wire.

``python -m tests.bench.agent_stub`` prints its address. A message that holds ``stream`` is
answered by 20 chunks a second until it is left; any other at once.
"""

import json
from contextlib import suppress
from itertools import count

import trio

CHUNKS_A_SECOND = 20
_USER = {"user_id": "u_1", "external_id": "1", "platform": "telegram"}


def _event(number: int, **facts: object) -> bytes:
    return f"id: {number}\ndata: {json.dumps(facts)}\n\n".encode()


def _chunk(number: int) -> bytes:
    return _event(number, type="TEXT_MESSAGE_CONTENT", messageId="m1", delta="some words ")


_ENDS = dict(threadId="t", runId="r")  # noqa: C408  # spread into an event's facts
_BEGINS = _event(1, type="RUN_STARTED", **_ENDS) + _event(
    2, type="TEXT_MESSAGE_START", messageId="m1", role="assistant"
)


async def _serve(stream: trio.SocketStream) -> None:
    async with stream:
        with suppress(trio.BrokenResourceError):  # whoever measures has seen enough
            await _converse(stream)


async def _converse(stream: trio.SocketStream) -> None:
    buffer = b""
    while True:
        while b"\r\n\r\n" not in buffer:
            if not (piece := await stream.receive_some()):
                return
            buffer += piece
        head, _, buffer = buffer.partition(b"\r\n\r\n")
        length = _length(head)
        while len(buffer) < length:
            buffer += await stream.receive_some()
        body, buffer = buffer[:length], buffer[length:]
        if head.startswith(b"POST /v1/runs "):
            await _run(stream, body)
            return
        answer = json.dumps(_USER).encode()
        await stream.send_all(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
            b"Content-Length: %d\r\n\r\n%b" % (len(answer), answer)
        )


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length":
            return int(value)
    return 0


async def _run(stream: trio.SocketStream, body: bytes) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
    await stream.send_all(head + _BEGINS + _chunk(3))
    numbers = count(4)
    if b"stream" in body:
        while True:
            await trio.sleep(1 / CHUNKS_A_SECOND)
            await stream.send_all(_chunk(next(numbers)))
    finished = _event(next(numbers), type="RUN_FINISHED", outcome={"type": "success"}, **_ENDS)
    await stream.send_all(finished)


async def main() -> None:
    async with trio.open_nursery() as nursery:
        (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
        print(f"http://127.0.0.1:{listener.socket.getsockname()[1]}", flush=True)  # noqa: T201
        nursery.start_soon(trio.serve_listeners, _serve, [listener])


if __name__ == "__main__":
    trio.run(main)
