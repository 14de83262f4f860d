"""Stories of keys on a real homeserver, with people whose client is not ours."""

from pathlib import Path

import pytest

from tests.actors.matrix.crypto.key_server import Json
from tests.actors.matrix.crypto.sealed_chat import SealedChat, sealed_bot, sealed_chat
from tests.rigs.matrix_faults import Fault, bad_gateway, garbage, reset, server_error, too_many
from tests.rigs.matrix_human import human
from tests.rigs.synapse import Synapse


async def test_words_go_both_ways(synapse: Synapse, tmp_path: Path) -> None:
    async with sealed_chat(synapse, tmp_path) as chat:
        await chat.ann.send(chat.room, "hello")
        await chat.bot.hear("hello")
        await chat.bot.say(chat.room, "hello yourself, мир")

        await chat.ann_reads("hello yourself, мир")

    assert chat.bot.missing == []


async def test_both_go_on_after_the_bot_was_restarted(synapse: Synapse, tmp_path: Path) -> None:
    async with sealed_chat(synapse, tmp_path / "first") as chat:
        await chat.ann.send(chat.room, "one")
        await chat.bot.hear("one")
        await chat.bot.say(chat.room, "two")
        chat.bot.vault.close()
        await chat.ann.send(chat.room, "three")

        async with sealed_bot(
            chat.proxy.url, tmp_path / "first", chat.bot.account, since=chat.bot.since
        ) as again:
            await again.hear("three")
            await again.say(chat.room, "four")
            await chat.ann_reads("two", "four")

    assert again.missing == []


async def test_a_late_joiner_and_a_new_device_read_from_then_on(
    synapse: Synapse, tmp_path: Path
) -> None:
    async with sealed_chat(synapse, tmp_path) as chat:
        await chat.bot.say(chat.room, "one")
        ben = await human(synapse, "ben")
        await chat.ann.invite(chat.room, ben.user_id)
        await ben.join(chat.room)
        laptop = await chat.ann.on_another_device()
        await chat.bot.say(chat.room, "two")

        await chat.ann_reads("one", "two")
        shown = await ben.watch(chat.room, lambda shown: any(one.text == "two" for one in shown))
        await laptop.watch(chat.room, lambda shown: any(one.text == "two" for one in shown))

        await ben.send(chat.room, "from ben")
        await laptop.send(chat.room, "from the laptop")
        await chat.bot.hear("from the laptop")

    assert [one.is_readable for one in shown if one.sender == chat.bot.account.user_id] == [
        False,
        True,
    ]
    assert chat.bot.read == ["from ben", "from the laptop"]


async def test_who_was_asked_in_reads_what_was_said_before_they_came(
    synapse: Synapse, tmp_path: Path
) -> None:
    async with sealed_chat(synapse, tmp_path) as chat:
        ben = await human(synapse, "ben")
        await chat.ann.invite(chat.room, ben.user_id)
        await chat.bot.say(chat.room, "welcome")
        await ben.join(chat.room)

        await chat.ann_reads("welcome", by=ben)


async def test_who_left_and_a_deleted_device_get_no_more_keys(
    synapse: Synapse, tmp_path: Path
) -> None:
    async with sealed_chat(synapse, tmp_path) as chat:
        ben = await human(synapse, "ben")
        await chat.ann.invite(chat.room, ben.user_id)
        await ben.join(chat.room)
        laptop = await chat.ann.on_another_device()
        await chat.bot.say(chat.room, "one")
        await ben.request("POST", f"/rooms/{chat.room}/leave", {})
        await chat.bot.say(chat.room, "two")
        await laptop.request("POST", "/logout", {})
        await chat.bot.say(chat.room, "three")

        await chat.ann_reads("one", "two", "three")
        sessions = await _sessions(chat)

    assert len(set(sessions)) == 3


async def test_claims_that_empty_the_pool_are_made_up_for(synapse: Synapse, tmp_path: Path) -> None:
    async with sealed_chat(synapse, tmp_path) as chat:
        user, device = chat.bot.account.user_id, chat.bot.account.device_id
        claim = {"one_time_keys": {user: {device: "signed_curve25519"}}}
        keys = set()
        for _ in range(60):
            found = await chat.ann.request("POST", "/keys/claim", claim)
            (key,) = found["one_time_keys"][user][device].values()
            keys.add(key["key"])
        await chat.bot.sync()
        await chat.proxy.until("keys/upload", 2)
        counts = (await chat.bot.sync())["device_one_time_keys_count"]

        laptop = await chat.ann.on_another_device()
        await laptop.send(chat.room, "with a fresh key")
        await chat.bot.hear("with a fresh key")

    assert len(keys) == 51  # the fallback key was given out when the others were gone
    assert counts["signed_curve25519"] >= 49


FAULTS = {
    "500": server_error(),
    "502": bad_gateway(after=True),
    "429": too_many(0.3),
    "reset": reset(after=True),
    "garbage": garbage(),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
@pytest.mark.parametrize("name", ["keys/upload", "keys/query", "keys/claim", "sendToDevice"])
async def test_every_message_is_readable_whatever_request_fails(
    synapse: Synapse, tmp_path: Path, name: str, fault: Fault
) -> None:
    async with sealed_chat(synapse, tmp_path) as chat:
        chat.proxy.fail(fault, name, times=2)
        await chat.ann.send(chat.room, "asked")
        await chat.bot.hear("asked")
        for text in ("one", "two"):
            await chat.bot.say(chat.room, text)
        await chat.ann_reads("one", "two")

    assert chat.bot.missing == []
    assert not chat.proxy.in_penalty


async def _sessions(chat: SealedChat) -> list[str]:
    events: list[Json] = await chat.ann.events(chat.room)
    return [
        event["content"]["session_id"]
        for event in events
        if event["type"] == "m.room.encrypted" and event["sender"] == chat.bot.account.user_id
    ]
