from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio
from attrs import frozen

from tests.rigs.matrix_human import Human, human
from tests.rigs.matrix_shown import UNREADABLE, Shown
from tests.rigs.matrix_signatures import Signer, is_cross_signed
from tests.rigs.synapse import Json, Synapse


@frozen
class Pair:
    """Two people in one room."""

    ann: Human
    ben: Human
    room: str

    async def until(self, *texts: str) -> list[Shown]:
        """What Ben sees, as soon as it is *texts*."""
        return await self.ben.watch(
            self.room, lambda shown: [one.text for one in shown] == list(texts)
        )


@asynccontextmanager
async def pair(synapse: Synapse, *, is_encrypted: bool = True) -> AsyncIterator[Pair]:
    with trio.fail_after(30):
        ann, ben = await human(synapse, "ann"), await human(synapse, "ben")
        room = await ann.create_room([ben.user_id], is_encrypted=is_encrypted)
        await ben.join(room)
        yield Pair(ann, ben, room)
    assert ann.device.complaints == ben.device.complaints == []


@pytest.mark.parametrize("is_encrypted", [False, True])
async def test_people_read_each_other(synapse: Synapse, *, is_encrypted: bool) -> None:
    async with pair(synapse, is_encrypted=is_encrypted) as two:
        await two.ann.send(two.room, "hello")
        await two.ben.send(two.room, "hello yourself")

        shown = await two.until("hello", "hello yourself")

    assert [one.is_encrypted for one in shown] == [is_encrypted] * 2


async def test_in_an_encrypted_room_nothing_is_readable_for_the_server(synapse: Synapse) -> None:
    async with pair(synapse) as two:
        await two.ann.send(two.room, "apricot")
        await two.ann.send_file(two.room, b"quince", name="plum.txt")

        raw = str(await two.ann.events(two.room))

    assert not any(word in raw for word in ("apricot", "quince", "plum"))


@pytest.mark.parametrize("is_encrypted", [False, True])
async def test_edits_replies_threads_and_reactions_are_seen_as_such(
    synapse: Synapse, *, is_encrypted: bool
) -> None:
    async with pair(synapse, is_encrypted=is_encrypted) as two:
        first = await two.ann.send(two.room, "helo")
        await two.ann.edit(two.room, first, "hello")
        await two.ben.edit(two.room, first, "forged")
        await two.ann.reply(two.room, first, "an answer")
        await two.ann.reply_in_thread(two.room, first, "a thread")
        await two.ben.react(two.room, first, "✅")

        shown = await two.until("hello", "an answer", "a thread")
        below = await two.ann.reactions(two.room)

    assert [one.edits for one in shown] == [1, 0, 0]
    assert shown[-2].reply_to == shown[-1].thread == first
    assert shown[-1].reply_to == ""
    assert below == {first: {"✅": [two.ben.user_id]}}


@pytest.mark.parametrize("is_encrypted", [False, True])
async def test_a_file_arrives_as_it_was_sent(synapse: Synapse, *, is_encrypted: bool) -> None:
    async with pair(synapse, is_encrypted=is_encrypted) as two:
        await two.ann.send_file(
            two.room, b"\x00picture", name="a.png", kind="m.image", mime_type="image/png"
        )

        (shown,) = await two.until("a.png")
        data = await two.ben.download(shown)

    assert data == b"\x00picture"
    assert shown.content["info"]["mimetype"] == "image/png"
    assert ("file" in shown.content) == is_encrypted


async def test_a_message_that_is_taken_back_is_shown_no_more(synapse: Synapse) -> None:
    async with pair(synapse) as two:
        first = await two.ann.send(two.room, "oh no")
        await two.ann.edit(two.room, first, "oh dear")
        below = await two.ben.react(two.room, first, "✅")
        await two.ann.send(two.room, "oh yes")
        await two.until("oh dear", "oh yes")

        await two.ann.redact(two.room, first)
        await two.ben.redact(two.room, below)

        await two.until("oh yes")
        assert await two.ann.reactions(two.room) == {}


async def test_a_new_device_reads_what_comes_after_it(synapse: Synapse) -> None:
    async with pair(synapse) as two:
        await two.ann.send(two.room, "before")
        await two.until("before")
        other = await two.ben.on_another_device()

        await two.ann.send(two.room, "after")
        await two.ben.send(two.room, "from my first device")

        await two.until("before", "after", "from my first device")
        shown = await other.seen(two.room)

    assert [one.kind for one in shown] == [UNREADABLE, "m.text", "m.text"]


async def test_a_late_joiner_reads_what_comes_after_them(synapse: Synapse) -> None:
    async with pair(synapse) as two:
        await two.ann.send(two.room, "before")
        cid = await human(synapse, "cid")
        await two.ann.invite(two.room, cid.user_id)
        await cid.join(two.room)

        await two.ann.send(two.room, "after")

        shown = await cid.watch(two.room, lambda seen: seen[-1:] != [] and seen[-1].is_readable)

    assert [one.is_readable for one in shown] == [False, True]


async def test_who_has_left_gets_no_key(synapse: Synapse) -> None:
    async with pair(synapse) as two:
        first = await two.ann.share_keys(two.room)
        await two.ben.leave(two.room)

        second = await two.ann.share_keys(two.room)

    assert two.ben.device.curve25519 in first.holders
    assert second.holders == set()


async def test_a_key_is_used_for_so_many_messages(synapse: Synapse) -> None:
    async with pair(synapse) as two:
        two.ann.rotation = 2
        await two.ann.send_many(two.room, "abc")

        shown = await two.until("a", "b", "c")

    assert (
        len(
            {
                event["content"].get("session_id")
                for event in await two.ann.events(two.room)
                if event["type"] == "m.room.encrypted"
            }
        )
        == 2
    )
    assert len(shown) == 3


async def test_keys_that_were_kept_back_open_what_came_before_them(synapse: Synapse) -> None:
    async with pair(synapse) as two:
        two.ann.keeps_keys = True
        await two.ann.send(two.room, "first")
        await two.ann.send(two.room, "second")
        before = await two.ben.seen(two.room)

        await two.ann.hand_over_keys(two.room)

        await two.until("first", "second")

    assert [one.is_readable for one in before] == [False, False]


async def test_a_key_behind_more_letters_than_one_answer_holds_arrives(synapse: Synapse) -> None:
    async with pair(synapse) as two:
        letter: Json = {two.ben.user_id: {two.ben.account.device_id: {}}}
        for number in range(101):
            path = f"/sendToDevice/m.dummy/x{number}"
            await two.ann.request("PUT", path, {"messages": letter})

        await two.ann.send(two.room, "hello")

        await two.until("hello")


async def test_a_strict_person_tells_an_unsigned_device_that_it_gets_no_keys(
    synapse: Synapse,
) -> None:
    async with pair(synapse) as two:
        two.ann.is_strict = True
        await two.ann.send(two.room, "for signed devices")
        await two.ben.send(two.room, "from an unsigned one")

        (seen_by_ben, own) = await two.ben.seen(two.room)
        seen_by_ann = (await two.ann.seen(two.room))[-1]

    assert list(two.ben.device.withheld.values()) == ["m.unverified"]
    assert not seen_by_ben.is_readable
    assert own.is_readable
    assert not seen_by_ann.is_readable


async def test_a_strict_person_talks_with_a_device_that_its_owner_has_signed(
    synapse: Synapse,
) -> None:
    async with pair(synapse) as two:
        two.ann.is_strict = two.ben.is_strict = True
        await two.ann.sign_device()
        await two.ben.send(two.room, "kept")
        await two.ben.sign_device()
        await two.ann.send(two.room, "for signed devices")
        await two.ben.send(two.room, "from a signed one")

        shown = await two.until("kept", "for signed devices", "from a signed one")
        seen_by_ann = await two.ann.seen(two.room)

    assert [one.is_trusted for one in shown if one.sender == two.ann.user_id] == [True]
    assert [one.is_readable for one in seen_by_ann] == [True, True, True]


async def test_a_signature_of_somebody_elses_key_is_none(synapse: Synapse) -> None:
    async with pair(synapse) as two:
        await two.ann.sign_device()
        ann, device = two.ann.user_id, two.ann.account.device_id
        true = await two.ann.request("POST", "/keys/query", {"device_keys": {ann: []}})
        forger = Signer()
        key = {"self_signing_keys": {ann: forger.published(ann, "self_signing")}}
        signed = forger.signed(true["device_keys"][ann][device], ann)

        assert is_cross_signed(true, ann, device)
        assert not is_cross_signed(true | key, ann, device)
        forged = true | key | {"device_keys": {ann: {device: signed}}}
        assert not is_cross_signed(forged, ann, device)
        assert not is_cross_signed(true, two.ben.user_id, two.ben.account.device_id)
