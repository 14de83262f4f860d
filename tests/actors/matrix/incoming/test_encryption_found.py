"""Whether a room is encrypted is found out before the first word goes there."""

from pathlib import Path

from trio.testing import MockClock

from actors.matrix.api.replies import Unreachable
from protocols.changes import AddOutgoing
from protocols.ids import RoomId
from protocols.journal import Voice
from protocols.surfaces import Deliver
from tests.actors.matrix.fake_homeserver import (
    ALICE,
    ROOM,
    FakeHomeserver,
    gateway_over,
    started,
)

HERE = RoomId(f"matrix/{ROOM}")


async def test_while_history_is_fetched_each_send_asks_whether_the_room_is_encrypted(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = FakeHomeserver(autojump_clock)
    server.joined.add("!busy:fake")
    gateway = gateway_over(server, tmp_path)

    async with gateway.running():
        await started(server, gateway)
        server.write("hello")
        await server.until(lambda: len(server.said()) == 1)
        server.faults["messages"] = [Unreachable("503")] * 5
        for number in range(30):
            server.write(f"m{number}", room="!busy:fake")
        await server.until(lambda: len(server.times("messages")) >= 2)
        (row, *_) = gateway.journal.rows.values()
        server.encrypt()
        gateway.commit(AddOutgoing(row.room, Voice.AGENT, "in the open"))
        await gateway.say(Deliver(row.room))
        await server.until(lambda: len(server.said("!busy:fake")) == 30)

    assert server.said() == ["echo: hello"]


async def test_encryption_that_nobody_told_us_of_is_found_before_the_first_word(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = FakeHomeserver(autojump_clock)
    server.encrypted.add(ROOM)
    gateway = gateway_over(server, tmp_path)
    gateway.commit(AddOutgoing(HERE, Voice.AGENT, "secret"))

    async with gateway.running():
        await server.until(lambda: bool(server.sent))

    assert server.said() == []
    assert [event["type"] for _, event in server.stream] == ["m.room.encrypted"]


async def test_while_the_sync_is_interrupted_each_send_asks_whether_the_room_is_encrypted(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = FakeHomeserver(autojump_clock)
    gateway = gateway_over(server, tmp_path)

    async with gateway.running():
        await started(server, gateway)
        server.write("hello")
        await server.until(lambda: bool(server.said()))
        server.faults["sync"] = [Unreachable("502")] * 5
        server.write("wakes the sync")
        await server.until(lambda: not server.faults["sync"][1:])
        server.encrypted.add(ROOM)
        gateway.commit(AddOutgoing(HERE, Voice.AGENT, "secret"))
        await gateway.say(Deliver(HERE))
        await server.until(lambda: len(server.times("encryption")) == 2)

    assert "secret" not in server.said()


async def test_while_the_sync_is_interrupted_an_open_room_is_asked_of_each_time(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = FakeHomeserver(autojump_clock)
    gateway = gateway_over(server, tmp_path)

    async with gateway.running():
        await started(server, gateway)
        server.faults["sync"] = [Unreachable("502")] * 3
        server.member("join", sender=ALICE)
        await server.until(lambda: len(server.faults["sync"]) < 3)
        gateway.commit(*(AddOutgoing(HERE, Voice.AGENT, str(number)) for number in range(3)))
        await gateway.say(Deliver(HERE))
        await server.until(lambda: server.said() == ["0", "1", "2"])
        asked = len(server.times("encryption"))

    assert asked == 3
