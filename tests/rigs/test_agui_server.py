"""The AG-UI agent that says what a test wants."""

import json
from typing import Any

import httpx2
import pytest

from tests.rigs.agui_server import AguiServer, answers, call, interrupt, says_and_closes, spoken

HELLO: Any = {"messages": [{"id": "u", "role": "user", "content": "hello"}]}


async def ask(server: AguiServer, address: str = "", **headers: str) -> httpx2.Response:
    async with httpx2.AsyncClient(trust_env=False) as http:
        return await http.post(address or server.address, json=HELLO, headers=headers)


def events(answer: httpx2.Response) -> list[Any]:
    return [json.loads(line[6:]) for line in answer.text.splitlines() if line]


async def test_it_repeats_what_it_is_told_in_a_whole_run() -> None:
    async with AguiServer().running() as server:
        first, *said, last = events(await ask(server))

    assert (first["type"], last["type"]) == ("RUN_STARTED", "RUN_FINISHED")
    assert "".join(event.get("delta", "") for event in said) == "You said: hello"
    assert server.last.messages == [("user", "hello")]


async def test_a_script_is_played_once() -> None:
    async with AguiServer().running() as server:
        server.scripts.append(answers(*call("look", "t"), outcome=interrupt("i")))

        scripted, plain = events(await ask(server)), events(await ask(server))

    assert scripted[-1]["outcome"]["interrupts"][0]["message"] == "May I i?"
    assert plain[1:-1] == list(spoken("You said: hello"))


async def test_a_script_may_end_the_connection() -> None:
    async with AguiServer().running() as server:
        server.scripts.append(says_and_closes())

        with pytest.raises(httpx2.RemoteProtocolError):
            await ask(server)


async def test_it_lets_in_only_its_key_at_only_its_address() -> None:
    async with AguiServer(key="k").running() as server:
        statuses = [
            (await ask(server, Authorization="Bearer k")).status_code,
            (await ask(server, Authorization="Bearer other")).status_code,
            (await ask(server, server.address.rstrip("/"))).status_code,
        ]

    assert statuses == [200, 401, 307]
