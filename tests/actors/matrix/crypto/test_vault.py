"""Words under keys: two parties, each with our own vault, over a server in memory."""

from pathlib import Path

import pytest
import trio
import trio.testing

from actors.matrix.api.replies import Limited, Refused, TokenRefused, Unreachable
from actors.matrix.crypto.port import Broken, KeyMissing, NotSealed, Opened, Sealed, Vault
from actors.matrix.crypto.vault import VaultClosedError
from tests.actors.matrix.crypto.key_server import ROOM, KeyServer, Party, opened, party

ANN = "@ann:fake"
SERVER_BUSY = Unreachable("502 M_UNKNOWN")


@pytest.fixture
def server() -> KeyServer:
    return KeyServer()


@pytest.fixture
async def bot(server: KeyServer, nursery: trio.Nursery, tmp_path: Path) -> Party:
    return await opened(nursery, server, tmp_path)


@pytest.fixture
async def ann(server: KeyServer, nursery: trio.Nursery, tmp_path: Path) -> Party:
    return await opened(nursery, server, tmp_path, ANN, "PHONE")


async def test_everybody_in_the_room_reads_what_was_sealed(bot: Party, ann: Party) -> None:
    event = await bot.say("hello, мир")
    await ann.hear()
    answer = await ann.say("hello, bot")
    await bot.hear()

    assert ann.read(event) == "hello, мир"
    assert bot.read(answer) == "hello, bot"
    assert "hello" not in str(event)


async def test_an_opened_event_is_the_event_as_it_would_have_been(bot: Party, ann: Party) -> None:
    relation = {"rel_type": "m.thread", "event_id": "$root"}
    content = {"msgtype": "m.text", "body": "hi", "m.relates_to": relation}
    sealed = await ann.vault.seal(ROOM, "m.room.message", content)
    assert isinstance(sealed, Sealed)
    event = ann.event(sealed.content) | {"unsigned": {"age": 5}}
    await bot.hear()

    found = bot.vault.unseal(ROOM, event)

    assert sealed.content["m.relates_to"] == relation
    assert found == Opened(event | {"type": "m.room.message", "content": content})


async def test_a_relation_that_stands_outside_alone_is_kept(bot: Party, ann: Party) -> None:
    event = await ann.say("hi")
    event["content"]["m.relates_to"] = {"rel_type": "m.thread", "event_id": "$root"}
    await bot.hear()

    found = bot.vault.unseal(ROOM, event)

    assert isinstance(found, Opened)
    assert found.event["content"]["m.relates_to"]["event_id"] == "$root"


async def test_words_of_any_language_stay_as_long_as_they_are(bot: Party) -> None:
    sealed = await bot.seal("ж" * 20_000)

    assert isinstance(sealed, Sealed)
    assert len(sealed.content["ciphertext"]) < 20_000 * 2 * 1.4


async def test_half_a_surrogate_is_sealed_as_a_question_mark(bot: Party, ann: Party) -> None:
    event = await bot.say("a\ud800b")
    await ann.hear()

    assert ann.read(event) == "a?b"


async def test_a_key_is_shared_once_and_asked_for_no_more(bot: Party, ann: Party) -> None:
    await bot.say("one")
    before = len(bot.client.calls)

    event = await bot.say("two")

    await ann.hear()
    assert len(bot.client.calls) == before
    assert ann.read(event) == "two"


async def test_a_key_that_comes_late_is_named(bot: Party, ann: Party) -> None:
    event = await ann.say("hi")

    missing = bot.vault.unseal(ROOM, event)
    assert bot.vault.take_new_keys() == frozenset()
    await bot.hear()

    assert missing == KeyMissing(event["content"]["session_id"])
    assert bot.vault.take_new_keys() == {event["content"]["session_id"]}
    assert bot.vault.take_new_keys() == frozenset()
    assert bot.read(event) == "hi"


async def test_a_key_that_is_withheld_is_said_to_be(
    server: KeyServer, bot: Party, ann: Party
) -> None:
    server.enter("@bot:fake", step="leave")
    event = await ann.say("not for you")
    session = event["content"]["session_id"]
    content = {"room_id": ROOM, "session_id": session, "code": "m.unverified"}
    server.send(ANN, "m.room_key.withheld", {"messages": {"@bot:fake": {"BOT": content}}})
    await bot.hear()

    assert bot.vault.unseal(ROOM, event) == KeyMissing(session, is_withheld=True)
    assert bot.vault.take_new_keys() == {session}


async def test_what_was_said_before_we_had_the_key_waits_for_an_older_one(
    server: KeyServer, bot: Party, ann: Party
) -> None:
    server.enter("@bot:fake", step="leave")
    first = await ann.say("before")
    await ann.hear(server.enter("@bot:fake"))
    second = await ann.say("after")
    await bot.hear()

    assert first["content"]["session_id"] == second["content"]["session_id"]
    assert bot.read(second) == "after"
    assert bot.vault.unseal(ROOM, first) == KeyMissing(first["content"]["session_id"])


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("algorithm", "m.megolm.v9"),
        ("ciphertext", ""),
        ("ciphertext", 7),
        ("ciphertext", "AAAA"),
        ("session_id", None),
    ],
)
async def test_what_is_no_sealed_event_is_broken(
    bot: Party, ann: Party, part: str, value: object
) -> None:
    event = await ann.say("hi")
    await bot.hear()

    event["content"][part] = value

    assert isinstance(bot.vault.unseal(ROOM, event), Broken)


@pytest.mark.parametrize("content", [None, [], "words", {}])
async def test_an_event_without_content_is_broken(bot: Party, content: object) -> None:
    assert isinstance(bot.vault.unseal(ROOM, {"content": content}), Broken)


async def test_changed_ciphertext_is_broken(bot: Party, ann: Party) -> None:
    event = await ann.say("hi")
    await bot.hear()
    words = event["content"]["ciphertext"]

    event["content"]["ciphertext"] = words[:40] + ("A" if words[40] != "A" else "B") + words[41:]

    assert isinstance(bot.vault.unseal(ROOM, event), Broken)


async def test_a_message_that_is_sent_again_as_another_is_broken(bot: Party, ann: Party) -> None:
    event = await ann.say("pay")
    await bot.hear()
    again = event | {"event_id": "$other"}

    assert bot.read(event) == "pay"
    assert isinstance(bot.vault.unseal(ROOM, again), Broken)
    assert bot.read(event) == "pay"


async def test_words_sealed_for_another_room_are_broken(
    server: KeyServer, bot: Party, ann: Party
) -> None:
    for user in ("@bot:fake", ANN):
        server.enter(user, "!other:fake")
    event = await ann.say("hi", "!other:fake")
    await bot.hear()
    key = next(iter(bot.vault._open_parts.machine.inbound_keys("!other:fake", _session(event))))
    bot.vault._open_parts.machine._olm.inbound_group_store[ROOM][key.sender_key] = {
        _session(event): key._session
    }

    assert isinstance(bot.vault.unseal(ROOM, event), Broken)


async def test_words_under_anothers_name_are_not_read(
    server: KeyServer, nursery: trio.Nursery, tmp_path: Path, bot: Party, ann: Party
) -> None:
    await opened(nursery, server, tmp_path, "@eve:fake", "EVE")
    await bot.say("so that I know your devices")
    event = await ann.say("hi")
    await bot.hear()

    assert isinstance(bot.vault.unseal(ROOM, event | {"sender": "@eve:fake"}), KeyMissing)
    assert bot.read(event) == "hi"


async def test_our_own_words_are_readable(bot: Party) -> None:
    event = await bot.say("mine")

    assert bot.read(event) == "mine"


async def test_a_key_goes_to_those_who_are_asked_in(
    server: KeyServer, nursery: trio.Nursery, tmp_path: Path, bot: Party
) -> None:
    guest = await opened(nursery, server, tmp_path, "@guest:fake", "G")
    server.enter("@guest:fake", step="invite")

    event = await bot.say("welcome")

    await guest.hear()
    assert guest.read(event) == "welcome"


async def test_who_comes_later_reads_what_is_said_then(
    server: KeyServer, nursery: trio.Nursery, tmp_path: Path, bot: Party, ann: Party
) -> None:
    first = await bot.say("one")
    bob = await opened(nursery, server, tmp_path, "@bob:fake", "B")
    await bot.hear(server.enter("@bob:fake"))
    second = await bot.say("two")
    await bob.hear()
    await ann.hear()

    assert [ann.read(first), ann.read(second)] == ["one", "two"]
    assert bob.read(second) == "two"
    assert first["content"]["session_id"] == second["content"]["session_id"]
    assert "KeyMissing" in bob.read(first)


async def test_who_left_does_not_get_the_next_key(
    server: KeyServer, bot: Party, ann: Party
) -> None:
    first = await bot.say("one")
    await bot.hear(server.enter(ANN, step="leave"))

    second = await bot.say("two")

    await ann.hear()
    assert ann.read(first) == "one"
    assert "KeyMissing" in ann.read(second)
    assert _session(first) != _session(second)


async def test_a_gap_in_a_room_makes_us_ask_who_is_there(
    server: KeyServer, bot: Party, ann: Party
) -> None:
    await bot.say("one")
    server.enter(ANN, step="leave")
    await bot.hear(is_limited=True)

    second = await bot.say("two")

    await ann.hear()
    assert bot.client.names().count("members") == 2
    assert "KeyMissing" in ann.read(second)


async def test_who_came_and_went_unseen_is_found_out(
    server: KeyServer, nursery: trio.Nursery, tmp_path: Path, bot: Party, ann: Party
) -> None:
    await bot.say("one")
    server.enter(ANN, step="leave")
    ben = await opened(nursery, server, tmp_path, "@ben:fake", "B")
    laptop = await opened(nursery, server, tmp_path, "@ben:fake", "LAPTOP")
    bot.client.page()

    bot.vault.lose_track()
    event = await bot.say("two")

    for one in (ann, ben, laptop):
        await one.hear()
    assert [ben.read(event), laptop.read(event)] == ["two", "two"]
    assert "KeyMissing" in ann.read(event)


async def test_a_worse_key_does_not_take_the_place_of_a_better_one(bot: Party, ann: Party) -> None:
    first = await ann.say("one")
    await ann.say("two")
    await bot.hear()
    held = next(iter(ann.vault._open_parts.sharing._keys.values()))
    held.has_it.clear()
    last = await ann.say("three")
    await bot.hear()

    assert [bot.read(first), bot.read(last)] == ["one", "three"]


async def test_a_new_device_reads_what_is_said_from_then_on(
    server: KeyServer, nursery: trio.Nursery, tmp_path: Path, bot: Party, ann: Party
) -> None:
    await bot.say("one")
    laptop = await opened(nursery, server, tmp_path, ANN, "LAPTOP")
    await bot.hear()
    event = await bot.say("two")
    await laptop.hear()
    await ann.hear()

    assert laptop.read(event) == "two"
    assert ann.read(event) == "two"


async def test_a_deleted_device_does_not_get_the_next_key(
    server: KeyServer, nursery: trio.Nursery, tmp_path: Path, bot: Party, ann: Party
) -> None:
    laptop = await opened(nursery, server, tmp_path, ANN, "LAPTOP")
    await bot.say("one")
    server.delete_device(ANN, "LAPTOP")
    await bot.hear()

    event = await bot.say("two")

    await laptop.hear()
    await ann.hear()
    assert "KeyMissing" in laptop.read(event)
    assert ann.read(event) == "two"


async def test_a_device_that_comes_again_after_its_deletion_reads_again(
    server: KeyServer, nursery: trio.Nursery, tmp_path: Path, bot: Party, ann: Party
) -> None:
    assert ann.client.device == "PHONE"
    await opened(nursery, server, tmp_path / "old", ANN, "LAPTOP")
    await bot.say("one")
    server.delete_device(ANN, "LAPTOP")
    server.one_time.pop((ANN, "LAPTOP"))
    await bot.hear()
    await bot.say("two")
    laptop = await opened(nursery, server, tmp_path / "new", ANN, "LAPTOP")
    await bot.hear()

    event = await bot.say("three")

    await laptop.hear()
    assert laptop.read(event) == "three"


async def test_a_device_never_changes_the_key_that_it_signs_with(
    server: KeyServer, nursery: trio.Nursery, tmp_path: Path, bot: Party, ann: Party
) -> None:
    await bot.say("one")
    thief = await opened(nursery, server, tmp_path / "thief", "@eve:fake", "EVE")
    machine = thief.vault._open_parts.machine
    machine.user_id, machine.device_id = ANN, "PHONE"
    server.upload(ANN, "PHONE", {"device_keys": thief.vault._open_parts.supply.device_keys()})
    await bot.hear()

    event = await bot.say("two")

    await ann.hear()
    assert ann.read(event) == "two"


async def test_a_device_without_one_time_keys_keeps_nobody_waiting(
    server: KeyServer,
    nursery: trio.Nursery,
    tmp_path: Path,
    bot: Party,
    ann: Party,
    autojump_clock: trio.testing.MockClock,
) -> None:
    laptop = await opened(nursery, server, tmp_path, ANN, "LAPTOP")
    held = server.one_time.pop((ANN, "LAPTOP"))
    fallback = server.fallback.pop((ANN, "LAPTOP"))

    first, again = await bot.say("one"), await bot.say("two")
    server.one_time[ANN, "LAPTOP"], server.fallback[ANN, "LAPTOP"] = held, fallback
    await trio.sleep(61)
    later = await bot.say("three")

    assert autojump_clock.current_time() < 100
    await ann.hear()
    await laptop.hear()
    assert [ann.read(event) for event in (first, again, later)] == ["one", "two", "three"]
    assert laptop.read(later) == "three"
    assert bot.client.names().count("keys/claim") == 2


async def test_a_person_whose_server_is_away_keeps_nobody_waiting(
    server: KeyServer,
    nursery: trio.Nursery,
    tmp_path: Path,
    bot: Party,
    ann: Party,
    autojump_clock: trio.testing.MockClock,
) -> None:
    far = await opened(nursery, server, tmp_path, "@far:away", "F")
    server.silent.add("@far:away")
    first = await bot.say("one")
    server.silent.clear()
    await trio.sleep(61)
    second = await bot.say("two")

    assert autojump_clock.current_time() < 100
    await ann.hear()
    await far.hear()
    assert ann.read(first) == "one"
    assert far.read(second) == "two"


async def test_many_devices_get_the_key_in_requests_of_twenty(
    server: KeyServer, nursery: trio.Nursery, tmp_path: Path, bot: Party
) -> None:
    many = [await opened(nursery, server, tmp_path, ANN, f"D{number}") for number in range(21)]

    event = await bot.say("all")

    for one in many:
        await one.hear()
    assert {one.read(event) for one in many} == {"all"}
    sizes = [
        sum(len(devices) for devices in body["messages"].values())
        for name, body in bot.client.calls
        if name == "sendToDevice"
    ]
    assert sizes == [20, 1]


async def test_a_key_is_used_for_as_many_messages_as_the_room_wants(
    server: KeyServer, bot: Party, ann: Party
) -> None:
    server.encryption[ROOM] = {"rotation_period_msgs": 2}

    events = [await bot.say(text) for text in "abcd"]

    await ann.hear()
    assert [ann.read(event) for event in events] == list("abcd")
    sessions = [_session(event) for event in events]
    assert sessions[0] == sessions[1] != sessions[2] == sessions[3]


async def test_what_the_room_wants_is_learned_from_a_page(bot: Party, ann: Party) -> None:
    wanted = {"rotation_period_msgs": 1, "rotation_period_ms": 1}
    await bot.hear({"type": "m.room.encryption", "state_key": "", "content": wanted})

    first, second = await bot.say("a"), await bot.say("b")

    await ann.hear()
    assert [ann.read(first), ann.read(second)] == ["a", "b"]
    assert _session(first) != _session(second)
    assert "m.room.encryption" not in bot.client.names()


async def test_how_long_a_key_is_used_is_not_for_everybody_to_say(bot: Party) -> None:
    wanted = {"rotation_period_msgs": 1, "rotation_period_ms": 1}
    await bot.hear({"type": "m.room.encryption", "content": wanted})

    first, second = await bot.say("a"), await bot.say("b")

    assert _session(first) == _session(second)


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (Limited(7.0), NotSealed("rate limited", 7.0)),
        (SERVER_BUSY, NotSealed("502 M_UNKNOWN")),
        (TokenRefused(), NotSealed("the session has ended")),
        (Refused(400, "M_UNKNOWN"), NotSealed("the homeserver refused: 400 M_UNKNOWN")),
        (Refused(403, ""), NotSealed("the homeserver refused: 403")),
    ],
)
@pytest.mark.parametrize("name", ["members", "keys/query", "keys/claim", "sendToDevice"])
async def test_what_keeps_us_from_sealing_is_said_at_once(
    bot: Party, ann: Party, name: str, reply: Limited, said: NotSealed
) -> None:
    bot.client.faults[name] = [reply]

    refused = await bot.seal("hi")
    event = await bot.say("hi")

    await ann.hear()
    assert refused == said
    assert ann.read(event) == "hi"


async def test_a_room_that_we_are_not_in_is_sealed_for_nobody(bot: Party, ann: Party) -> None:
    bot.client.always["members"] = Refused(403, "M_FORBIDDEN")

    sealed = await bot.seal("hi")

    await ann.hear()
    assert isinstance(sealed, Sealed)
    assert "KeyMissing" in ann.read(bot.event(sealed.content))


async def test_who_joins_while_a_key_is_shared_gets_it_too(
    server: KeyServer, nursery: trio.Nursery, tmp_path: Path, bot: Party, ann: Party
) -> None:
    bob = await opened(nursery, server, tmp_path, "@bob:fake", "B")
    server.enter("@bob:fake", step="leave")
    page = bot.client.page(server.enter("@bob:fake"))
    server.enter("@bob:fake", step="leave")

    def join(name: str) -> None:
        if name == "sendToDevice" and server.members[ROOM]["@bob:fake"] == "leave":
            server.enter("@bob:fake")
            bot.vault._open_parts.members.take(page)

    bot.client.before = join
    event = await bot.say("hi")

    await bob.hear()
    await ann.hear()
    assert [ann.read(event), bob.read(event)] == ["hi", "hi"]


async def test_nothing_is_sealed_or_opened_before_the_keys_are_open(
    server: KeyServer, tmp_path: Path
) -> None:
    closed = party(server, tmp_path)

    assert isinstance(await closed.seal("hi"), NotSealed)
    with pytest.raises(VaultClosedError):
        closed.vault.unseal(ROOM, {})


async def test_an_encrypted_room_stays_one_for_ever(
    server: KeyServer, nursery: trio.Nursery, tmp_path: Path
) -> None:
    first = await opened(nursery, server, tmp_path)
    first.vault.saw_encryption(ROOM)
    await first.hear({"type": "m.room.encryption", "content": {}}, room="!b:fake")
    first.vault.close()
    again = party(server, tmp_path / "@bot:fakeBOT")
    again.vault.saw_encryption("!c:fake")

    assert await again.vault.open(again.session) is None

    assert all(map(again.vault.is_encrypted, (ROOM, "!b:fake", "!c:fake")))
    assert not again.vault.is_encrypted("!d:fake")
    again.vault.close()


def test_it_is_what_the_surface_asks_for(server: KeyServer, tmp_path: Path) -> None:
    vault: Vault = party(server, tmp_path).vault

    assert not vault.is_encrypted(ROOM)


def _session(event: dict[str, dict[str, str]]) -> str:
    return event["content"]["session_id"]
