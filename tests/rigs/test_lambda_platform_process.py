"""The reference server as a process of its own, and what its words are."""

import json
import subprocess
import sys

import httpx2
import trio

from tests.rigs import lambda_platform_agent
from tests.rigs.lambda_platform_agent import _OWN
from tests.rigs.lambda_platform_caller import text_of
from tests.rigs.lambda_platform_contract import DOCUMENT

_ROOT = DOCUMENT.parents[1]


async def test_it_runs_as_a_process_and_says_where() -> None:
    words = [sys.executable, "-m", "tests.rigs.lambda_platform", "--token", "t", "--drop", "3:3"]
    process = await trio.lowlevel.open_process(words, cwd=_ROOT, stdout=subprocess.PIPE)
    try:
        with trio.fail_after(60):
            assert process.stdout is not None
            url = json.loads(await process.stdout.receive_some())["url"]
            async with httpx2.AsyncClient(base_url=url, trust_env=False) as http:
                bearer = {"Authorization": "Bearer t"}
                answer = await http.put("/v1/users/telegram/1", json={}, headers=bearer)
                stats = (await http.get("/rig/stats")).json()
    finally:
        process.kill()
        await process.wait()
        assert process.stdout is not None
        await process.stdout.aclose()

    assert answer.status_code == 201
    assert (stats["requests"], stats["runs"]) == (2, 0)


def test_every_word_of_the_agent_is_explained() -> None:
    said = lambda_platform_agent.__doc__ or ""

    assert not [word for word in _OWN if f"``{word}``" not in said]


def test_the_text_of_events_is_what_they_stream() -> None:
    delta = {"type": "TEXT_MESSAGE_CONTENT", "delta": "a"}

    assert text_of([(1, delta), (2, {"type": "STEP_STARTED"}), (3, delta)]) == "aa"
