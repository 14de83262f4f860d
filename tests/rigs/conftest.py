"""What the rigs' own tests share."""

from collections.abc import AsyncIterator

import httpx2
import pytest

from tests.rigs.telegram_api import TelegramApi, telegram_api
from tests.rigs.telegram_client import ANN, Bot


@pytest.fixture
async def api() -> AsyncIterator[TelegramApi]:
    async with telegram_api() as server:
        yield server


@pytest.fixture
async def bot(api: TelegramApi) -> AsyncIterator[Bot]:
    async with httpx2.AsyncClient(timeout=1000) as http:
        api.person(ANN, "Ann").writes("/start")
        yield Bot(api, http)
