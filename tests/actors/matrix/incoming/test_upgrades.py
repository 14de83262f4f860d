"""Rooms that go on elsewhere, and rooms that the bot is put out of."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from actors.matrix.api.replies import Limited, Reply, TokenRefused, Unreachable
from actors.matrix.incoming.upgrades import FOLLOW_PREFIX
from actors.matrix.places import MOVED_PREFIX
from actors.matrix.settings import Threads
from protocols.changes import AddOutgoing
from protocols.chats import RoomGone
from protocols.ids import RoomId
from protocols.journal import Row, Voice
from tests.actors.matrix.fake_homeserver import (
    ROOM,
    FakeHomeserver,
    gateway_over,
    started,
)
from tests.actors.matrix.fake_requests import answered
from tests.actors.matrix.gateway import Gateway

Json = dict[str, Any]

HERE = RoomId(f"matrix/{ROOM}")
NEW = "!new:fake"
CONTINUES = {"predecessor": {"room_id": ROOM}}
MOVED = {MOVED_PREFIX + NEW: ROOM}


async def until(is_there: Callable[[], bool]) -> None:
    """Wait until *is_there*, which may be so without a word from the server."""
    with trio.fail_after(5 * 24 * 3600):
        while not is_there():  # noqa: ASYNC110  # time jumps here
            await trio.sleep(0.05)


async def silent(_gateway: Gateway, _row: Row) -> str:
    await trio.sleep_forever()
    raise AssertionError


def close(server: FakeHomeserver, *, replacement: Any = NEW, room: str = ROOM) -> None:
    """Somebody who may ends *room*."""
    content = {"body": "moved", "replacement_room": replacement}
    server.add(content, room=room, type="m.room.tombstone", state_key="")


def heard(gateway: Gateway) -> list[str]:
    return [row.text for row in gateway.journal.rows.values()]


def rooms(gateway: Gateway) -> set[RoomId]:
    return {row.room for row in gateway.journal.rows.values()}


async def test_the_bot_follows_a_room_and_the_room_keeps_its_name_for_us(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = FakeHomeserver(autojump_clock, open_rooms={NEW}, creations={NEW: CONTINUES})
    gateway = gateway_over(server, tmp_path)

    async with gateway.running():
        await started(server, gateway)
        server.write("before")
        await until(lambda: server.said() == ["echo: before"])
        close(server)
        await until(lambda: NEW in server.joined)
        server.write("after", room=NEW)
        await until(lambda: server.said(NEW) == ["echo: after"])
        server.put_out(ROOM)
        await trio.sleep(60)

    assert heard(gateway) == ["before", "after"]
    assert rooms(gateway) == {HERE}
    assert gateway.journal.keys == MOVED
    assert gateway.directory.gone == []


async def test_a_new_room_that_anybody_may_read_is_entered_all_the_same(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = FakeHomeserver(
        autojump_clock, open_rooms={NEW}, readable={NEW}, creations={NEW: CONTINUES}
    )
    gateway = gateway_over(server, tmp_path)

    async with gateway.running():
        await started(server, gateway)
        close(server)
        await until(lambda: NEW in server.joined)
        server.write("after", room=NEW)
        await until(lambda: server.said(NEW) == ["echo: after"])

    assert rooms(gateway) == {HERE}


async def test_the_place_of_a_room_is_known_in_the_next_life(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = FakeHomeserver(autojump_clock, open_rooms={NEW}, creations={NEW: CONTINUES})
    gateway = gateway_over(server, tmp_path)
    async with gateway.running(is_killed=True):
        await started(server, gateway)
        close(server)
        await until(lambda: gateway.journal.keys == MOVED)

    async with gateway.running():
        server.write("after", room=NEW)
        await until(lambda: server.said(NEW) == ["echo: after"])

    assert rooms(gateway) == {HERE}


async def test_what_was_said_in_the_new_room_before_we_were_in_is_answered(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = FakeHomeserver(autojump_clock, window=3, creations={NEW: CONTINUES})
    gateway = gateway_over(server, tmp_path)
    texts = [f"m{number}" for number in range(12)]

    async with gateway.running():
        await started(server, gateway)
        close(server)
        for text in texts:
            server.write(text, room=NEW)
        await trio.sleep(10)
        server.open_rooms.add(NEW)
        await until(lambda: len(server.said(NEW)) == len(texts))

    assert heard(gateway) == texts
    assert rooms(gateway) == {HERE}


async def test_a_new_room_that_lets_nobody_in_is_tried_with_patience_and_an_invitation_is_the_way(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = FakeHomeserver(autojump_clock, creations={NEW: CONTINUES})
    gateway = gateway_over(server, tmp_path)
    gateway.directory.allowed = set()

    def joins() -> int:
        return sum("/join/" in str(call.words) for call in server.calls)

    async with gateway.running():
        await started(server, gateway)
        close(server)
        await trio.sleep(24 * 3600)
        tried = joins()
        server.open_rooms.add(NEW)
        server.invite(NEW, is_direct=False)
        await until(lambda: NEW in server.joined)
        await until(lambda: gateway.journal.keys == MOVED)

    assert 20 <= tried <= 40
    assert joins() == tried + 1


async def test_the_way_to_a_new_room_goes_on_after_a_restart(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = FakeHomeserver(autojump_clock, creations={NEW: CONTINUES})
    gateway = gateway_over(server, tmp_path)
    async with gateway.running(is_killed=True):
        await started(server, gateway)
        close(server)
        await until(lambda: FOLLOW_PREFIX + NEW in gateway.journal.keys)
    server.open_rooms.add(NEW)

    async with gateway.running():
        await until(lambda: gateway.journal.keys == MOVED)

    assert NEW in server.joined


async def test_an_answer_waits_for_the_way_to_the_new_room_over_a_restart(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = FakeHomeserver(autojump_clock, creations={NEW: CONTINUES})
    gateway = gateway_over(server, tmp_path)
    async with gateway.running(is_killed=True):
        await started(server, gateway)
        close(server)
        await until(lambda: FOLLOW_PREFIX + NEW in gateway.journal.keys)
    gateway.commit(AddOutgoing(HERE, Voice.AGENT, "the answer"))
    server.put_out(ROOM)

    async with gateway.running():
        await trio.sleep(5 * 3600)
        server.open_rooms.add(NEW)
        await until(lambda: server.said(NEW) == ["the answer"])


@pytest.mark.parametrize("fault", [Unreachable("504"), Limited(40.0), TokenRefused()])
async def test_a_join_that_fails_is_tried_again(
    autojump_clock: MockClock, tmp_path: Path, fault: Reply
) -> None:
    server = FakeHomeserver(autojump_clock, open_rooms={NEW}, creations={NEW: CONTINUES})
    gateway = gateway_over(server, tmp_path)
    faults = [fault]

    def join(method: str, path: str, body: Json | None) -> Reply:
        assert "via=fake" in path
        return faults.pop() if faults else answered(server, method, path, body)

    server.handlers["/join/"] = join

    async with gateway.running():
        await started(server, gateway)
        close(server)
        await until(lambda: gateway.journal.keys == MOVED)

    assert faults == []


@pytest.mark.parametrize(
    "creation", [{}, {"predecessor": {"room_id": "!other:fake"}}, {"predecessor": ROOM}]
)
async def test_a_room_that_does_not_continue_ours_is_left_and_gets_nothing_of_it(
    autojump_clock: MockClock, tmp_path: Path, creation: Json
) -> None:
    server = FakeHomeserver(autojump_clock, open_rooms={NEW}, creations={NEW: creation})
    gateway = gateway_over(server, tmp_path)

    async with gateway.running():
        await started(server, gateway)
        close(server)
        await until(lambda: any(call.name == "leave" for call in server.calls))
        server.write("still here")
        await until(lambda: server.said() == ["echo: still here"])

    assert [call.words[0] for call in server.calls if call.name == "leave"] == [NEW]
    assert gateway.journal.keys == {}
    assert rooms(gateway) == {HERE}


async def test_a_room_that_we_are_in_is_not_given_away_to_whoever_names_it(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = FakeHomeserver(autojump_clock, joined={ROOM, NEW})
    gateway = gateway_over(server, tmp_path)

    async with gateway.running():
        await started(server, gateway)
        close(server)
        server.write("private", room=NEW)
        await until(lambda: server.said(NEW) == ["echo: private"])
        await trio.sleep(100)

    assert rooms(gateway) == {RoomId(f"matrix/{NEW}")}
    assert gateway.journal.keys == {}
    assert server.times("leave") == []


async def test_a_new_room_that_we_are_in_already_is_known_at_once(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = FakeHomeserver(autojump_clock, joined={ROOM, NEW}, creations={NEW: CONTINUES})
    gateway = gateway_over(server, tmp_path)

    async with gateway.running():
        await started(server, gateway)
        close(server)
        server.write("after", room=NEW)
        await until(lambda: server.said(NEW) == ["echo: after"])

    assert rooms(gateway) == {HERE}


@pytest.mark.parametrize("replacement", [None, "", "#alias:fake", 7, ROOM])
async def test_a_room_that_ends_without_another_just_ends(
    autojump_clock: MockClock, tmp_path: Path, replacement: Any
) -> None:
    server = FakeHomeserver(autojump_clock)
    gateway = gateway_over(server, tmp_path)

    async with gateway.running():
        await started(server, gateway)
        close(server, replacement=replacement)
        server.write("hello")
        await until(lambda: server.said() == ["echo: hello"])

    assert gateway.journal.keys == {}


async def test_rooms_that_were_upgraded_twice_are_one(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    newest = "!newest:fake"
    creations = {NEW: CONTINUES, newest: {"predecessor": {"room_id": NEW}}}
    server = FakeHomeserver(autojump_clock, open_rooms={NEW, newest}, creations=creations)
    gateway = gateway_over(server, tmp_path)

    async with gateway.running():
        await started(server, gateway)
        close(server)
        await until(lambda: gateway.journal.keys == MOVED)
        close(server, replacement=newest, room=NEW)
        await until(lambda: newest in server.joined)
        server.write("after", room=newest)
        await until(lambda: server.said(newest) == ["echo: after"])

    assert rooms(gateway) == {HERE}


async def test_a_session_that_ends_as_a_room_moves_loses_neither(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = FakeHomeserver(autojump_clock, joined={ROOM, NEW}, creations={NEW: CONTINUES})
    gateway = gateway_over(server, tmp_path)
    refused: list[Reply] = [TokenRefused()]

    def create(method: str, path: str, body: Json | None) -> Reply:
        return refused.pop() if refused else answered(server, method, path, body)

    server.handlers["m.room.create"] = create

    async with gateway.running():
        await started(server, gateway)
        server.faults["messages"] = [TokenRefused()]
        server.write("hello")
        close(server)
        await until(lambda: server.said(NEW) == ["echo: hello"])

    assert gateway.journal.keys == MOVED
    assert refused == []


async def test_a_page_that_is_read_again_still_remembers_the_move(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = FakeHomeserver(autojump_clock, joined={ROOM, NEW}, creations={NEW: CONTINUES})
    gateway = gateway_over(server, tmp_path)

    async with gateway.running():
        await started(server, gateway)
        server.faults["messages"] = [TokenRefused()]
        close(server)
        for number in range(30):
            server.write(f"m{number}")
        await until(lambda: len(heard(gateway)) == 30)

    assert gateway.journal.keys == MOVED


async def test_a_new_room_whose_first_page_is_read_twice_is_ours_from_its_beginning(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = FakeHomeserver(autojump_clock, window=3, creations={NEW: CONTINUES})
    gateway = gateway_over(server, tmp_path)

    async with gateway.running():
        await started(server, gateway)
        close(server)
        for number in range(12):
            server.write(f"m{number}", room=NEW)
        await trio.sleep(10)
        server.faults["messages"] = [TokenRefused()]
        server.open_rooms.add(NEW)
        await until(lambda: len(server.said(NEW)) == 12)

    assert heard(gateway) == [f"m{number}" for number in range(12)]
    assert gateway.journal.keys == MOVED


async def test_a_return_into_a_room_goes_on_there(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = FakeHomeserver(autojump_clock)
    gateway = gateway_over(server, tmp_path)

    async with gateway.running():
        await started(server, gateway)
        server.write("one")
        await until(lambda: server.said() == ["echo: one"])
        server.put_out()
        await until(lambda: bool(gateway.directory.gone))
        server.invite(ROOM)
        await until(lambda: ROOM in server.joined)
        server.write("two")
        await until(lambda: server.said() == ["echo: one", "echo: two"])

    assert gateway.directory.gone == [RoomGone(HERE, "we are not in the room")]
    assert rooms(gateway) == {HERE}


async def test_with_a_room_its_threads_are_gone(autojump_clock: MockClock, tmp_path: Path) -> None:
    server = FakeHomeserver(autojump_clock)
    gateway = gateway_over(server, tmp_path, silent, threads=Threads.SESSION)
    relation = {"rel_type": "m.thread", "event_id": "$root"}

    async with gateway.running():
        await started(server, gateway)
        server.add({"msgtype": "m.text", "body": "inside", "m.relates_to": relation})
        await until(lambda: bool(heard(gateway)))
        server.put_out()
        await until(lambda: len(gateway.directory.gone) == 2)

    assert [gone.room for gone in gateway.directory.gone] == [HERE, f"{HERE}/$root"]


async def test_a_bot_that_cannot_read_where_it_may_go_waits_for_the_server(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = FakeHomeserver(autojump_clock, joined={ROOM, NEW}, creations={NEW: CONTINUES})
    gateway = gateway_over(server, tmp_path)
    faults: list[Reply] = [Unreachable("502"), Limited(3.0)]

    def create(method: str, path: str, body: Json | None) -> Reply:
        return faults.pop() if faults else answered(server, method, path, body)

    server.handlers["m.room.create"] = create

    async with gateway.running():
        await started(server, gateway)
        close(server)
        await until(lambda: gateway.journal.keys == MOVED)

    assert faults == []
