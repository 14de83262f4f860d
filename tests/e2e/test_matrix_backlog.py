"""What a person wrote on Matrix while the program was down is answered, all of it."""

from pathlib import Path

import pytest
import trio

from tests.e2e.matrix_chat import EITHER, matrix_chat
from tests.rigs.synapse import Synapse


@EITHER
@pytest.mark.parametrize("backlog", [30, pytest.param(250, marks=pytest.mark.full)])
async def test_everything_that_came_while_down_is_answered_in_order(
    tmp_path: Path, synapse: Synapse, backlog: int, *, is_encrypted: bool
) -> None:
    said = [f"number-{number:03}" for number in range(backlog)]
    async with matrix_chat(tmp_path, synapse, is_encrypted=is_encrypted) as chat:
        await chat.start()
        assert await chat.it.end() == 0
        chat.person.rotation = 25
        await chat.say(*said)

        await chat.it.start()

        with trio.fail_after(60 + backlog):
            await chat.person.watch_answers(chat.room, chat.bot.user_id, backlog)
        answers = await chat.sees(bool)
        await chat.end()
    assert len(answers) == backlog
    assert all(words in one.text for words, one in zip(said, answers, strict=True))
    assert all(one.is_readable for one in answers)
