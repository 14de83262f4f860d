"""A person whose room had its chat slot before this program existed."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.e2e.matrix_chat import matrix_chat
from tests.rigs.synapse import Synapse


@pytest.mark.parametrize(("slot", "following"), [('"C7"', "8"), ('{"slot": "C7"}', '{"next": 8}')])
async def test_a_database_of_the_earlier_program_is_taken_over(
    tmp_path: Path, synapse: Synapse, slot: str, following: str
) -> None:
    async with matrix_chat(tmp_path, synapse) as chat:
        keys = {
            f"matrix_room:{chat.room}": slot,
            f"matrix_user:{chat.person.user_id}": following,
        }
        _seed(tmp_path / "surfaces.db", keys)
        await chat.it.start()
        await chat.say("apricot", "!chats", "!new", "quince")
        heard = await chat.hears("quince")
        journal = await chat.end()

    chats = next(text for text in heard if "Your chats" in text)
    assert "C7" in chats
    assert [row.slot for row in journal.rows if row.run_id] == ["C7", "C7"]
    here = f"matrix_room:{chat.room}"
    assert "C7" in journal.keys[here]
    there = {key: slot for key, slot in journal.keys.items() if key.startswith("matrix_room:")}
    assert [slot for key, slot in there.items() if key != here] == ['"C8"']
    assert journal.keys[f"matrix_user:{chat.person.user_id}"] == "9"
    assert journal.faults == []


def _seed(database: Path, keys: dict[str, str]) -> None:
    with closing(sqlite3.connect(database)) as db, db:
        db.execute("CREATE TABLE kv(key TEXT PRIMARY KEY, value TEXT NOT NULL)")
        db.executemany("INSERT INTO kv VALUES (?, ?)", keys.items())
