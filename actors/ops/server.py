"""The debug socket inside the program: the operator's view, over a unix socket."""

from pathlib import Path

import structlog
import trio
from attrs import Factory, define, field

from actors.kernel import child
from actors.ops import wire
from actors.ops.desk import Desk
from actors.ops.socket_file import SocketPathError, listening_at
from actors.ops.words import Answer, Killed, Refused, Restarted
from protocols.chats import DirectoryMessage
from protocols.lifecycle import Control
from protocols.mail import Address
from protocols.store import StoreMessage

log = structlog.get_logger("ops.server")

_READ_WITHIN = 5.0
_WRITE_WITHIN = 10.0
_LAST_WORD_WITHIN = 0.5


@define
class OpsServer:
    """Answers ``supervisor.py debug``, also while everything else hangs."""

    control: Control
    store: Address[StoreMessage]
    chats: Address[DirectoryMessage]
    socket_path: Path
    _desk: Desk = field(
        init=False,
        default=Factory(lambda self: Desk(self.control, self.store, self.chats), takes_self=True),
    )

    async def run(self) -> None:
        """Serve until cancelled.

        Raises:
            ParkedError: The socket cannot stand at its path.
        """
        try:
            with listening_at(self.socket_path) as listening:
                listener = trio.SocketListener(trio.socket.from_stdlib_socket(listening))
                child.ready()
                child.note(f"listens at {self.socket_path}")
                await trio.serve_listeners(self._serve, [listener])
        except SocketPathError as error:
            raise child.ParkedError(str(error)) from error

    async def _serve(self, stream: trio.SocketStream) -> None:
        async with stream:
            try:
                await self._converse(stream)
            except trio.BrokenResourceError:
                log.debug("client.lost")

    async def _converse(self, stream: trio.SocketStream) -> None:
        with trio.move_on_after(_READ_WITHIN) as reading:
            line = await _first_line(stream)
        if reading.cancelled_caught:
            log.debug("client.cut_off", waited=_READ_WITHIN)
            return
        request = wire.request_of(line) if len(line) <= wire.MOST_REQUEST_BYTES else _TOO_LONG
        answer = request if isinstance(request, Refused) else await self._desk.answer(request)
        await _say(stream, answer)


_TOO_LONG = Refused(f"the request is longer than {wire.MOST_REQUEST_BYTES} bytes")


async def _first_line(stream: trio.SocketStream) -> bytes:
    """What comes up to the first line feed or the end; a byte too many for what is too long."""
    line = bytearray()
    while b"\n" not in line and len(line) <= wire.MOST_REQUEST_BYTES:
        piece = await stream.receive_some(wire.MOST_REQUEST_BYTES + 1 - len(line))
        if not piece:
            break
        line += piece
    return bytes(line)


async def _say(stream: trio.SocketStream, answer: Answer) -> None:
    # Who kills `ops` is answered by the actor that dies: that word gets its moment.
    is_last_word = isinstance(answer, Killed | Restarted)
    within = _LAST_WORD_WITHIN if is_last_word else _WRITE_WITHIN
    with trio.move_on_after(within, shield=is_last_word) as writing:
        for line in wire.answer_lines(answer):
            await stream.send_all(line)
    if writing.cancelled_caught:
        log.debug("client.cut_off", waited=within)
