"""Answers the calls of the Bot API, one after the other, and keeps the log of them."""

import re
from functools import partial
from math import inf

import trio
from attrs import define, field

from tests.rigs.telegram_faults import (
    TOO_LARGE,
    Fault,
    FaultPlan,
    Json,
    RefusedError,
    Reply,
    flood,
    refusal,
    success,
)
from tests.rigs.telegram_http import Answer, Asked, Line
from tests.rigs.telegram_limits import Flood
from tests.rigs.telegram_methods import METHODS, get_updates, messages_in
from tests.rigs.telegram_params import as_int
from tests.rigs.telegram_world import World

_CALL = re.compile(r"/bot([^/]*)/(\w+)")
_FILE = re.compile(r"/file/bot([^/]*)/(.+)")
# What the fetch of a file is called among the methods.
FILE = "file"


@define
class Call:
    """One call that reached the server.

    Args:
        method: As the bot wrote it; ``file`` for the fetch of a file.
        chat: The chat that it names, 0 without one.
        ended_at: When it was answered or given up.
        status: Of the answer; 0 where there was none.
        had_effect: Whether it did what it should, whatever was answered.
        fault: Name of what was made to go wrong.
    """

    method: str
    params: Json = field(repr=False)
    at: float
    chat: int = 0
    ended_at: float | None = None
    status: int = 0
    description: str = ""
    had_effect: bool = False
    fault: str = ""

    @property
    def thread(self) -> int:
        """The topic that it names, 0 without one."""
        return as_int(self.params.get("message_thread_id"))

    @property
    def scope(self) -> int | str:
        """What a penalty for this call is about: its chat, or the method without one."""
        return self.chat or self.method.lower()


@define
class Server:
    """What stands behind the port.

    Args:
        calls: Every call in the order of arrival.
    """

    token: str = field(repr=False)
    flood: Flood
    world: World
    calls: list[Call] = field(factory=list)
    faults: FaultPlan = field(factory=FaultPlan)
    is_down: bool = False
    _changed: trio.Event = field(factory=trio.Event)
    lines: set[Line] = field(factory=set)

    def __attrs_post_init__(self) -> None:
        self.world.on_change = self.tell

    async def change(self) -> None:
        """Wait until anything happens."""
        await self._changed.wait()

    def tell(self) -> None:
        """Wake whoever waits for a change."""
        self._changed.set()
        self._changed = trio.Event()

    def go_down(self) -> None:
        """Reset every connection, and every new one."""
        self.is_down = True
        for line in self.lines:
            line.reset()
            line.stream.socket.close()

    def overlaps(self) -> list[tuple[Call, Call]]:
        """Calls that write to one chat at a time, which Telegram does in any order it likes."""
        found: list[tuple[Call, Call]] = []
        last: dict[int, Call] = {}
        for call in self.calls:
            if not messages_in(call.method.lower(), call.params):
                continue
            before = last.get(call.chat)
            if before is not None and _end(before) > call.at + self.flood.limits.grace:
                found.append((before, call))
            if before is None or _end(call) >= _end(before):
                last[call.chat] = call
        return found

    async def serve(self, stream: trio.SocketStream) -> None:
        """Serve one connection."""
        line = Line(stream)
        if self.is_down:
            line.reset()
            await trio.aclose_forcefully(stream)
            return
        self.lines.add(line)
        try:
            await line.serve(self._answer)
        finally:
            self.lines.discard(line)

    async def _answer(self, line: Line, asked: Asked) -> Answer:
        found = _token_and_call(asked)
        if found is None:
            return Answer(refusal(404, "Not Found"))
        token, call = found
        self.calls.append(call)
        try:
            if asked.is_too_large:
                answer = Answer(refusal(413, TOO_LARGE))
            else:
                answer = await self._answer_call(line, call, token=token)
            if answer.reply is not None and answer.ending != "hang":
                call.status, call.description = answer.reply.status, answer.reply.description
            return answer
        finally:
            call.ended_at = trio.current_time()
            self.tell()

    async def _answer_call(self, line: Line, call: Call, *, token: str) -> Answer:
        if token != self.token:
            is_token = ":" in token
            said = "Unauthorized" if is_token else "Unauthorized: invalid token specified"
            return Answer(refusal(401, said))
        wait = self.flood.wait_of_penalty(call.method, call.scope, now=call.at, line=line)
        if wait:
            return Answer(flood(wait))
        fault = self.faults.next(call.method, call.params)
        if fault is None:
            return Answer(await self._effect(line, call))
        call.fault = fault.name
        if fault.penalty:
            self._penalise(line, call, fault)
        return await self._faulty(line, call, fault)

    async def _faulty(self, line: Line, call: Call, fault: Fault) -> Answer:
        true = await self._effect(line, call) if fault.has_effect else None
        if fault.ending == "hang":
            await line.while_there(trio.sleep_forever)
            return Answer(None)
        if fault.delay:
            await line.while_there(partial(trio.sleep, fault.delay))
        return Answer(fault.reply or true, fault.ending)

    async def _effect(self, line: Line, call: Call) -> Reply | None:
        """Do what is asked; None if the client did not wait for the end."""
        try:
            if call.method.lower() == "getupdates":
                return await self._poll(line, call)
            if wait := self._wait_of_rates(line, call):
                return flood(wait)
            reply = self._done(call)
        except RefusedError as error:
            return refusal(error.code, error.description, error.parameters)
        call.had_effect = True
        return reply

    def _done(self, call: Call) -> Reply:
        """The answer of any method that does not wait."""
        if call.method == FILE:
            content = self.world.files.fetch(str(call.params.get("file_path")))
            if content is None:
                raise RefusedError(404, "Not Found")
            return Reply(200, content, "application/octet-stream")
        do = METHODS.get(call.method.lower())
        if do is None:
            raise RefusedError(404, "Not Found: method not found")
        return success(do(self.world, call.params))

    async def _poll(self, line: Line, call: Call) -> Reply | None:
        replies = []

        async def poll() -> None:
            try:
                replies.append(success(await get_updates(self.world, call.params)))
                call.had_effect = True
            except RefusedError as error:
                replies.append(refusal(error.code, error.description, error.parameters))

        self.tell()
        await line.while_there(poll)
        return replies[0] if replies else None

    def _wait_of_rates(self, line: Line, call: Call) -> int:
        chat = self.world.chats.get(call.chat)
        if chat is None:
            return 0
        messages = messages_in(call.method.lower(), call.params)
        return self.flood.wait_of_rates(
            chat.id, messages=messages, is_group=chat.is_group, now=call.at, line=line
        )

    def _penalise(self, line: Line, call: Call, fault: Fault) -> None:
        # What a poll is told is about polls: whoever sends does not hear of it.
        is_poll = call.method.lower() == "getupdates"
        scope = None if fault.scope == "bot" and not is_poll else call.scope
        now = trio.current_time()
        self.flood.penalise(scope, seconds=fault.penalty, now=now, line=line)


def _end(call: Call) -> float:
    return inf if call.ended_at is None else call.ended_at


def _token_and_call(asked: Asked) -> tuple[str, Call] | None:
    """What is asked, by whom; None for a path that is nothing here."""
    now = trio.current_time()
    if found := _FILE.fullmatch(asked.path):
        return found[1], Call(FILE, {"file_path": found[2]}, now)
    if found := _CALL.fullmatch(asked.path):
        chat_id = as_int(asked.params.get("chat_id"))
        return found[1], Call(found[2], asked.params, now, chat_id)
    return None
