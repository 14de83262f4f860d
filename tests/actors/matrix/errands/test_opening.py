"""Rooms of their own for new chats, and the space in which a person finds them."""

import json
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest
import trio
from attrs import evolve
from trio.testing import MockClock

from actors.kernel.aio import open_asyncio
from actors.matrix.api.client import MatrixClient
from actors.matrix.api.homeserver import Session
from actors.matrix.api.replies import Limited, Refused, Reply, TokenRefused, Unreachable
from actors.matrix.api.status import Status
from actors.matrix.errands.creation import room_body
from actors.matrix.errands.lines import Account, Line, OwnLimit
from actors.matrix.errands.making import Maker
from actors.matrix.errands.spaces import FILING_PREFIX, SPACE_PREFIX
from actors.matrix.places import MOVED_PREFIX
from protocols.changes import PutKey
from protocols.ids import RoomId, RowId, native_id
from protocols.surfaces import OpenRoom
from tests.actors.matrix.errands.fake_rooms import FakeRooms
from tests.actors.matrix.errands.rows import row_in
from tests.actors.matrix.fake_homeserver import (
    ALICE,
    ROOM,
    FakeHomeserver,
    Json,
    gateway_over,
    started,
)
from tests.actors.matrix.gateway import Gateway, gateway_on
from tests.fakes import MemoryJournal, MemoryStoreAddress
from tests.rigs.synapse import Person, Synapse

HERE = RoomId(f"matrix/{ROOM}")
VIA = {"via": ["fake"]}


async def opened(gateway: Gateway, row: RowId, room: RoomId = HERE) -> RoomId | None:
    return await gateway.box.address.ask(OpenRoom(room, row, "work"), within=60)


def is_settled(gateway: Gateway) -> bool:
    return not any(key.startswith(FILING_PREFIX) for key in gateway.journal.keys)


async def settled(gateway: Gateway) -> None:
    with trio.fail_after(600):
        while not is_settled(gateway):  # noqa: ASYNC110  # a journal tells nobody
            await trio.sleep(0.1)


@pytest.mark.parametrize("is_encrypted", [False, True])
async def test_a_new_chat_has_a_room_of_its_own_as_safe_as_the_one_it_was_asked_in(
    autojump_clock: MockClock, tmp_path: Path, *, is_encrypted: bool
) -> None:
    server = FakeHomeserver(autojump_clock, encrypted={ROOM} if is_encrypted else set())
    rooms = FakeRooms(server)
    gateway = gateway_over(server, tmp_path)
    async with gateway.running():
        found = await opened(gateway, row_in(gateway, HERE))
        await settled(gateway)

    (room,) = rooms.of_kind("")
    assert found == f"matrix/{room}"
    assert rooms.states[room]["m.room.name", ""] == {"name": "work"}
    assert (("m.room.encryption", "") in rooms.states[room]) == is_encrypted
    assert rooms.states[room]["m.room.canonical_alias", ""] == {}
    assert (room, ALICE) in rooms.invited
    assert rooms.direct == {ALICE: [room]}


async def test_both_rooms_are_filed_in_one_space_of_the_person(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    rooms = FakeRooms(FakeHomeserver(autojump_clock))
    gateway = gateway_over(rooms.server, tmp_path)
    async with gateway.running():
        first = await opened(gateway, row_in(gateway, HERE))
        second = await opened(gateway, row_in(gateway, HERE))
        assert first is not None
        assert second is not None
        await settled(gateway)

    (space,) = rooms.of_kind("m.space")
    made = {native_id(first), native_id(second)}
    assert rooms.children(space) == dict.fromkeys((ROOM, *made), VIA)
    for room in made:
        assert rooms.states[room]["m.space.parent", space] == {**VIA, "canonical": True}
    assert rooms.states[space]["m.room.name", ""] == {"name": "The Agent"}
    assert rooms.invited.count((space, ALICE)) == 1
    kept = json.loads(gateway.journal.keys[SPACE_PREFIX + ALICE])
    assert kept["room"] == space
    assert set(kept["filed"]) == {ROOM, *made}


async def test_each_person_has_a_space_of_their_own(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    rooms = FakeRooms(FakeHomeserver(autojump_clock))
    gateway = gateway_over(rooms.server, tmp_path)
    async with gateway.running():
        await opened(gateway, row_in(gateway, HERE, is_shared=True))
        await opened(gateway, row_in(gateway, HERE, sender="@bob:fake", is_shared=True))
        await settled(gateway)

    spaces = rooms.of_kind("m.space")
    assert {person for room, person in rooms.invited if room in spaces} == {ALICE, "@bob:fake"}
    assert len(spaces) == 2


async def test_a_group_does_not_say_in_whose_space_it_is(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    rooms = FakeRooms(FakeHomeserver(autojump_clock))
    gateway = gateway_over(rooms.server, tmp_path)
    async with gateway.running():
        await opened(gateway, row_in(gateway, HERE, is_shared=True))
        await settled(gateway)

    (space,) = rooms.of_kind("m.space")
    assert ROOM in rooms.children(space)
    assert not any(f"{ROOM}/state/m.space.parent" in path for _, path in rooms.asked)


async def test_a_person_who_left_the_space_is_not_asked_in_again(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    rooms = FakeRooms(FakeHomeserver(autojump_clock))
    gateway = gateway_over(rooms.server, tmp_path)
    async with gateway.running():
        await opened(gateway, row_in(gateway, HERE))
        await settled(gateway)
        (space,) = rooms.of_kind("m.space")
        rooms.states[space]["m.room.member", ALICE] = {"membership": "leave"}
        del gateway.journal.keys[SPACE_PREFIX + ALICE]  # as after a kill before it was kept
        await opened(gateway, row_in(gateway, HERE))
        await settled(gateway)

    assert rooms.of_kind("m.space") == [space]
    assert rooms.invited.count((space, ALICE)) == 1
    assert len(rooms.children(space)) == 3


async def test_asked_twice_for_one_row_it_is_one_room(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    rooms = FakeRooms(FakeHomeserver(autojump_clock))
    gateway = gateway_over(rooms.server, tmp_path)
    row = row_in(gateway, HERE)
    found: list[RoomId | None] = []

    async def ask() -> None:
        found.append(await opened(gateway, row))

    for _ in range(2):
        async with gateway.running():
            async with trio.open_nursery() as nursery:
                nursery.start_soon(ask)
                nursery.start_soon(ask)
            await ask()
            await settled(gateway)

    assert len(set(found)) == 1
    assert len(rooms.of_kind("")) == 1
    assert rooms.direct == {ALICE: rooms.of_kind("")}
    assert len(rooms.invited) == len(set(rooms.invited)) == 2


@pytest.mark.parametrize("step", range(1, 12))
async def test_a_kill_at_any_step_makes_no_second_room_and_forgets_no_space(
    autojump_clock: MockClock, tmp_path: Path, step: int
) -> None:
    rooms = FakeRooms(FakeHomeserver(autojump_clock, encrypted={ROOM}))
    gateway = gateway_over(rooms.server, tmp_path)
    row = row_in(gateway, HERE)
    async with gateway.running(is_killed=True), trio.open_nursery() as nursery:
        nursery.start_soon(opened, gateway, row)
        await rooms.server.until(lambda: len(rooms.asked) >= step)
        nursery.cancel_scope.cancel()

    async with gateway.running():
        found = await opened(gateway, row)
        await settled(gateway)

    (room,), (space,) = rooms.of_kind(""), rooms.of_kind("m.space")
    assert found == f"matrix/{room}"
    assert rooms.children(space) == {ROOM: VIA, room: VIA}
    assert ("m.space.parent", space) in rooms.states[room]
    assert rooms.direct == {ALICE: [room]}
    assert sorted(rooms.invited) == sorted([(room, ALICE), (space, ALICE)])


async def test_a_room_whose_answer_was_lost_is_found_again(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    rooms = FakeRooms(FakeHomeserver(autojump_clock), lost=2)
    gateway = gateway_over(rooms.server, tmp_path)
    async with gateway.running():
        found = await opened(gateway, row_in(gateway, HERE))
        await settled(gateway)

    assert [found] == [f"matrix/{room}" for room in rooms.of_kind("")]
    assert len(rooms.of_kind("m.space")) == 1
    assert len(rooms.invited) == 2


@pytest.mark.parametrize("events", [1, 2, 3, 4, 5])
async def test_a_room_that_the_server_left_half_made_is_made_whole(
    autojump_clock: MockClock, tmp_path: Path, events: int
) -> None:
    rooms = FakeRooms(FakeHomeserver(autojump_clock, encrypted={ROOM}), breaks_off=events)
    gateway = gateway_over(rooms.server, tmp_path)
    async with gateway.running():
        found = await opened(gateway, row_in(gateway, HERE))

    (room,) = rooms.of_kind("")
    assert found == f"matrix/{room}"
    assert rooms.states[room]["m.room.name", ""] == {"name": "work"}
    assert rooms.states[room]["m.room.encryption", ""] == {"algorithm": "m.megolm.v1.aes-sha2"}
    assert (room, ALICE) in rooms.invited


def forbid(*parts: str) -> Callable[[FakeRooms], None]:
    def change(rooms: FakeRooms) -> None:
        rooms.refuses = parts

    return change


def fail(name: str, *replies: Reply) -> Callable[[FakeRooms], None]:
    def change(rooms: FakeRooms) -> None:
        rooms.server.faults[name] = list(replies)

    return change


@pytest.mark.parametrize(
    "change",
    [
        forbid("createRoom"),
        fail("encryption", Refused(403, "M_FORBIDDEN")),
        fail("encryption", TokenRefused()),
        # Longer than who asks would wait, so that there is no use in waiting.
        fail("request", Refused(404, "M_NOT_FOUND"), Limited(100.0)),
        fail("request", *[Unreachable("502")] * 100),
    ],
)
async def test_where_no_room_can_be_made_that_is_said_in_time(
    autojump_clock: MockClock, tmp_path: Path, change: Callable[[FakeRooms], None]
) -> None:
    rooms = FakeRooms(FakeHomeserver(autojump_clock))
    gateway = gateway_over(rooms.server, tmp_path)
    async with gateway.running():
        await started(rooms.server, gateway)
        await trio.sleep(1)
        change(rooms)
        found = await opened(gateway, row_in(gateway, HERE))

    assert found is None
    assert rooms.states == {}
    assert is_settled(gateway)


async def test_a_server_that_is_away_is_no_reason_to_wait_for_ever(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    rooms = FakeRooms(FakeHomeserver(autojump_clock))
    rooms.server.faults["versions"] = [Unreachable("502")] * 50
    gateway = gateway_over(rooms.server, tmp_path)
    async with gateway.running(is_killed=True):
        found = await opened(gateway, row_in(gateway, HERE))

    assert found is None


async def test_a_short_penalty_is_waited_for(autojump_clock: MockClock, tmp_path: Path) -> None:
    rooms = FakeRooms(FakeHomeserver(autojump_clock))
    gateway = gateway_over(rooms.server, tmp_path)
    async with gateway.running():
        await started(rooms.server, gateway)
        await trio.sleep(1)
        rooms.server.faults["request"] = [Limited(20.0)]
        began = trio.current_time()
        found = await opened(gateway, row_in(gateway, HERE))
        took = trio.current_time() - began

    assert found is not None
    assert 20 <= took < 25


async def test_rooms_that_are_limited_hold_up_no_answer(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    rooms = FakeRooms(FakeHomeserver(autojump_clock))
    gateway = gateway_over(rooms.server, tmp_path)
    async with gateway.running(), trio.open_nursery() as nursery:
        await started(rooms.server, gateway)
        await trio.sleep(1)
        rooms.server.faults["request"] = [Limited(40.0)]
        nursery.start_soon(opened, gateway, row_in(gateway, HERE))
        await trio.sleep(1)
        began = trio.current_time()
        rooms.server.write("hello")
        await rooms.server.until(lambda: "echo: hello" in rooms.server.said())
        took = trio.current_time() - began

    assert took < 5


@pytest.mark.parametrize("part", ["m.space.child", "m.space.parent"])
async def test_a_space_that_takes_no_room_is_let_be(
    autojump_clock: MockClock, tmp_path: Path, part: str
) -> None:
    rooms = FakeRooms(FakeHomeserver(autojump_clock), refuses=(part,))
    gateway = gateway_over(rooms.server, tmp_path)
    async with gateway.running():
        found = await opened(gateway, row_in(gateway, HERE))
        await settled(gateway)

    assert found is not None


async def test_a_room_that_may_not_say_where_it_is_is_filed_once(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    here = f"{quote(ROOM, safe='')}/state/m.space.parent"
    rooms = FakeRooms(FakeHomeserver(autojump_clock), refuses=(here,))
    gateway = gateway_over(rooms.server, tmp_path)
    async with gateway.running():
        for _ in range(3):
            await opened(gateway, row_in(gateway, HERE))
            await settled(gateway)

    assert sum(f"{ROOM}/state/m.space.parent" in path for _, path in rooms.asked) == 1
    assert ROOM in json.loads(gateway.journal.keys[SPACE_PREFIX + ALICE])["filed"]


async def test_what_could_not_be_filed_is_filed_in_the_next_life(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    rooms = FakeRooms(FakeHomeserver(autojump_clock))
    gateway = gateway_over(rooms.server, tmp_path)
    async with gateway.running():
        await started(rooms.server, gateway)
        await trio.sleep(1)
        row = row_in(gateway, HERE)
        await opened(gateway, row)
        rooms.server.faults["request"] = [Unreachable("502")] * 30
        await trio.sleep(600)
        before = is_settled(gateway)
    rooms.server.faults["request"] = []

    async with gateway.running():
        await settled(gateway)

    (space,) = rooms.of_kind("m.space")
    assert not before
    assert len(rooms.children(space)) == 2


@pytest.mark.parametrize(
    ("sender", "room"), [("@alice:fake", "telegram/1"), ("@alice:fake", "matrix/!room:fake/$root")]
)
async def test_a_thread_is_in_its_room(
    autojump_clock: MockClock, tmp_path: Path, sender: str, room: str
) -> None:
    rooms = FakeRooms(FakeHomeserver(autojump_clock))
    gateway = gateway_over(rooms.server, tmp_path)
    async with gateway.running():
        found = await opened(gateway, row_in(gateway, RoomId(room), sender=sender), RoomId(room))
        await settled(gateway)

    assert (found is not None) == room.startswith("matrix/")
    if found is not None:
        (space,) = rooms.of_kind("m.space")
        assert set(rooms.children(space)) == {ROOM, native_id(found)}


async def test_the_room_that_took_over_is_the_one_that_is_filed(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = FakeHomeserver(autojump_clock, joined={ROOM, "!newer:fake"})
    rooms = FakeRooms(server)
    gateway = gateway_over(server, tmp_path)
    gateway.commit(PutKey(f"{MOVED_PREFIX}!newer:fake", ROOM))
    async with gateway.running():
        await opened(gateway, row_in(gateway, HERE))
        await settled(gateway)

    (space,) = rooms.of_kind("m.space")
    assert "!newer:fake" in rooms.children(space)
    assert ROOM not in rooms.children(space)


async def test_a_row_that_is_not_there_asks_for_no_room(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    rooms = FakeRooms(FakeHomeserver(autojump_clock))
    gateway = gateway_over(rooms.server, tmp_path)
    async with gateway.running():
        found = await opened(gateway, RowId(77))

    assert found is None
    assert rooms.states == {}


async def test_nobody_can_guess_an_alias_before_us(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    aliases = set[str]()
    for life in ("one", "two"):
        rooms = FakeRooms(FakeHomeserver(autojump_clock))
        gateway = gateway_over(rooms.server, tmp_path / life)
        row = row_in(gateway, HERE)
        gateway.journal.rows[row] = evolve(gateway.journal.rows[row], event_id="$same")  # type: ignore[arg-type]
        async with gateway.running():
            await opened(gateway, row)
            await settled(gateway)
        aliases |= set(rooms.aliases)

    assert len(aliases) == 4


async def test_a_real_homeserver_makes_one_room_and_one_space(
    synapse: Synapse, tmp_path: Path
) -> None:
    gateway = gateway_on(synapse, tmp_path)
    person = await trio.to_thread.run_sync(synapse.person)
    me = gateway.settings.user_id
    with trio.fail_after(60):
        asking = await person.create_room()
        async with gateway.running():
            await person.invite(asking, me)
            await person.watch_member(asking, me, "join")
            rooms = set[RoomId | None]()
            here = RoomId(f"matrix/{asking}")
            row = row_in(gateway, here, sender=person.user_id)
            rooms.add(await opened(gateway, row, here))
        async with gateway.running():
            rooms.add(await opened(gateway, row, here))
            await settled(gateway)
        (found,) = rooms
        assert found is not None
        room = native_id(found)
        space = json.loads(gateway.journal.keys[SPACE_PREFIX + person.user_id])["room"]
        asked_in = await invitations(person)
        for place in (room, space):
            await person.join(place)
        hierarchy = await trio.to_thread.run_sync(hierarchy_of, person, space)
        for place in (room, space):
            # As one who has the room: a server that does not let them answers with an error.
            path = f"/rooms/{quote(place)}/state/m.room.topic/"
            await person.request("PUT", path, {"topic": "mine"})

    assert asked_in.keys() == {room, space}
    assert asked_in[room]["is_direct"] is True
    assert "is_direct" not in asked_in[space]
    top, *below = hierarchy["rooms"]
    assert (top["room_id"], top["room_type"]) == (space, "m.space")
    assert {one["room_id"]: one.get("name") for one in below} == {room: "work", asking: None}
    assert all("canonical_alias" not in one for one in hierarchy["rooms"])


async def invitations(person: Person) -> dict[str, Json]:
    """The rooms that *person* is asked into, and how."""
    invited = (await person.next_change())["rooms"]["invite"]
    return {
        room: event["content"]
        for room, about in invited.items()
        for event in about["invite_state"]["events"]
        if event.get("state_key") == person.user_id
    }


def hierarchy_of(person: Person, space: str) -> Json:
    path = f"/_matrix/client/v1/rooms/{quote(space)}/hierarchy"
    return person.server.request("GET", path, token=person.account.token)


async def test_a_real_homeserver_finds_an_encrypted_room_by_its_alias(synapse: Synapse) -> None:
    person = await trio.to_thread.run_sync(synapse.person)
    bot = await trio.to_thread.run_sync(synapse.register, "bot")
    rooms = list[str | Refused | None]()
    async with open_asyncio("test"):
        client = MatrixClient(synapse.url)
        client.use(Session(bot.user_id, bot.device_id, bot.token))
        account = Account()
        account.open(bot.user_id)
        maker = Maker(
            client, MemoryStoreAddress(MemoryJournal()), Line(account, OwnLimit(Status()))
        )
        alias = await maker.alias("room", "$event")
        body = room_body(person.user_id, "work \ud83d", alias=alias, is_encrypted=True)

        async def make() -> None:
            rooms.append(await maker.make(body))

        with trio.fail_after(60):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(make)
                nursery.start_soon(make)
            await make()
            (room,) = set(rooms)
            assert isinstance(room, str)
            await person.join(room)
            state = await person.request("GET", f"/rooms/{quote(room)}/state/m.room.encryption/")
            name = await person.request("GET", f"/rooms/{quote(room)}/state/m.room.name/")
        await client.close()

    assert state == {"algorithm": "m.megolm.v1.aes-sha2"}
    assert name == {"name": "work ?"}
