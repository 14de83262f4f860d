"""The bot was down for twelve hours, and Telegram holds what was written meanwhile."""

from functools import partial
from pathlib import Path
from random import Random

import pytest
import trio

from tests.e2e.telegram_chat import ANN, telegram_settings
from tests.rigs.journal import read_journal
from tests.rigs.program import program
from tests.rigs.telegram_api import telegram_api

_HOURS_12 = 12 * 3600.0


@pytest.mark.parametrize("number", [40, pytest.param(500, marks=pytest.mark.full)])
async def test_everything_is_answered_in_order_and_within_the_limits(
    tmp_path: Path, number: int
) -> None:
    random = Random(12)
    async with (
        telegram_api() as api,
        program(tmp_path, **telegram_settings(api, CATCH_UP_ASK="0")) as it,
    ):
        people = [api.person(ANN + index) for index in range(max(4, number // 20))]
        asked: dict[int, list[str]] = {person.id: [] for person in people}
        for index in range(number):
            person = random.choice(people)
            words = f"message-{index:03}-here"
            asked[person.id].append(words)
            person.writes(words, age=_HOURS_12 * (1 - index / number))

        await it.start()
        with trio.fail_after(10 * number):
            for person in people:
                last = asked[person.id][-1]
                await api.answered(person, partial(_is_there, last))
        assert await it.end() == 0

    for person in people:
        answers = api.answers(person)
        assert len(answers) == len(asked[person.id])
        assert all(w in a for w, a in zip(asked[person.id], answers, strict=True))
    assert not api.violations
    assert not api.calls_in_penalty
    assert read_journal(tmp_path / "surfaces.db").faults == []


def _is_there(words: str, said: list[str]) -> bool:
    return any(words in text for text in said)
