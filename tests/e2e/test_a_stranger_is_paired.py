"""A stranger writes in a Matrix room; whoever runs the program lets them in."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import trio

from protocols.journal import RowState
from tests.e2e.matrix_chat import MatrixChat, matrix_chat
from tests.rigs.program import LIMIT
from tests.rigs.synapse import Synapse

_KNOCKS = 5
_MOST_WRONG_CODES = 10


@asynccontextmanager
async def _strange_chat(folder: Path, synapse: Synapse) -> AsyncIterator[MatrixChat]:
    """A room of an admin, with the bot and a stranger in it."""
    boss = await trio.to_thread.run_sync(synapse.person, "boss")
    settings = {"ACCESS_MODE": "pairing", "ADMINS": f"matrix:{boss.user_id}"}
    async with matrix_chat(folder, synapse, is_encrypted=False, **settings) as chat:
        chat.room = await boss.create_room([chat.bot.user_id, chat.person.user_id])
        await chat.person.join(chat.room)
        await chat.it.start()
        with trio.fail_after(LIMIT):
            await boss.watch_member(chat.room, chat.bot.user_id, "join")
        yield chat


async def test_a_stranger_gets_a_code_and_is_answered_once_it_was_used(
    tmp_path: Path, synapse: Synapse
) -> None:
    async with _strange_chat(tmp_path, synapse) as chat:
        await chat.say("apricot")
        (word,) = await chat.hears("debug pair")
        stranger = await _stranger(chat)
        done = await chat.it.debug("pair", stranger["code"])
        await chat.hears("You are in")
        await chat.say("quince")
        await chat.hears("quince")
        again = await chat.it.debug("pair", stranger["code"])
        journal = await chat.end()

    assert stranger["person"] == f"matrix:{chat.person.user_id}"
    assert stranger["code"] in word
    assert "apricot" not in word
    assert done.returncode == 0
    assert again.returncode != 0
    assert [row.state for row in journal.rows] == [RowState.REFUSED, RowState.ANSWERED]
    assert journal.faults == []


async def test_knocks_are_counted_and_answered_three_times_at_most(
    tmp_path: Path, synapse: Synapse
) -> None:
    async with _strange_chat(tmp_path, synapse) as chat:
        await chat.say(*[f"apricot {number}" for number in range(_KNOCKS)])
        await chat.hears("debug pair", times=3)
        with trio.fail_after(LIMIT):  # the last ones get no word: only the operator sees them
            while (await _stranger(chat))["attempts"] < _KNOCKS:
                pass
        heard = await chat.heard()
        journal = await chat.end()

    assert len(heard) == 3
    assert [row.state for row in journal.rows] == [RowState.REFUSED] * 3 + [RowState.IGNORED] * 2
    assert journal.faults == []


async def test_wrong_codes_are_limited(tmp_path: Path, synapse: Synapse) -> None:
    async with _strange_chat(tmp_path, synapse) as chat:
        await chat.say("apricot")
        await chat.hears("debug pair")
        wrong = [await chat.it.debug("pair", "AAAAAAAA") for _ in range(_MOST_WRONG_CODES)]

        right = await chat.it.debug("pair", (await _stranger(chat))["code"])

    assert all("no such code" in done.stdout + done.stderr for done in wrong)
    assert right.returncode != 0
    assert "too many wrong codes" in right.stdout + right.stderr


async def _stranger(chat: MatrixChat) -> dict[str, Any]:
    """The only stranger, as ``debug access`` shows them."""
    done = await chat.it.debug("access", "--json")
    (stranger,) = json.loads(done.stdout)["strangers"]
    return dict(stranger)
