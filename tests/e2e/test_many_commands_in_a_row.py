"""A person pastes thousands of commands; each has its visible answer, in order."""

from pathlib import Path

import pytest

from protocols.store import RowState
from tests.rigs.journal import read_journal
from tests.rigs.program import run_supervisor


@pytest.mark.parametrize("number", [2_000, pytest.param(10_000, marks=pytest.mark.full)])
async def test_each_is_answered_and_nothing_is_lost(tmp_path: Path, number: int) -> None:
    names = [f"apricot-{index:05}" for index in range(number)]
    lines = ["hello", *[f"/rename {name}" for name in names]]

    done = await run_supervisor(
        folder=tmp_path, environment={"MOCK_LATENCY": "off"}, stdin="\n".join(lines).encode()
    )

    assert done.returncode == 0
    said = [line for line in done.stdout.splitlines() if "This chat is now" in line]
    assert [line[-len(name) - 1 : -1] for line, name in zip(said, names, strict=True)] == names
    journal = read_journal(tmp_path / "surfaces.db")
    assert [row.state for row in journal.rows] == [RowState.ANSWERED] * len(lines)
    assert journal.faults == []
