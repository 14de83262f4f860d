"""What the surface hears on a real homeserver, from people whose clients encrypt."""

import json
from functools import partial
from pathlib import Path

import pytest
import trio
from attrs import evolve

from actors.matrix.api.client import MatrixClient
from actors.matrix.settings import MatrixSettings
from actors.words import Word, say
from protocols.files import FileKind
from protocols.ids import Language, RemoteId, RoomId
from protocols.journal import Row
from tests.actors.matrix.gateway import Gateway, gateway_on
from tests.rigs.matrix_human import Human, human
from tests.rigs.synapse import Synapse

SOON = 60.0


async def talk_in(gateway: Gateway, person: Human, *, is_encrypted: bool, is_direct: bool) -> str:
    """A room where *person* and the bot have said hello."""
    bot = gateway.settings.user_id
    room = await person.create_room([bot], is_encrypted=is_encrypted, is_direct=is_direct)
    await person.watch_member(room, bot, "join")
    await person.mention(room, bot, "hello")
    await person.watch_answers(room, bot, 1)
    return room


def rows(gateway: Gateway) -> list[Row]:
    return list(gateway.journal.rows.values())


async def until_heard(gateway: Gateway, person: Human, number: int) -> None:
    """Wait until the journal has *number* rows."""
    while len(rows(gateway)) < number:
        await person.next_change()


@pytest.mark.parametrize("is_encrypted", [False, True])
async def test_all_that_a_person_does_in_a_direct_chat_is_heard(
    synapse: Synapse, tmp_path: Path, *, is_encrypted: bool
) -> None:
    gateway, alice = gateway_on(synapse, tmp_path), await human(synapse, "alice")
    bot = gateway.settings.user_id

    with trio.fail_after(SOON):
        async with gateway.running():
            room = await talk_in(gateway, alice, is_encrypted=is_encrypted, is_direct=True)
            first = await alice.send(room, "one")
            second = await alice.reply(room, first, "two")
            await alice.edit(room, second, "two, really")
            await alice.reply_in_thread(room, first, "in a thread")
            await alice.send_file(
                room, b"GIF89a", name="cat.gif", mime_type="image/gif", kind="m.image"
            )
            await until_heard(gateway, alice, 6)
            await alice.redact(room, first)
            await until_heard(gateway, alice, 7)

    _, one, two, edited, inside, picture, redacted = rows(gateway)
    assert [one.text, two.text, edited.text] == ["one", "> one\n\ntwo", "> one\n\ntwo, really"]
    assert edited.edits == RemoteId(second)
    assert (inside.text, inside.thread_id) == ("in a thread", first)
    (file,) = picture.files
    assert (file.name, file.kind) == ("cat.gif", FileKind.PHOTO)
    assert file.handle.startswith("{" if is_encrypted else "mxc://")
    assert not is_encrypted or json.loads(file.handle)["url"].startswith("mxc://")
    assert redacted.redacts == RemoteId(first)
    assert not any(row.is_shared for row in rows(gateway))
    assert all(row.sender == f"matrix:{alice.user_id}" for row in rows(gateway))
    assert await direct_of(gateway, bot) == {alice.user_id: [room]}


async def direct_of(gateway: Gateway, bot: str) -> object:
    """The bot's list of direct chats, as the server has it."""
    kept = json.loads((gateway.settings.store_path / "session.json").read_text())
    synapse = Synapse(gateway.settings.homeserver, Path())
    path = f"/_matrix/client/v3/user/{bot}/account_data/m.direct"
    ask = partial(synapse.request, "GET", path, token=kept["access_token"])
    return await trio.to_thread.run_sync(ask)


@pytest.mark.parametrize("is_encrypted", [False, True])
async def test_in_a_group_only_mentions_and_replies_are_heard(
    synapse: Synapse, tmp_path: Path, *, is_encrypted: bool
) -> None:
    gateway, alice = gateway_on(synapse, tmp_path), await human(synapse, "alice")
    bot = gateway.settings.user_id

    with trio.fail_after(SOON):
        async with gateway.running():
            room = await talk_in(gateway, alice, is_encrypted=is_encrypted, is_direct=False)
            answer = next(one for one in await alice.seen(room) if one.sender == bot)
            await alice.send(room, "an aside")
            await alice.reply(room, answer.event_id, "why?")
            await alice.mention(room, bot, "the end")
            await until_heard(gateway, alice, 3)

    assert [row.text.partition("\n\n")[2] or row.text for row in rows(gateway)][1] == "why?"
    assert len(rows(gateway)) == 3
    assert all(row.is_shared for row in rows(gateway))


async def test_a_message_whose_key_comes_late_is_told_of_and_answered_when_it_has_come(
    synapse: Synapse, tmp_path: Path
) -> None:
    gateway, alice = gateway_on(synapse, tmp_path), await human(synapse, "alice")
    gateway.settings = _quick(gateway.settings)
    bot = gateway.settings.user_id

    with trio.fail_after(SOON):
        async with gateway.running():
            room = await alice.create_room([bot], is_encrypted=True)
            await alice.watch_member(room, bot, "join")
            alice.keeps_keys = True
            await alice.send(room, "can you read this?")
            (told,) = await alice.watch_answers(room, bot, 1)
            alice.keeps_keys = False
            await alice.hand_over_keys(room)
            answers = await alice.watch_answers(room, bot, 2)

    assert told in (
        say(Word.UNDECRYPTABLE, Language("")),
        say(Word.KEY_WITHHELD, Language("")),
    )
    assert answers[1] == "echo: can you read this?"
    assert not any(key.startswith("matrix_sealed:") for key in gateway.journal.keys)


def _quick(settings: MatrixSettings) -> MatrixSettings:
    return evolve(settings, pace=evolve(settings.pace, key_within=0.5))


async def test_what_was_written_encrypted_while_we_were_down_is_heard_in_order(
    synapse: Synapse, tmp_path: Path
) -> None:
    gateway, alice = gateway_on(synapse, tmp_path), await human(synapse, "alice")
    gateway.connect = partial(MatrixClient, window=10)
    texts = [f"m{number}" for number in range(25)]

    with trio.fail_after(2 * SOON):
        async with gateway.running(is_killed=True):
            room = await talk_in(gateway, alice, is_encrypted=True, is_direct=True)
        await alice.send_many(room, texts)
        async with gateway.running():
            await alice.watch_answers(room, gateway.settings.user_id, 26)

    assert [row.text for row in rows(gateway)][1:] == texts
    seen = await alice.seen(room)
    assert all(one.is_encrypted and one.is_readable for one in seen)


@pytest.mark.parametrize("is_encrypted", [False, True])
async def test_the_bot_follows_an_upgraded_room(
    synapse: Synapse, tmp_path: Path, *, is_encrypted: bool
) -> None:
    gateway, alice = gateway_on(synapse, tmp_path), await human(synapse, "alice")
    bot = gateway.settings.user_id

    with trio.fail_after(SOON):
        async with gateway.running():
            room = await talk_in(gateway, alice, is_encrypted=is_encrypted, is_direct=True)
            new = await alice.upgrade(room)
            if not is_encrypted:  # else only those who are there get the key
                await alice.send(new, "are you coming?")
            await alice.invite(new, bot)
            await alice.watch_member(new, bot, "join")
            if is_encrypted:
                await alice.send(new, "you are there")
            await alice.watch_answers(new, bot, 1)

    assert [row.room for row in rows(gateway)] == [RoomId(f"matrix/{room}")] * 2
    assert gateway.journal.keys == {f"matrix_moved:{new}": room}
    assert [row.is_shared for row in rows(gateway)] == [False, False]


async def test_messages_are_shown_as_read(synapse: Synapse, tmp_path: Path) -> None:
    gateway, alice = gateway_on(synapse, tmp_path), await human(synapse, "alice")
    bot = gateway.settings.user_id

    with trio.fail_after(SOON):
        async with gateway.running():
            room = await talk_in(gateway, alice, is_encrypted=False, is_direct=True)
            event_id = await alice.send(room, "read me")
            receipts = ""
            while not (event_id in receipts and bot in receipts):
                page = await alice.next_change()
                rooms = page.get("rooms", {}).get("join", {})
                receipts += str(rooms.get(room, {}).get("ephemeral"))


async def test_a_bot_of_an_earlier_version_knows_its_direct_chats(
    synapse: Synapse, tmp_path: Path
) -> None:
    gateway, alice = gateway_on(synapse, tmp_path), await human(synapse, "alice")
    bot = gateway.settings.user_id

    with trio.fail_after(SOON):
        async with gateway.running():
            room = await talk_in(gateway, alice, is_encrypted=False, is_direct=True)
        kept = json.loads((gateway.settings.store_path / "session.json").read_text())
        forget = partial(
            synapse.request,
            "PUT",
            f"/_matrix/client/v3/user/{bot}/account_data/m.direct",
            {},
            token=kept["access_token"],
        )
        await trio.to_thread.run_sync(forget)
        async with gateway.running():
            await alice.send(room, "still between us?")
            await alice.watch_answers(room, bot, 2)

    assert [row.is_shared for row in rows(gateway)] == [False, False]
    assert await direct_of(gateway, bot) == {alice.user_id: [room]}
