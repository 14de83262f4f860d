"""A person's message crashes its session again and again; they hear of it and try once more."""

import json
from pathlib import Path

import trio

from protocols.journal import RowState
from tests.e2e.matrix_chat import MatrixChat, matrix_chat
from tests.rigs.program import LIMIT, Program
from tests.rigs.synapse import Synapse


async def test_after_three_crashes_it_is_set_aside_with_a_word_and_retry_runs_it(
    tmp_path: Path, synapse: Synapse
) -> None:
    async with matrix_chat(tmp_path, synapse) as chat:
        await chat.it.start()
        await chat.say("mock:slow apricot")
        for crash in range(3):
            await _runs_for_the_time(chat.it, crash + 1)
            assert await _kill_session(chat) == 0
        await chat.hears("I tried this message 3 times")
        ended = await chat.it.logged("turn.ended")
        lines = len(chat.it.log)
        await chat.say("!retry")
        await chat.it.logged("turn.started", after=lines)
        await chat.say("!stop")
        await chat.hears("!retry sends your message again")
        journal = await chat.end()

    assert ended["outcome"] == "TurnStopped"
    assert [row.state for row in journal.rows] == [
        RowState.SET_ASIDE,
        RowState.STOPPED,
        RowState.ANSWERED,
    ]
    assert journal.rows[1].text == "mock:slow apricot"
    assert journal.faults == []


async def _kill_session(chat: MatrixChat) -> int:
    return (await chat.it.debug("kill", f"sessions/matrix/{chat.room}")).returncode


async def _runs_for_the_time(it: Program, attempt: int) -> None:
    """Wait until the newest message runs for the *attempt*-th time."""
    with trio.fail_after(LIMIT):
        while True:
            row = json.loads((await it.debug("journal", "--json")).stdout)["rows"]
            if row and (row[0]["state"], row[0]["attempts"]) == ("running", attempt):
                return
