"""The agent that goes wrong does so as asked, and is well again when it is cured."""

import json

import httpx2
import pytest
import trio

from tests.rigs.faulty_agent import FAULTS, HARMLESS, FaultyAgent, faulty_agent
from tests.rigs.faulty_agent_words import BEGINS, ENDS, RAW
from tests.rigs.lambda_platform_contract import flaws

_MODES = ("production", "openai", "agui")
_PATHS = {"production": "/v1/runs", "openai": "/v1/chat/completions", "agui": "/agent"}


def _body(mode: str, text: str) -> dict[str, object]:
    earlier = {"role": "user", "content": "fault:500"}
    content = text if mode == "openai" else [{"type": "text", "text": text}]
    more = {"runId": "r-1"} if mode == "production" else {}
    return {"messages": [earlier, {"role": "user", "content": content}], **more}


async def _says(agent: FaultyAgent, text: str, **headers: str) -> httpx2.Response:
    async with httpx2.AsyncClient(trust_env=False, timeout=20) as http:
        url = f"http://127.0.0.1:{agent.port}{_PATHS[agent.mode]}"
        return await http.post(url, json=_body(agent.mode, text), headers=headers)


def _data(answer: httpx2.Response) -> list[str]:
    lines = answer.text.split("\n")
    return [line.removeprefix("data: ") for line in lines if line.startswith("data: ")]


@pytest.mark.parametrize("mode", _MODES)
async def test_it_answers_who_says_nothing_wrong(mode: str) -> None:
    async with faulty_agent(mode) as agent:
        answer = await _says(agent, "hello")

    assert answer.headers["content-type"] == "text/event-stream"
    assert BEGINS in answer.text
    assert f"hello\\u201d, {ENDS}" in answer.text
    if mode == "openai":
        assert _data(answer)[-1] == "[DONE]"
    else:
        assert not [one for one in _data(answer) if flaws("RunEvent", json.loads(one))]
    assert ("id: 1\n" in answer.text) is (mode == "production")


@pytest.mark.parametrize("mode", _MODES)
@pytest.mark.parametrize(
    ("word", "status", "kind"),
    [
        ("500", 500, "application/json"),
        ("429", 429, "application/json"),
        ("401", 401, "application/json"),
        ("redirect", 302, "application/json"),
        ("html", 200, "text/html"),
        ("empty", 200, "text/event-stream"),
        ("type", 200, "application/octet-stream"),
    ],
)
async def test_a_word_gives_its_answer(mode: str, word: str, status: int, kind: str) -> None:
    async with faulty_agent(mode) as agent:
        answer = await _says(agent, f"please fault:{word}")

    assert (answer.status_code, answer.headers["content-type"]) == (status, kind)
    assert (answer.headers.get("retry-after") == "1") is (word == "429")
    assert (RAW in answer.text) is (word not in {"empty", "type"})
    assert [one.word for one in agent.asked] == [word]


@pytest.mark.parametrize("word", ["cut", "garbage", "silence", "noise"])
async def test_a_word_breaks_the_line(word: str) -> None:
    async with faulty_agent("agui") as agent:
        with pytest.raises(httpx2.RemoteProtocolError):
            await _says(agent, f"fault:{word}")


@pytest.mark.parametrize("word", ["hang", "stall"])
async def test_a_word_keeps_the_line_and_says_no_more(word: str) -> None:
    async with faulty_agent("agui") as agent:
        with trio.move_on_after(0.3) as patience:
            await _says(agent, f"fault:{word}")

    assert patience.cancelled_caught


async def test_half_an_event_is_no_json_and_the_stream_ends_well() -> None:
    async with faulty_agent("openai") as agent:
        answer = await _says(agent, "fault:truncated")

    *whole, half = _data(answer)
    assert all(json.loads(one) for one in whole)
    with pytest.raises(json.JSONDecodeError):
        json.loads(half)


async def test_an_event_may_be_of_ten_megabytes() -> None:
    async with faulty_agent("production") as agent:
        answer = await _says(agent, "fault:huge")

    assert max(map(len, _data(answer))) > 10_000_000


async def test_a_gigabyte_may_be_left_at_any_time() -> None:
    size = 0
    async with faulty_agent("agui") as agent, httpx2.AsyncClient(trust_env=False) as http:
        with trio.CancelScope() as enough:
            url = f"http://127.0.0.1:{agent.port}/agent"
            async with http.stream("POST", url, json=_body("agui", "fault:gigabyte")) as answer:
                async for piece in answer.aiter_raw():
                    size += len(piece)
                    if size > 3_000_000:
                        enough.cancel()
        after = await _says(agent, "hello")

    assert size > 3_000_000
    assert ENDS in after.text


@pytest.mark.parametrize("mode", _MODES)
async def test_strange_events_stand_between_the_others(mode: str) -> None:
    async with faulty_agent(mode) as agent:
        answer = await _says(agent, "fault:strange")

    assert RAW in answer.text
    assert answer.text.index(BEGINS) < answer.text.index(RAW) < answer.text.index(ENDS)


async def test_once_is_once_for_each_text() -> None:
    async with faulty_agent("openai") as agent:
        answers = [await _says(agent, text) for text in ("fault:500-once",) * 2]
        other = await _says(agent, "another fault:500-once")

    assert [one.status_code for one in answers] == [500, 200]
    assert other.status_code == 500


async def test_what_is_cured_is_answered() -> None:
    async with faulty_agent("agui") as agent:
        agent.cure("500", "hang")
        answers = [await _says(agent, f"fault:{word}") for word in ("500", "hang", "401")]

    assert [one.status_code for one in answers] == [200, 200, 401]


async def test_the_platform_goes_on_where_a_stream_was_cut_and_is_cut_again() -> None:
    async with faulty_agent("production") as agent, httpx2.AsyncClient(trust_env=False) as http:
        url = f"http://127.0.0.1:{agent.port}/v1/runs/r-1/events"
        with pytest.raises(httpx2.RemoteProtocolError):
            await _says(agent, "fault:cut")
        with pytest.raises(httpx2.RemoteProtocolError):
            await http.get(url, headers={"Last-Event-ID": "3"})
        agent.cure("cut")
        rest = await http.get(url, headers={"Last-Event-ID": "3"})

    assert rest.text.startswith("id: 4\n")
    assert ENDS in rest.text


def test_harmless_words_are_words() -> None:
    assert FAULTS.keys() > HARMLESS
