"""Requests about keys: what the server limits apart is kept apart, and by all that ask."""

from collections.abc import Awaitable, Callable

import pytest
import trio
import trio.testing

from actors.matrix.api.replies import Done, Limited, Reply
from actors.matrix.crypto.requests import KeyRequests
from tests.actors.matrix.crypto.key_server import KeyClient, KeyServer

BOT = ("@bot:fake", "BOT")


@pytest.mark.parametrize("limited", ["keys/upload", "keys/query", "keys/claim", "sendToDevice"])
async def test_what_was_limited_is_not_asked_before_that_is_over_and_all_else_is(
    autojump_clock: trio.testing.MockClock, limited: str
) -> None:
    client = KeyClient(KeyServer(), *BOT)
    requests = KeyRequests(client)
    asks: dict[str, Callable[[], Awaitable[Reply]]] = {
        "keys/upload": lambda: requests.upload({}),
        "keys/query": lambda: requests.query([BOT[0]]),
        "keys/claim": lambda: requests.claim([BOT]),
        "sendToDevice": lambda: requests.send_encrypted({BOT: {}}),
    }
    client.faults[limited] = [Limited(2.0)]

    assert await asks[limited]() == Limited(2.0)
    await trio.sleep(0.5)
    inside = {name: await ask() for name, ask in asks.items()}
    asked = client.names()
    await trio.sleep(1.5)

    assert inside.pop(limited) == Limited(1.5)
    assert all(isinstance(reply, Done) for reply in inside.values())
    assert asked == [limited, *inside]
    assert isinstance(await asks[limited](), Done)
    assert autojump_clock.current_time() == 2.0
