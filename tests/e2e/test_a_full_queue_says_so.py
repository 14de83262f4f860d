"""A person writes faster in a Matrix room than the agent answers."""

from pathlib import Path

from protocols.journal import RowState
from tests.e2e.matrix_chat import matrix_chat
from tests.rigs.synapse import Synapse

_MOST_WAITING = 20


async def test_twenty_wait_in_order_and_the_rest_get_a_word(
    tmp_path: Path, synapse: Synapse
) -> None:
    words = [f"apricot-{number:02}" for number in range(25)]
    async with matrix_chat(tmp_path, synapse) as chat:
        await chat.it.start()
        await chat.say("mock:slow")
        await chat.it.logged("turn.started")
        await chat.say(*words)
        await chat.hears("I did not take this message", times=5)
        await chat.say("!stop")
        heard = await chat.hears(words[_MOST_WAITING - 1])
        journal = await chat.end()

    answers = [text for text in heard if "apricot" in text]
    assert len(answers) == _MOST_WAITING
    for word, answer in zip(words[:_MOST_WAITING], answers, strict=True):
        assert word in answer
    assert sum("I did not take this message" in text for text in heard) == 5
    taken = [row.text for row in journal.rows if row.state is RowState.ANSWERED]
    refused = [row.text for row in journal.rows if row.state is RowState.REFUSED]
    assert taken == [*words[:_MOST_WAITING], "!stop"]
    assert refused == words[_MOST_WAITING:]
    assert journal.faults == []
