"""Whoever looks after the program sees what it does, and no secret and no word of anybody."""

import json
from pathlib import Path

import trio

from tests.e2e.matrix_chat import EITHER, MatrixChat, matrix_chat
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


@EITHER
async def test_logs_crash_reports_and_debug_pages_hold_no_secret_and_no_words(
    tmp_path: Path, synapse: Synapse, *, is_encrypted: bool
) -> None:
    async with matrix_chat(tmp_path, synapse, is_encrypted=is_encrypted) as chat:
        await chat.start()
        await chat.say("mock:slow apricot")
        await chat.hears("apricot")
        for victim in (*_VICTIMS, f"sessions/matrix/{chat.room}"):
            lines = len(chat.it.log)
            done = await chat.it.debug("kill", victim)
            assert done.returncode == 0, done.stderr
            await chat.it.logged("actor.crashed", after=lines)
        await chat.say("!stop", "mock:fail apricot", "!rename quince", "mock:confirm apricot")
        question = await chat.finds("Shall the mock agent go on?")
        await chat.person.react(chat.room, question.event_id, "❌")
        await chat.person.send_file(chat.room, b"quince", name="quince.txt")
        await chat.person.edit(
            chat.room, await chat.person.send(chat.room, "apricot"), "an apricot"
        )
        await chat.say("apricots")
        await chat.hears("apricots")
        shown = [await _page(chat, words) for words in _PAGES]
        journal = await chat.end()
        secrets = [chat.bot.password, *_secrets(tmp_path / "matrix_store")]

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


def _secrets(folder: Path) -> list[str]:
    """Everything that the program keeps of its session and keys but what everybody may know."""
    found: list[str] = []
    for file in folder.glob("*.json"):
        kept = json.loads(file.read_text())
        found += [text for name, text in kept.items() if isinstance(text, str) and _is_secret(name)]
    recovery_key = folder / "recovery_key"
    return [*found, recovery_key.read_text().strip()] if recovery_key.exists() else found


def _is_secret(name: str) -> bool:
    return name not in {"user_id", "device_id", "homeserver"}
