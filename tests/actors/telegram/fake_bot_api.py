"""A Bot API server in memory: long polls, confirmation by offset, and any answer on request."""

import json
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qsl

import httpx2
import trio
from attrs import define, field

from actors.telegram.api.client import TelegramClient, open_client
from actors.telegram.settings import TelegramSettings

TOKEN = "4242:the-secret-of-this-bot"
SETTINGS = TelegramSettings(TOKEN, "http://telegram.test")
BOT = {"id": 4242, "is_bot": True, "first_name": "Bot", "username": "agent_bot"}
ALICE = {"id": 7, "is_bot": False, "first_name": "Alice", "last_name": "Ames"}
PRIVATE = {"id": 7, "type": "private"}
GROUP = {"id": -100, "type": "supergroup", "title": "All of us"}

Json = dict[str, Any]
ALBUM: Json = {"photo": [{"file_id": "f"}], "media_group_id": "a"}
Answer = Callable[[], Awaitable[httpx2.Response]]


def message(text: str | None = "hello", **fields: Any) -> Json:
    """A message as Telegram writes it, in a private chat where *fields* say nothing else."""
    words = {} if text is None else {"text": text}
    return {"message_id": 1, "from": ALICE, "chat": PRIVATE, "date": 1000} | words | fields


def mention(text: str, part: str, kind: str = "mention", **fields: Any) -> Json:
    """The entity for *part* of *text*."""
    start = len(text[: text.index(part)].encode("utf-16-le")) // 2
    length = len(part.encode("utf-16-le")) // 2
    return {"type": kind, "offset": start, "length": length} | fields


def failure(code: int, said: str, **parameters: Any) -> Answer:
    """An answer of the Bot API that is no success."""
    body: Json = {"ok": False, "error_code": code, "description": said}
    return plain(code, json.dumps(body | ({"parameters": parameters} if parameters else {})))


def plain(status: int, content: str) -> Answer:
    """Any answer."""

    async def answer() -> httpx2.Response:
        await trio.lowlevel.checkpoint()
        return httpx2.Response(status, content=content.encode())

    return answer


def raising(error: Exception) -> Answer:
    """No answer."""

    async def answer() -> httpx2.Response:
        await trio.lowlevel.checkpoint()
        raise error

    return answer


async def silence() -> httpx2.Response:
    """An answer that never comes."""
    await trio.sleep_forever()
    raise AssertionError


@define
class FakeBotApi:
    """``calls`` are the requests that came: method, fields, and trio's time.

    Args:
        pending: Updates that are not confirmed.
        faults: What the next requests of a method are answered with instead.
    """

    me: Json = field(factory=lambda: dict(BOT))
    pending: list[Any] = field(factory=list)
    calls: list[tuple[str, Json, float]] = field(factory=list)
    faults: dict[str, deque[Answer]] = field(factory=dict)
    sessions: int = 0
    _next: int = 1
    _came: trio.Event = field(factory=trio.Event)

    def write(self, *bodies: Json, kind: str = "message") -> None:
        """Updates from people."""
        for body in bodies:
            self.hand_over({"update_id": self._next, kind: body})
            self._next += 1

    def hand_over(self, update: Any) -> None:
        """Any update."""
        self.pending.append(update)
        self._came.set()
        self._came = trio.Event()

    def fail(self, method: str, *answers: Answer) -> None:
        """Answer the next requests of *method* so."""
        self.faults.setdefault(method, deque()).extend(answers)

    def polls(self) -> list[tuple[Json, float]]:
        """The polls that came, and when."""
        return [(fields, at) for name, fields, at in self.calls if name == "getUpdates"]

    @asynccontextmanager
    async def connect(self, settings: TelegramSettings) -> AsyncIterator[TelegramClient]:
        """As ``open_client`` does."""
        self.sessions += 1
        transport = httpx2.MockTransport(self._answer)
        async with open_client(settings, transport=transport) as client:
            yield client

    async def _answer(self, request: httpx2.Request) -> httpx2.Response:
        method = request.url.path.rpartition("/")[2]
        pairs = parse_qsl(request.content.decode(), keep_blank_values=True)
        fields = {key: _parsed(value) for key, value in pairs}
        self.calls.append((method, fields, trio.current_time()))
        if waiting := self.faults.get(method):
            return await waiting.popleft()()
        return httpx2.Response(200, json={"ok": True, "result": await self._result(method, fields)})

    async def _result(self, method: str, fields: Json) -> Any:
        await trio.lowlevel.checkpoint()
        match method:
            case "getMe":
                return self.me
            case "getUpdates":
                return await self._updates(int(fields["offset"]), fields)
            case "sendMessage" | "editMessageText":
                return message(message_id=99) | {"chat": {"type": "of the future"}}
            case _:
                return True

    async def _updates(self, offset: int, fields: Json) -> list[Any]:
        self.pending = [new for new in self.pending if not _is_confirmed(new, offset)]
        with trio.move_on_after(int(fields["timeout"])):
            while not self.pending:
                await self._came.wait()
        return self.pending[: int(fields["limit"])]


def _is_confirmed(update: Any, offset: int) -> bool:
    return isinstance(update, dict) and update.get("update_id", offset) < offset


def _parsed(value: str) -> Any:
    return json.loads(value) if value[:1] in {"[", "{"} else value
