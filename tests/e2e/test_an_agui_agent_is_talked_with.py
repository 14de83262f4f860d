"""A person at the terminal with an AG-UI agent that is not ours, which asks before it deletes."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from protocols.journal import RowState
from tests.rigs.agui_pydantic import PydanticAgent, pydantic_agent_or_skip
from tests.rigs.journal import read_journal
from tests.rigs.program import Program, program

_KEY = "key-of-the-agent"


@pytest.fixture(scope="module")
def agent(request: pytest.FixtureRequest) -> Iterator[PydanticAgent]:
    yield from pydantic_agent_or_skip(request, key=_KEY)


def _settings(agent: PydanticAgent, key: str = _KEY) -> dict[str, str]:
    return {"PLATFORM_MODE": "agui", "AGUI_URL": agent.url, "AGUI_TOKEN": key}


async def _end(it: Program) -> None:
    await it.close_stdin()
    assert await it.wait() == 0


async def test_an_approval_outlives_a_kill_and_the_chat_goes_on(
    tmp_path: Path, agent: PydanticAgent
) -> None:
    async with program(tmp_path, **_settings(agent)) as it:
        await it.start()
        await it.say("I am Ann")
        await it.says("You said: I am Ann")
        await it.say("delete notes.txt")
        await it.says("Reply **approve** / **reject**")
        await it.kill()
        await it.start()
        await it.say("approve")
        await it.says("success: notes.txt is deleted")
        await it.say("say before")
        await it.says("person: I am Ann")
        await it.says("agent: success: notes.txt is deleted")
        await _end(it)

    journal = read_journal(tmp_path / "surfaces.db")
    assert [row.state for row in journal.rows] == [RowState.ANSWERED] * 4
    assert journal.faults == []
    assert _KEY not in f"{it.said} {it.log}"


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        ("reject", "denied: The tool call was denied."),
        ("not now", "denied: not now"),
    ],
)
async def test_what_is_not_approved_is_not_done(
    tmp_path: Path, agent: PydanticAgent, reply: str, outcome: str
) -> None:
    async with program(tmp_path, **_settings(agent)) as it:
        await it.start()
        await it.say("delete notes.txt")
        await it.says('Approve delete_file({"path":"notes.txt"})?')
        await it.say(reply)
        await it.says(outcome)
        await _end(it)

    assert "is deleted" not in it.said


async def test_an_agent_that_breaks_is_explained_without_its_words(
    tmp_path: Path, agent: PydanticAgent
) -> None:
    async with program(tmp_path, **_settings(agent)) as it:
        await it.start()
        await it.say("fail")
        await it.says("/retry")
        await _end(it)

    assert "I begin, and then" in it.said
    assert "went wrong at the agent" in it.said
    assert "secret" not in f"{it.said} {it.log}"


async def test_a_key_that_is_refused_is_explained(tmp_path: Path, agent: PydanticAgent) -> None:
    async with program(tmp_path, **_settings(agent, key="another-key")) as it:
        await it.start()
        await it.say("hello")
        await it.says("does not accept my key")
        await _end(it)
