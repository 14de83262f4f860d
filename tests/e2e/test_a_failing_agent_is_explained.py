"""A person at the terminal whose agent fails in every way; each time they hear what to do."""

from pathlib import Path

import pytest

from protocols.journal import RowState
from tests.rigs.journal import read_journal
from tests.rigs.program import program, run_supervisor

_QUICK = {"MOCK_LATENCY": "off", "PLATFORM_IDLE_LIMIT": "2"}


@pytest.mark.parametrize(
    ("word", "kept", "explained"),
    [
        ("mock:fail", "", "too busy"),
        ("mock:hang", "I begin to answer", "took too long"),
        ("mock:cut", "You wrote", "broke off"),
        ("mock:empty", "", "empty answer"),
    ],
)
async def test_what_came_is_kept_and_explained_and_can_be_retried(
    tmp_path: Path, word: str, kept: str, explained: str
) -> None:
    done = await run_supervisor(
        folder=tmp_path, environment=_QUICK, stdin=f"{word}\napricot\n".encode()
    )

    assert done.returncode == 0
    failed, _, after = done.stdout.partition("apricot")
    assert kept in failed
    assert explained in failed
    assert "/retry" in failed
    assert "mock agent" in after
    journal = read_journal(tmp_path / "surfaces.db")
    assert [row.state for row in journal.rows] == [RowState.FAILED, RowState.ANSWERED]
    assert journal.faults == []


async def test_a_retry_runs_the_failed_message_again(tmp_path: Path) -> None:
    done = await run_supervisor(
        folder=tmp_path, environment=_QUICK, stdin=b"mock:cut quince\n/retry\n"
    )

    assert done.returncode == 0
    assert done.stdout.count("broke off") == 2
    journal = read_journal(tmp_path / "surfaces.db")
    assert [row.text for row in journal.rows] == ["mock:cut quince"] * 2
    assert journal.faults == []


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [("yes", "it is done"), ("no", "as it was"), ("perhaps", "neither a yes nor a no")],
)
async def test_the_agent_asks_and_hears_the_answer(
    tmp_path: Path, reply: str, outcome: str
) -> None:
    async with program(tmp_path, **_QUICK) as it:
        await it.start()
        await it.say("mock:confirm")
        await it.says("Reply **yes** / **no**")
        await it.say(reply)
        await it.says(outcome)
        await it.say("apricot")
        await it.says("apricot")
        await it.close_stdin()
        assert await it.wait() == 0

    journal = read_journal(tmp_path / "surfaces.db")
    assert [row.state for row in journal.rows] == [RowState.ANSWERED] * 3
    assert journal.faults == []
