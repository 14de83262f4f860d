"""The rig that stands for OpenAI-compatible servers, asked by a client that is not ours."""

import json
from collections.abc import AsyncIterator

import httpx2
import pytest

from tests.actors.platform.raw_server import EVENTS
from tests.rigs.openai_server import OpenAIServer, delta, event, says_and_closes

HELLO = {"model": "parrot", "messages": [{"role": "user", "content": "hello"}], "stream": True}


@pytest.fixture
async def server() -> AsyncIterator[OpenAIServer]:
    async with OpenAIServer(key="k").running() as running:
        yield running


@pytest.fixture
async def http(server: OpenAIServer) -> AsyncIterator[httpx2.AsyncClient]:
    headers = {"Authorization": "Bearer k"}
    async with httpx2.AsyncClient(base_url=server.address, headers=headers) as client:
        yield client


async def test_its_model_repeats_what_it_is_told_in_chunks(http: httpx2.AsyncClient) -> None:
    answer = await http.post("/chat/completions", json=HELLO)

    *events, done, _ = answer.text.split("\n\n")
    chunks = [json.loads(one.removeprefix("data: ")) for one in events]
    said = "".join(one["choices"][0]["delta"]["content"] or "" for one in chunks)
    assert (said, done) == ("You said: hello", "data: [DONE]")
    assert answer.headers["content-type"] == "text/event-stream"


async def test_it_tells_the_usage_only_where_it_is_asked(http: httpx2.AsyncClient) -> None:
    asked = {**HELLO, "stream_options": {"include_usage": True}}

    assert "prompt_tokens" in (await http.post("/chat/completions", json=asked)).text
    assert "prompt_tokens" not in (await http.post("/chat/completions", json=HELLO)).text


async def test_it_lets_nobody_in_without_the_key(
    server: OpenAIServer, http: httpx2.AsyncClient
) -> None:
    async with httpx2.AsyncClient(base_url=server.address) as stranger:
        assert (await stranger.get("/models")).status_code == 401
    assert (await http.get("/models")).json()["data"][0]["id"] == "parrot"
    assert (await http.get("/elsewhere")).status_code == 404


async def test_a_fault_takes_the_place_of_one_answer(
    server: OpenAIServer, http: httpx2.AsyncClient
) -> None:
    server.faults.append(says_and_closes(EVENTS, event(delta("You"))))

    with pytest.raises(httpx2.RemoteProtocolError):
        await http.post("/chat/completions", json=HELLO)
    assert (await http.post("/chat/completions", json=HELLO)).status_code == 200
    assert server.chats == [HELLO, HELLO]
