"""Group rooms on Matrix: the bot answers what is for it, and joins whom it knows."""

from pathlib import Path

import pytest

from tests.e2e.matrix_chat import EITHER, matrix_chat
from tests.rigs.matrix_human import human
from tests.rigs.synapse import Synapse


@EITHER
async def test_in_a_group_only_what_is_for_the_bot_is_answered(
    tmp_path: Path, synapse: Synapse, *, is_encrypted: bool
) -> None:
    async with matrix_chat(tmp_path, synapse) as chat:
        ben, bot = await human(synapse, "ben"), chat.bot.user_id
        await chat.start()
        group = await chat.open_room(ben, is_encrypted=is_encrypted, is_direct=False)
        localpart = bot[1:].partition(":")[0]
        theirs = await chat.person.send(group, "talk-one among us")
        await ben.send(group, f"talk-two, {localpart}ish")
        await ben.reply(group, theirs, "talk-three")
        await chat.person.send(group, "!status talk-four")
        await chat.person.mention(group, ben.user_id, "talk-five")
        await ben.mention(group, bot, "mention-one, by its id")
        first = await chat.finds("mention-one", room=group, by=ben)
        await chat.person.send(group, f"{localpart}: mention-two, by its name")
        await chat.finds("mention-two", room=group)
        await chat.person.mention(group, bot, "!status")
        ours = await chat.finds("Ready.", room=group)
        await chat.person.reply(group, ours.event_id, "reply-one")
        said = await chat.hears("reply-one", room=group)
        await ben.send_content(group, {"msgtype": "m.notice", "body": f"{localpart}: from a bot"})
        await chat.say("in-private")
        await chat.hears("in-private")
        journal = await chat.end()

    assert len(said) == 4
    assert first.reply_to
    assert first.content.get("m.mentions", {}).get("user_ids") == [ben.user_id]
    assert not any("talk-" in text for text in said)
    assert not any("from a bot" in row.text for row in journal.rows)
    assert {row.is_shared for row in journal.rows if "mention" in row.text} == {True}
    assert {row.is_shared for row in journal.rows if "private" in row.text} == {False}


@pytest.mark.full
async def test_where_all_is_for_the_bot_each_message_is_answered(
    tmp_path: Path, synapse: Synapse
) -> None:
    async with matrix_chat(tmp_path, synapse, MATRIX_GROUP_MODE="all") as chat:
        ben = await human(synapse, "ben")
        await chat.start()
        group = await chat.open_room(ben, is_encrypted=True, is_direct=False)
        await ben.send(group, "just-like-that")
        await chat.finds("just-like-that", room=group, by=ben)
        await chat.end()


@EITHER
async def test_an_invitation_that_came_while_down_is_accepted_and_a_strangers_is_not(
    tmp_path: Path, synapse: Synapse, *, is_encrypted: bool
) -> None:
    stranger, owner = await human(synapse, "stranger"), await human(synapse, "owner")
    async with matrix_chat(
        tmp_path,
        synapse,
        is_encrypted=is_encrypted,
        ACCESS_MODE="allowlist",
        MATRIX_ALLOWED_USERS=owner.user_id,
    ) as chat:
        chat.person = owner
        chat.room = await owner.create_room([chat.bot.user_id], is_encrypted=is_encrypted)
        await chat.start()
        await chat.it.end()

        late = await owner.create_room([chat.bot.user_id], is_encrypted=is_encrypted)
        unwanted = await stranger.create_room([chat.bot.user_id], is_encrypted=is_encrypted)
        await chat.it.start()
        await chat.joined(late)
        await chat.say("came-while-down", room=late)
        await chat.hears("came-while-down", room=late)
        its = (await stranger.members(unwanted))[chat.bot.user_id]["membership"]
        shown = await chat.it.debug("access")
        await chat.end()
    assert its in {"invite", "leave"}
    assert stranger.user_id in shown.stdout


@EITHER
async def test_who_put_the_bot_out_and_asks_it_back_finds_the_same_chat(
    tmp_path: Path, synapse: Synapse, *, is_encrypted: bool
) -> None:
    async with matrix_chat(tmp_path, synapse, is_encrypted=is_encrypted) as chat:
        await chat.start()
        await chat.say("before-that")
        await chat.hears("before-that")
        await chat.say("mock:hang")
        await chat.hears("I begin to answer")
        await chat.person.kick(chat.room, chat.bot.user_id)
        await chat.it.logged("room.closed")
        await chat.say("while-it-was-away")
        await chat.person.invite(chat.room, chat.bot.user_id)
        await chat.joined(chat.room)
        await chat.say("back-again")
        said = await chat.hears("back-again")
        journal = await chat.end()

    assert not any("while-it-was-away" in text for text in said[:-1])
    slots = {row.text: row.slot for row in journal.rows}
    assert slots["before-that"] == slots["back-again"] == "C1"
