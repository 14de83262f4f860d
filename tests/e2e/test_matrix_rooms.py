"""A person's rooms on Matrix: new ones for new chats, and one that is upgraded."""

from pathlib import Path
from urllib.parse import quote

import pytest
import trio

from tests.e2e.matrix_chat import EITHER, MatrixChat, matrix_chat
from tests.rigs.program import LIMIT
from tests.rigs.synapse import Json, Synapse


@EITHER
async def test_a_new_chat_is_a_room_of_its_own_in_the_persons_space(
    tmp_path: Path, synapse: Synapse, *, is_encrypted: bool
) -> None:
    async with matrix_chat(tmp_path, synapse, is_encrypted=is_encrypted) as chat:
        await chat.start()
        await chat.say("in-the-first", "!new Holiday plans")
        said = await chat.hears("go on there")
        invited = await _invitations(chat, 2)
        for room in invited:
            await chat.person.join(room)
        (space,) = [room for room in invited if await _kind(chat, room) == "m.space"]
        (new,) = invited - {space}
        await chat.hears("Just write", room=new)
        await chat.say("in-the-second", room=new)
        second = await chat.finds("in-the-second", room=new)
        await chat.say("!chats")
        chats = await chat.finds("Your chats")
        children = await _children(chat, space)
        name = await _state(chat, new, "m.room.name")
        parent = await _state(chat, new, f"m.space.parent/{quote(space)}")
        journal = await chat.end()

    assert second.is_encrypted == is_encrypted
    assert name["name"] == "Holiday plans"
    assert {chat.room, new} <= children
    assert parent["via"] == ["synapse.test"]
    link = f"https://matrix.to/#/{quote(new, safe='')}?via=synapse.test"
    assert any(link in text for text in (*said, chats.html))
    slots = {row.text: row.slot for row in journal.rows if row.run_id is not None}
    assert slots == {"in-the-first": "C1", "in-the-second": "C2"}


@pytest.mark.full
async def test_a_new_room_is_made_once_whatever_is_killed_meanwhile(
    tmp_path: Path, synapse: Synapse
) -> None:
    async with matrix_chat(tmp_path, synapse, is_encrypted=True) as chat:
        await chat.start()
        await chat.say("!new")
        await chat.it.kill()
        await chat.it.start()
        await _invitations(chat, 1)
        await chat.it.kill()
        await chat.it.start()
        await chat.hears("go on there")
        await chat.say("the-last-word")
        await chat.hears("the-last-word")
        invited = await _invitations(chat, 2)
        await chat.end()
    assert len(invited) == 2


@EITHER
async def test_an_upgraded_room_is_followed_and_keeps_its_chat(
    tmp_path: Path, synapse: Synapse, *, is_encrypted: bool
) -> None:
    async with matrix_chat(tmp_path, synapse, is_encrypted=is_encrypted) as chat:
        await chat.start()
        await chat.say("before-it", "mock:hang")
        await chat.hears("I begin to answer")

        new = await chat.person.upgrade(chat.room)
        await chat.person.invite(new, chat.bot.user_id)
        await chat.joined(new)
        await chat.say("!stop", room=new)
        await chat.say("behind-it", room=new)
        await chat.hears("behind-it", room=new)
        await chat.it.kill()
        await chat.it.start()
        await chat.say("after-a-kill", room=new)
        behind = await chat.finds("after-a-kill", room=new)
        journal = await chat.end()

    assert behind.is_encrypted == is_encrypted
    slots = {row.text: row.slot for row in journal.rows if row.run_id is not None}
    assert set(slots.values()) == {"C1"}
    assert {row.room for row in journal.rows} == {f"matrix/{chat.room}"}


async def _invitations(chat: MatrixChat, number: int) -> set[str]:
    """The rooms that the person was asked into, once they are so many."""
    with trio.fail_after(LIMIT):
        while len(chat.person.invitations) < number:
            await chat.person.next_change()
    return chat.person.invitations


async def _state(chat: MatrixChat, room: str, kind: str) -> Json:
    return await chat.person.request("GET", f"/rooms/{quote(room)}/state/{kind}")


async def _kind(chat: MatrixChat, room: str) -> str:
    return str((await _state(chat, room, "m.room.create")).get("type", ""))


async def _children(chat: MatrixChat, space: str) -> set[str]:
    """The rooms that *space* holds, once it holds two."""
    with trio.fail_after(LIMIT):
        while True:
            events = await chat.person.events(space)
            found = {
                event["state_key"]
                for event in events
                if event["type"] == "m.space.child" and event["content"].get("via")
            }
            if len(found) >= 2:
                return found
            await chat.person.next_change()
