from pathlib import Path

import pytest

from tests.rigs.program import program, run_supervisor

_QUICK = {"MOCK_LATENCY": "off"}


async def test_one_line_is_answered_on_stdout_and_nothing_else_is_there(tmp_path: Path) -> None:
    done = await run_supervisor(folder=tmp_path, environment=_QUICK, stdin=b"hello\n")

    assert done.returncode == 0
    assert "hello" in done.stdout
    assert "tree.started" not in done.stdout
    assert "tree.started" in done.stderr
    assert "\x1b" not in done.stdout


async def test_many_lines_are_answered_in_order(tmp_path: Path) -> None:
    lines = [f"line-{number:03}" for number in range(50)]

    done = await run_supervisor(
        folder=tmp_path, environment=_QUICK, stdin="\n".join(lines).encode()
    )

    places = [done.stdout.index(line) for line in lines]
    assert places == sorted(places)
    assert all(done.stdout.count(line) == 1 for line in lines)


@pytest.mark.parametrize("times", [3])
async def test_a_kill_loses_nothing_of_what_was_journaled(tmp_path: Path, times: int) -> None:
    async with program(tmp_path, MOCK_LATENCY="on") as it:
        for life in range(times):
            await it.start()
            await it.say(f"question-{life}")
            await it.logged("tree.started")
            await it.say(f"second-{life}")
            await it.says(f"question-{life}")
            await it.kill()
        await it.start()
        await it.close_stdin()
        assert await it.wait() == 0

    for life in range(times):
        assert f"question-{life}" in it.said
    # What was being printed when it was killed may be printed again, as a terminal has no ids.
    assert it.said.count("question-0") <= 2
