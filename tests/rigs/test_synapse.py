import pytest
import trio

from tests.rigs.synapse import MatrixRefusedError, Synapse


async def test_a_person_reads_what_another_wrote(synapse: Synapse) -> None:
    alice, bob = synapse.person("alice"), synapse.person("bob")
    room = await alice.create_room(invite=[bob.user_id])
    await bob.join(room)

    await alice.send(room, "hello")

    with trio.fail_after(20):
        assert await bob.watch_answers(room, alice.user_id, 1) == ["hello"]


async def test_an_edit_is_seen_in_the_place_of_its_message(synapse: Synapse) -> None:
    alice = synapse.person("alice")
    room = await alice.create_room()
    first = await alice.send(room, "helo")
    await alice.send(room, "second")

    await alice.send_content(
        room,
        {
            "msgtype": "m.text",
            "body": "* hello",
            "m.new_content": {"msgtype": "m.text", "body": "hello"},
            "m.relates_to": {"rel_type": "m.replace", "event_id": first},
        },
    )

    seen = await alice.seen(room)
    assert [(shown.text, shown.edits) for shown in seen] == [("hello", 1), ("second", 0)]


async def test_encryption_is_part_of_an_encrypted_rooms_state(synapse: Synapse) -> None:
    alice = synapse.person("alice")
    later = await alice.create_room()

    room = await alice.create_room(is_encrypted=True)
    await alice.encrypt(later)

    for one in (room, later):
        kinds = [event["type"] for event in await alice.events(one)]
        assert "m.room.encryption" in kinds


async def test_a_limited_account_is_told_to_wait(synapse: Synapse) -> None:
    alice = synapse.person("alice")
    room = await alice.create_room()
    synapse.limit_messages(alice.user_id, per_second=1, burst=1)

    with pytest.raises(MatrixRefusedError, match="429 M_LIMIT_EXCEEDED"):
        await alice.send_many(room, map(str, range(5)))


async def test_a_kicked_person_is_seen_as_gone(synapse: Synapse) -> None:
    alice, bob = synapse.person("alice"), synapse.person("bob")
    room = await alice.create_room()
    await alice.invite(room, bob.user_id)
    await bob.join(room)

    await alice.kick(room, bob.user_id)

    with trio.fail_after(20):
        content = await alice.watch_member(room, bob.user_id, "leave")
    assert content["membership"] == "leave"
