"""Whoever looks after the program sees what it does, and no secret and no word of anybody."""

import json
from pathlib import Path

import trio

from tests.e2e.matrix_chat import MatrixChat, matrix_chat
from tests.rigs.program import LIMIT
from tests.rigs.synapse import Synapse

_VICTIMS = ("platform", "chats", "matrix", "store")
_PAGES = (
    (),
    ("--json",),
    ("journal",),
    ("journal", "--json"),
    ("dead-letters",),
    ("dead-letters", "--json"),
    ("access",),
    ("access", "--json"),
)


async def test_logs_crash_reports_and_debug_pages_hold_no_secret_and_no_words(
    tmp_path: Path, synapse: Synapse
) -> None:
    async with matrix_chat(tmp_path, synapse) as chat:
        await chat.it.start()
        await chat.say("mock:slow apricot")
        await chat.hears("apricot")
        for victim in (*_VICTIMS, f"sessions/matrix/{chat.room}"):
            lines = len(chat.it.log)
            done = await chat.it.debug("kill", victim)
            assert done.returncode == 0, done.stderr
            await chat.it.logged("actor.crashed", after=lines)
        await chat.say("!stop", "mock:fail apricot", "!rename quince", "apricots")
        await chat.hears("apricots")
        shown = [await _page(chat, words) for words in _PAGES]
        journal = await chat.end()
        secrets = [chat.bot.password, *_tokens(tmp_path)]

    assert journal.faults == []
    seen = "\n".join((*shown, chat.it.said, *map(json.dumps, chat.it.log)))
    for word in ("apricot", "quince", "mock agent", *secrets):
        assert word not in seen
    assert "actor.crashed" in seen


async def _page(chat: MatrixChat, words: tuple[str, ...]) -> str:
    with trio.fail_after(LIMIT):
        done = await chat.it.debug(*words)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def _tokens(folder: Path) -> list[str]:
    session = json.loads((folder / "matrix_store" / "session.json").read_text())
    return [value for name, value in session.items() if "token" in name]
