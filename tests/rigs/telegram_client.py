"""A plain client of the Bot API server, for the rig's own tests."""

import json
from typing import Any

import httpx2
from attrs import define

from tests.rigs.telegram_api import TelegramApi

ANN = 42
GROUP = -100
FORUM = -1001


@define
class Bot:
    """A client that sends what it is told."""

    api: TelegramApi
    http: httpx2.AsyncClient

    async def ask(self, method: str, **params: Any) -> httpx2.Response:
        return await self.http.post(f"{self.api.url}/bot{self.api.token}/{method}", json=params)

    async def call(self, method: str, **params: Any) -> Any:
        """The result, or Telegram's description of why there is none."""
        answer = (await self.ask(method, **params)).json()
        return answer["result"] if answer["ok"] else answer["description"]

    async def send(self, text: str, chat: int = ANN, **params: Any) -> Any:
        return await self.call("sendMessage", chat_id=chat, text=text, **params)

    async def edit(self, message_id: int, text: str, chat: int = ANN, **params: Any) -> Any:
        ids = {"chat_id": chat, "message_id": message_id}
        return await self.call("editMessageText", text=text, **ids, **params)

    async def upload(self, method: str, chat: int = ANN, **params: Any) -> Any:
        """Call with a form; what is given as bytes is a file."""
        texts = {"chat_id": str(chat)}
        for name, value in params.items():
            if not isinstance(value, bytes):
                texts[name] = value if isinstance(value, str) else json.dumps(value)
        files = {
            name: (f"{name}.bin", value, "application/octet-stream")
            for name, value in params.items()
            if isinstance(value, bytes)
        }
        address = f"{self.api.url}/bot{self.api.token}/{method}"
        answer = (await self.http.post(address, data=texts, files=files)).json()
        return answer["result"] if answer["ok"] else answer["description"]

    async def poll(self, offset: int = 0, **params: Any) -> Any:
        return await self.call("getUpdates", offset=offset, **params)

    async def fetch(self, file_path: str, *, token: str = "") -> httpx2.Response:
        return await self.http.get(f"{self.api.url}/file/bot{token or self.api.token}/{file_path}")

    async def message(self) -> Any:
        """The newest message that people sent."""
        return (await self.poll())[-1]["message"]
