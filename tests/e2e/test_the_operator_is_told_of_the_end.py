"""The restart budget is spent: whoever is in charge is told, in that life or in the next."""

from pathlib import Path

import pytest

from tests.e2e.telegram_chat import ANN, telegram_chat
from tests.rigs.program import Program

_BYSTANDERS = ("ops", "web", "sessions", "platform", "telegram.in")


async def _crash_until_it_gives_up(it: Program, victim: str) -> None:
    """Crash *victim* last of all: a budget is spent by everybody and ended by one."""
    crashes = 0
    while not any(line.get("event") == "tree.gave_up" for line in it.log):
        name = victim if crashes >= 10 else _BYSTANDERS[crashes % len(_BYSTANDERS)]
        lines = len(it.log)
        if (await it.debug("kill", name)).returncode == 0:
            await it.logged("actor.crashed", after=lines)
            crashes += 1


@pytest.mark.parametrize(
    ("victim", "words"),
    [
        ("telegram.out", "spent by telegram.out"),
        ("chats", "spent by chats"),
        # Nothing can be kept any more: the next life knows only that this one was cut short.
        ("store", "was not stopped in order"),
    ],
)
async def test_a_spent_restart_budget_is_told_once(tmp_path: Path, victim: str, words: str) -> None:
    async with telegram_chat(
        tmp_path, OPS_ALERTS=f"telegram:{ANN}", OPS_BIND="127.0.0.1:0"
    ) as chat:
        ann = chat.api.person(ANN, "Ann")
        ann.writes("apricot")
        await chat.hears(ann, "apricot")

        await _crash_until_it_gives_up(chat.it, victim)
        assert await chat.it.wait() == 70
        await chat.it.start()

        said = await chat.hears(ann, words)
        assert len([text for text in said if text.startswith("⚠️")]) == 1
        await chat.end()
