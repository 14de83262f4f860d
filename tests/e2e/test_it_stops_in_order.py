import signal
from pathlib import Path

import pytest

from tests.rigs.program import program, run_supervisor


@pytest.mark.parametrize("with_signal", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_it_with_0_and_the_running_answer_is_delivered(
    tmp_path: Path, with_signal: signal.Signals
) -> None:
    async with program(tmp_path) as it:
        await it.start()
        await it.say("the-last-question")
        await it.logged("turn.started")

        code = await it.end(with_signal)
        await it.says("the-last-question")

    assert code == 0


async def test_a_second_program_on_the_same_store_is_refused_with_one_line(tmp_path: Path) -> None:
    async with program(tmp_path) as it:
        await it.start()

        done = await run_supervisor(
            folder=tmp_path,
            environment={"DEBUG_SOCKET": str(tmp_path / "other.sock")},
            stdin=b"hello\n",
        )

    assert done.returncode == 2
    assert "surfaces.db" in done.stderr
    assert len(done.stderr.splitlines()) == 1
