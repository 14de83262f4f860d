"""A proxy in front of a homeserver that passes everything on, and does harm where it is told to."""

import json
import re
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial

import httpx2
import trio
from attrs import define, field, frozen

from tests.rigs.matrix_faults import ANY, SEND, Fault, FaultPlan, Rule
from tests.rigs.matrix_http import Answer, Asked, Line, Reply, passed

_KEPT_BYTES = 1 << 20
_ON_ITS_WAY = 0.2
"""Seconds after a 429 in which something may still come that was sent before it was read."""


@frozen
class Call:
    """One request that came.

    Args:
        name: As ``GET /path``, without the query, percent signs resolved.
        at: On trio's clock.
        fault: What was done to it; empty for nothing.
        is_in_penalty: It came before the end of the silence that a 429 wanted.
        status: Of the answer that went back; 0 for none.
        body: Of the request, where it is no large file.
    """

    name: str
    at: float
    fault: str
    is_in_penalty: bool
    status: int = 0
    body: bytes = field(repr=False, default=b"")


@define(eq=False)
class MatrixProxy:
    """Where the program finds its homeserver.

    Args:
        url: Where to call.
        upstream: The homeserver.
        calls: Every request, in the order of the answers.
    """

    url: str
    upstream: str
    calls: list[Call] = field(factory=list)
    _plan: FaultPlan = field(factory=FaultPlan)
    _penalties: dict[str, tuple[float, float]] = field(factory=dict)
    _changed: trio.Condition = field(factory=trio.Condition)

    def fail(self, fault: Fault, pattern: str = ANY, *, times: int = 1, after: int = 0) -> None:
        """Let *fault* happen to the next *times* calls that *pattern* fits; 0: to all of them.

        Args:
            after: So many of them pass first.
        """
        self._plan.rules.append(Rule(fault, pattern, times, after))

    def by_chance(
        self, chances: Mapping[Fault, float], *, seed: int, patterns: Sequence[str] = (ANY,)
    ) -> None:
        """Let each fault happen with its probability to calls that one of *patterns* fits."""
        self._plan.by_chance(chances, seed=seed, patterns=patterns)

    def mend(self) -> None:
        """Do no more harm."""
        self._plan = FaultPlan()

    @property
    def in_penalty(self) -> list[Call]:
        """What was sent though the server had asked for silence."""
        return [call for call in self.calls if call.is_in_penalty]

    @property
    def faults(self) -> Counter[str]:
        """How often each fault happened."""
        return Counter(call.fault for call in self.calls if call.fault)

    def calls_of(self, pattern: str) -> list[Call]:
        """The requests that *pattern* fits."""
        return [call for call in self.calls if re.search(pattern, call.name)]

    async def until(self, pattern: str, number: int = 1, *, fault: str | None = None) -> list[Call]:
        """Wait for so many requests that *pattern* fits; callers set a limit."""

        def found() -> list[Call]:
            return [one for one in self.calls_of(pattern) if fault is None or one.fault == fault]

        async with self._changed:
            while len(found()) < number:
                await self._changed.wait()
        return found()

    async def answer(self, http: httpx2.AsyncClient, asked: Asked) -> Answer:
        """What goes back, with the harm that is done."""
        at = trio.current_time()
        is_in_penalty = any(
            begins < at < ends and re.search(pattern, asked.name)
            for pattern, (begins, ends) in self._penalties.items()
        )
        fault, pattern = self._plan.next(asked.name) or (Fault("", has_effect=True), ANY)
        true = await self._pass_on(asked, http) if fault.has_effect else None
        await trio.sleep(fault.delay)
        reply = fault.reply or true
        wait = (pattern, fault.penalty) if fault.penalty else _wait_wanted(asked.name, reply)
        status = 0 if reply is None or fault.ending == "reset" else reply.status
        body = asked.body if len(asked.body) < _KEPT_BYTES else b""
        self.calls.append(Call(asked.name, at, fault.name, is_in_penalty, status, body))
        async with self._changed:
            self._changed.notify_all()
        return Answer(reply, fault.ending, partial(self._punish, *wait))

    def _punish(self, pattern: str, seconds: float) -> None:
        """What *pattern* fits is inside a penalty from now on, as the client has been told."""
        if not seconds:
            return
        now = trio.current_time()
        begins, ends = self._penalties.get(pattern, (0.0, 0.0))
        if ends < now:
            begins = now + _ON_ITS_WAY
        self._penalties[pattern] = (begins, max(ends, now + seconds))

    async def _pass_on(self, asked: Asked, http: httpx2.AsyncClient) -> Reply | None:
        """The homeserver's answer; None where it gives none."""
        request = http.build_request(
            asked.method, self.upstream + asked.target, headers=asked.headers, content=asked.body
        )
        try:
            answer = await http.send(request, stream=True)
            try:
                body = b"".join([chunk async for chunk in answer.aiter_raw()])
            finally:
                await answer.aclose()
        except httpx2.TransportError:
            return None
        return Reply(answer.status_code, passed(answer.headers.multi_items()), body)


def _wait_wanted(name: str, reply: Reply | None) -> tuple[str, float]:
    """What a 429 of the homeserver itself is about, and for how long; one for all that is sent."""
    pattern = SEND if re.search(SEND, name) else f"^{re.escape(name)}$"
    if reply is None or reply.status != 429:
        return pattern, 0.0
    return pattern, json.loads(reply.body).get("retry_after_ms", 0) / 1000


@asynccontextmanager
async def matrix_proxy(upstream: str) -> AsyncIterator[MatrixProxy]:
    """A proxy on 127.0.0.1 in front of *upstream*, gone at the end."""
    limits = httpx2.Limits(max_connections=None)
    async with (
        httpx2.AsyncClient(timeout=None, limits=limits, trust_env=False) as http,
        trio.open_nursery() as nursery,
    ):
        (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
        proxy = MatrixProxy(f"http://127.0.0.1:{listener.socket.getsockname()[1]}", upstream)
        serve = partial(_serve, proxy, http)
        nursery.start_soon(partial(trio.serve_listeners, serve, [listener]))
        yield proxy
        nursery.cancel_scope.cancel()


async def _serve(proxy: MatrixProxy, http: httpx2.AsyncClient, stream: trio.SocketStream) -> None:
    await Line(stream, partial(proxy.answer, http)).serve()
