"""A response whose body comes as it is made; it ends with its client."""

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing

import trio
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send


class Streamed(Response):
    """Sends what *pieces* yields; *done* is called once, however the response ends."""

    def __init__(  # what a response knows of itself, without a body of its own
        self,
        pieces: AsyncGenerator[bytes, None],
        done: Callable[[], object],
        *,
        media_type: str,
        headers: Mapping[str, str],
    ) -> None:
        self.status_code = 200
        self.media_type = media_type
        self.background = None
        self.init_headers(headers)
        self._pieces = pieces
        self._done = done

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        is_whole = False
        try:
            async with aclosing(self._pieces) as pieces, trio.open_nursery() as nursery:
                nursery.start_soon(_end_with_client, receive, nursery.cancel_scope)
                await send(self._start())
                if scope["method"] != "HEAD":
                    async for piece in pieces:
                        await send(_body(piece, is_last=False))
                is_whole = True
                nursery.cancel_scope.cancel(reason="all is sent")
        finally:
            self._done()
        # Nothing may cancel this one: Hypercorn tells of a disconnect before it has done with it,
        # and the connection would be left without a limit to its idleness.
        if is_whole:
            await send(_body(b"", is_last=True))

    def _start(self) -> Message:
        return {
            "type": "http.response.start",
            "status": self.status_code,
            "headers": self.raw_headers,
        }


def _body(piece: bytes, *, is_last: bool) -> Message:
    return {"type": "http.response.body", "body": piece, "more_body": not is_last}


async def _end_with_client(receive: Receive, sending: trio.CancelScope) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    sending.cancel(reason="the client is gone")
