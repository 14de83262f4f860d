"""Refusals that are not the homeserver's: a proxy in front of it says no for a while."""

from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from actors.matrix.api.replies import Refused, Reply
from protocols.ids import RoomId
from tests.actors.matrix.fake_homeserver import (
    ALICE,
    ROOM,
    FakeHomeserver,
    gateway_over,
    started,
)
from tests.actors.matrix.fake_requests import answered
from tests.actors.matrix.gateway import Gateway

Json = dict[str, object]

NEW = "!new:fake"
NOT_MATRIX = [Refused(403, ""), Refused(404, "")]


def refusing(server: FakeHomeserver, part: str, *, times: int = 1, method: str = "GET") -> None:
    """The next requests whose path has *part* are refused by a proxy."""
    left = [Refused(404, "")] * times

    def handle(asked: str, path: str, body: Json | None) -> Reply:
        return left.pop() if asked == method and left else answered(server, asked, path, body)

    server.handlers[part] = handle


def heard(gateway: Gateway) -> list[str]:
    return [row.text for row in gateway.journal.rows.values()]


@pytest.mark.parametrize("fault", NOT_MATRIX)
async def test_history_that_a_proxy_refuses_is_asked_for_again(
    autojump_clock: MockClock, tmp_path: Path, fault: Refused
) -> None:
    server = FakeHomeserver(autojump_clock)
    gateway = gateway_over(server, tmp_path)
    async with gateway.running():
        await started(server, gateway)
    for number in range(30):
        server.write(f"m{number}")
    server.faults["messages"] = [fault, fault]

    async with gateway.running():
        await server.until(lambda: len(server.said()) >= 10)

    assert heard(gateway) == [f"m{number}" for number in range(30)]


async def test_a_list_of_direct_chats_that_a_proxy_keeps_back_makes_no_groups(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = FakeHomeserver(autojump_clock, groups={ROOM}, account={"m.direct": {ALICE: [ROOM]}})
    gateway = gateway_over(server, tmp_path)
    refusing(server, "m.direct", times=2)

    async with gateway.running():
        await started(server, gateway)
        server.write("hello")
        server.write("another", sender="@bob:fake")
        await trio.sleep(100)

    assert heard(gateway) == ["hello", "another"]


async def test_a_room_whose_invitation_a_proxy_keeps_back_is_no_group(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = FakeHomeserver(autojump_clock)
    gateway = gateway_over(server, tmp_path)
    refusing(server, "m.room.member")

    async with gateway.running():
        await started(server, gateway)
        server.write("hello")
        await trio.sleep(100)

    assert heard(gateway) == ["hello"]


async def test_a_list_of_direct_chats_that_cannot_be_read_is_not_overwritten(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    listed = {"@bob:fake": ["!bob:fake"]}
    server = FakeHomeserver(autojump_clock, account={"m.direct": dict(listed)})
    gateway = gateway_over(server, tmp_path)

    async with gateway.running():
        await started(server, gateway)
        refusing(server, "m.direct", times=2)
        server.invite(NEW)
        await server.until(lambda: NEW in server.joined)

    assert server.account["m.direct"] == {**listed, ALICE: [NEW]}


async def test_a_new_room_whose_beginning_a_proxy_keeps_back_is_not_left(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    continues = {"predecessor": {"room_id": ROOM}}
    server = FakeHomeserver(autojump_clock, open_rooms={NEW}, creations={NEW: continues})
    gateway = gateway_over(server, tmp_path)

    async with gateway.running():
        await started(server, gateway)
        ending = {"body": "moved", "replacement_room": NEW}
        server.add(ending, type="m.room.tombstone", state_key="")
        await server.until(lambda: NEW in server.joined)
        refusing(server, "m.room.create")
        server.write("after", room=NEW)
        await server.until(lambda: bool(server.said(NEW)))

    assert not server.times("leave")
    assert {row.room for row in gateway.journal.rows.values()} == {RoomId(f"matrix/{ROOM}")}


async def test_a_proxy_does_not_make_us_forget_how_far_we_have_read(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = FakeHomeserver(autojump_clock)
    gateway = gateway_over(server, tmp_path)

    async with gateway.running():
        await started(server, gateway)
        server.faults["sync"] = [Refused(400, "")] * 5
        server.write("hello")
        await server.until(lambda: bool(server.said()))

    assert [call.words[0] for call in server.calls if call.name == "sync"].count("") == 1
