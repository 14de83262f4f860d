"""A person in a Matrix room stops a slow answer and asks something else."""

from pathlib import Path

from protocols.journal import RowState
from tests.e2e.matrix_chat import matrix_chat
from tests.rigs.synapse import Synapse


async def test_a_slow_answer_stops_within_a_second_and_the_next_message_is_answered(
    tmp_path: Path, synapse: Synapse
) -> None:
    async with matrix_chat(tmp_path, synapse) as chat:
        await chat.it.start()
        await chat.say("mock:slow apricot")
        await chat.hears("You wrote")
        await chat.say("!stop", "quince")
        await chat.hears("quince")
        stopped, word, answer = await chat.heard()
        journal = await chat.end()

    assert stopped.startswith("You wrote:")
    assert "mock:help" not in stopped, "it was said to its end"
    assert "\n\n*Stopped. !retry sends your message again.*\n\n" in stopped
    assert word == "Stopped."
    assert "quince" in answer
    slow, stop, _ = journal.rows
    assert slow.state is RowState.STOPPED
    assert slow.finished_at is not None
    assert slow.finished_at - stop.received_at <= 1
    assert journal.faults == []
