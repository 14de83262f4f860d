"""A person pastes thousands of commands; each has its visible answer, in order."""

from pathlib import Path

import pytest

from protocols.journal import RowState
from tests.rigs.journal import read_journal
from tests.rigs.program import program

_PASTED = 1_000


@pytest.mark.parametrize("number", [2_000, pytest.param(10_000, marks=pytest.mark.full)])
async def test_each_is_answered_and_nothing_is_lost(tmp_path: Path, number: int) -> None:
    names = [f"apricot-{index:05}" for index in range(number)]

    async with program(tmp_path, MOCK_LATENCY="off") as it:
        await it.start()
        await it.say("hello")
        for first in range(0, number, _PASTED):
            pasted = names[first : first + _PASTED]
            await it.say("\n".join(f"/rename {name}" for name in pasted))
            await it.says(pasted[-1])
        await it.close_stdin()
        assert await it.wait() == 0

    said = [line for line in it.said.splitlines() if "This chat is now" in line]
    assert [line[-len(name) - 1 : -1] for line, name in zip(said, names, strict=True)] == names
    journal = read_journal(tmp_path / "surfaces.db")
    assert [row.state for row in journal.rows] == [RowState.ANSWERED] * (number + 1)
    assert journal.faults == []
