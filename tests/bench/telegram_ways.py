"""Sends messages over one of three HTTP sessions; run as a process of its own.

``python -m tests.bench.telegram_ways URL TOKEN CHAT`` reads lines ``WAY COUNT`` and answers each
with ``CPU WALL``: the seconds that COUNT messages took, one after the other. All three ways live in
one process, on one heap, and each opens its session anew and warms it up.
"""

import asyncio
import gc
import sys
import time
from collections.abc import Awaitable, Callable

import httpx2
import trio
from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.methods import SendMessage

from actors.kernel.aio import from_asyncio, open_asyncio
from actors.telegram.api.client import TrioSession

_WARM_UP = 30
Sending = Callable[[], Awaitable[object]]
Took = tuple[float, float]


async def _timed(send: Sending, count: int) -> Took:
    """CPU and wall seconds; collected and frozen before, as the program is."""
    for _ in range(_WARM_UP):
        await send()
    gc.collect()
    gc.freeze()
    cpu, wall = time.process_time(), time.perf_counter()
    for _ in range(count):
        await send()
    took = time.process_time() - cpu, time.perf_counter() - wall
    gc.unfreeze()
    return took


async def _on_trio(url: str, token: str, chat: int, count: int) -> Took:
    async with httpx2.AsyncClient(trust_env=False) as http:
        bot = Bot(token, session=TrioSession(http, url, within=15))
        return await _timed(lambda: bot(_message(chat)), count)


async def _under_trio_asyncio(url: str, token: str, chat: int, count: int) -> Took:
    async with open_asyncio("bench"):
        bot = await from_asyncio(_stock_bot, url, token)
        took = await _timed(lambda: from_asyncio(bot, _message(chat)), count)
        await from_asyncio(bot.session.close)
        return took


async def _on_asyncio(url: str, token: str, chat: int, count: int) -> Took:
    bot = await _stock_bot(url, token)
    took = await _timed(lambda: bot(_message(chat)), count)
    await bot.session.close()
    return took


async def _stock_bot(url: str, token: str) -> Bot:
    return Bot(token, session=AiohttpSession(api=TelegramAPIServer.from_base(url)))


def _message(chat: int) -> SendMessage:
    return SendMessage(chat_id=chat, text="What will the weather be like on the coast tomorrow?")


_WAYS: dict[str, Callable[[str, str, int, int], Took]] = {
    "trio": lambda *what: trio.run(_on_trio, *what),
    "trio-asyncio": lambda *what: trio.run(_under_trio_asyncio, *what),
    "asyncio": lambda *what: asyncio.run(_on_asyncio(*what)),
}


def main(url: str, token: str, chat: str) -> None:
    """Do what standard input says until it ends."""
    for line in sys.stdin:
        way, count = line.split()
        cpu, wall = _WAYS[way](url, token, int(chat), int(count))
        sys.stdout.write(f"{cpu} {wall}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
