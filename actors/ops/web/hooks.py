"""``POST /webhooks/agent``: what the platform pushes, into the journal before it is answered."""

import re
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing
from uuid import uuid4

import structlog
import trio
from attrs import define, field
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from actors import metrics
from actors.ops.web.bodies import read_push
from actors.ops.web.problems import problem
from actors.ops.web.signatures import Signed, is_genuine, read_headers
from protocols.chats import DirectoryMessage, RowsArrived
from protocols.ids import PLATFORM, EventId, TraceId
from protocols.journal import Arrival
from protocols.mail import Address, NoAnswerError
from protocols.pushes import AgentEvent, event_text, push_room, push_sender
from protocols.store import Journal, StoreMessage

log = structlog.get_logger("ops.hooks")

MOST_BYTES = 1024 * 1024
_MOST_AT_ONCE = 32
"""Of the longest bodies 32 MiB: what strangers can make us hold."""
_MOST_READ_BYTES = 8 * MOST_BYTES
"""What is too long is read on up to here, so that its sender hears the answer."""
_BODY_WITHIN = 10.0
_COMMIT_WITHIN = 5.0
_COME_AGAIN = {"Retry-After": "5"}
_DIGITS = 20
"""Of a length that nobody means."""
_TRACE = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")


@define
class Hooks:
    """Takes pushes that one of *keys* has signed.

    Args:
        clock: Seconds since the epoch.
    """

    store: Address[StoreMessage]
    chats: Address[DirectoryMessage]
    keys: Sequence[bytes] = field(repr=False)
    clock: Callable[[], float] = time.time
    _in_hand: int = 0

    async def take(self, request: Request) -> Response:
        """Journal the push in *request*; 204 once it is durable, also where it came before."""
        if self._in_hand >= _MOST_AT_ONCE:
            answer = problem(503, "too many pushes at once", headers=_COME_AGAIN)
        else:
            self._in_hand += 1
            try:
                answer = await self._taken(request)
            finally:
                self._in_hand -= 1
        metrics.WEBHOOKS.labels(str(answer.status_code)).inc()
        return answer

    async def _taken(self, request: Request) -> Response:
        signed = read_headers(request.headers.raw, now=self.clock())
        if signed is None:
            return problem(401, "a header webhook-… is missing, malformed or out of its time")
        body = await _body(request)
        if isinstance(body, Response):
            return body
        if not is_genuine(signed, body, self.keys):
            log.warning("push.refused", reason="signature")
            return problem(401, "the signature is not ours")
        event = read_push(body)
        if not isinstance(event, AgentEvent):
            log.warning("push.refused", reason="shape", at=[fault.pointer for fault in event])
            return problem(400, "this is no event of the agent", faults=event)
        return await self._journal(signed, event, _trace_of(request.headers))

    async def _journal(self, signed: Signed, event: AgentEvent, trace: TraceId) -> Response:
        arrival = Arrival(
            event_id=EventId(signed.id),
            room=push_room(event.user_id),
            sender=push_sender(event.user_id),
            sender_name="",
            text=event_text(event),
            sent_at=float(signed.sent_at),
            trace=trace,
        )
        try:
            await self.store.ask(Journal(PLATFORM, (arrival,)), within=_COMMIT_WITHIN)
        except NoAnswerError as error:
            log.warning("push.put_off", reason=str(error))
            return problem(503, "it cannot be made durable now", headers=_COME_AGAIN)
        # Also for one that came before: its first hint may have been lost.
        self.chats.try_send(RowsArrived())
        return Response(status_code=204)


async def _body(request: Request) -> bytes | Response:
    """The body; or the answer to one that is too long, too slow, or breaks off."""
    if _declared(request.headers) > _MOST_READ_BYTES:
        return _too_large()
    try:
        with trio.fail_after(_BODY_WITHIN):
            body = await _read(request)
    except trio.TooSlowError:
        return problem(408, f"the body took longer than {_BODY_WITHIN:.0f} s")
    except ClientDisconnect:
        return problem(400, "the body broke off")
    return _too_large() if body is None else body


async def _read(request: Request) -> bytes | None:
    """The body, in pieces, so that no more of it is held than may come; None for a longer one."""
    body, size_bytes = bytearray(), 0
    async with aclosing(request.stream()) as pieces:
        async for piece in pieces:
            size_bytes += len(piece)
            if size_bytes > _MOST_READ_BYTES:
                return None
            if size_bytes <= MOST_BYTES:
                body += piece
    return bytes(body) if size_bytes <= MOST_BYTES else None


def _too_large() -> Response:
    return problem(413, f"a push has at most {MOST_BYTES} bytes", headers={"Connection": "close"})


def _declared(headers: Mapping[str, str]) -> int:
    length = headers.get("content-length", "")
    return int(length) if length.isdecimal() and len(length) < _DIGITS else 0


def _trace_of(headers: Mapping[str, str]) -> TraceId:
    """The trace that the platform goes on with (W3C ``traceparent``), or a new one."""
    found = _TRACE.fullmatch(headers.get("traceparent", ""))
    return TraceId(found[1] if found else uuid4().hex)
