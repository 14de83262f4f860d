"""What a stream does not hold while its answer comes."""

import gc
import weakref
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest

from protocols.platform import Attachment, PlatformClient
from tests.actors.platform.on_platform import RUN, on_platform
from tests.actors.platform.openai_chat import chat_with
from tests.rigs.openai_server import OpenAIServer

Opened = Callable[[], AbstractAsyncContextManager[tuple[PlatformClient, str]]]


@asynccontextmanager
async def on_production() -> AsyncIterator[tuple[PlatformClient, str]]:
    async with on_platform() as on:
        yield on.client, on.user_id


@asynccontextmanager
async def on_openai() -> AsyncIterator[tuple[PlatformClient, str]]:
    async with OpenAIServer().running() as server, chat_with(server.address) as chat:
        yield chat.client, await chat.me()


@pytest.mark.parametrize("opened", [on_production, on_openai])
async def test_a_persons_files_are_let_go_of_when_the_answer_begins(opened: Opened) -> None:
    async with opened() as (client, user_id):
        file = Attachment("notes.txt", "text/plain", 9, data=b"some text")
        is_held = weakref.ref(file)
        stream = client.stream_message(user_id, "C1", "hello", run_id=RUN, attachments=(file,))
        parts = aiter(stream)
        del file

        await anext(parts)
        gc.collect()

        assert is_held() is None
        async for _ in parts:
            pass
