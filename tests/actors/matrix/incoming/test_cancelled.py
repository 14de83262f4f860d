"""The surface is cancelled at every one of its steps while it reads; nothing is lost or doubled."""

import tempfile
from collections import Counter
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from actors.matrix.settings import Pace
from protocols.ids import RoomId
from protocols.journal import Cursor, Voice
from tests.actors.matrix.fake_homeserver import (
    ALICE,
    BOT,
    ROOM,
    FakeHomeserver,
    gateway_over,
)
from tests.actors.matrix.fake_vault import FakeVault, sealed
from tests.actors.matrix.gateway import Gateway
from tests.actors.matrix.test_syncer_cancelled import CancelAt

HERE = RoomId(f"matrix/{ROOM}")
NEW, DIRECT = "!new:fake", "!direct:fake"
TEXTS = {"before", "late key", "> before\n\nreply", "after the move", "welcome"}


def prepared(server: FakeHomeserver, folder: Path, vault: FakeVault) -> Gateway:
    """A gateway that was there before; much has happened meanwhile."""
    gateway = gateway_over(server, folder, pace=Pace(0.2, 0.1, key_within=0.5), vault=vault)
    gateway.journal.cursors[f"matrix:{BOT}"] = Cursor(f"matrix:{BOT}", "s0")
    first = server.write("before")
    late = sealed({"msgtype": "m.text", "body": "late key"}, session="late")
    server.add(late, type="m.room.encrypted")
    reply = {"m.relates_to": {"m.in_reply_to": {"event_id": first}}}
    server.add({"msgtype": "m.text", "body": "reply", **reply})
    moved = {"body": "moved", "replacement_room": NEW}
    server.add(moved, type="m.room.tombstone", state_key="")
    server.write("after the move", room=NEW)
    server.invite(DIRECT)
    server.write("welcome", room=DIRECT)
    return gateway


def is_settled(gateway: Gateway) -> bool:
    heard = {row.text for row in gateway.journal.rows.values()}
    return heard == TEXTS and gateway.journal.keys == {f"matrix_moved:{NEW}": ROOM}


async def _two_lives(clock: MockClock, cancel: CancelAt, folder: Path) -> Gateway:
    server, vault = FakeHomeserver(clock), FakeVault()
    server.creations[NEW] = {"predecessor": {"room_id": ROOM}}
    server.open_rooms.add(NEW)
    gateway = prepared(server, folder, vault)

    async def give_key() -> None:
        await trio.sleep(3)
        vault.give("late")
        server.member("join", room=DIRECT, sender=ALICE)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(gateway._answer_all)
        nursery.start_soon(give_key)
        with cancel.scope:
            nursery.start_soon(_cancel_when_settled, gateway, cancel)
            await gateway.syncer().run()
        nursery.start_soon(gateway.syncer().run)
        await _until_settled(gateway)
        await trio.sleep(5)
        nursery.cancel_scope.cancel()
    assert sorted(server.account["m.direct"][ALICE]) == [DIRECT, ROOM]
    return gateway


async def _until_settled(gateway: Gateway) -> None:
    with trio.fail_after(3600):
        while not is_settled(gateway):  # noqa: ASYNC110  # time jumps here
            await trio.sleep(0.5)


async def _cancel_when_settled(gateway: Gateway, cancel: CancelAt) -> None:
    await _until_settled(gateway)
    cancel.scope.cancel()


def _run(step: int) -> int:
    """One run that is cancelled at *step*; how many steps there were before it."""
    clock, cancel = MockClock(autojump_threshold=0), CancelAt(step)

    with tempfile.TemporaryDirectory() as folder:
        gateway = trio.run(
            _two_lives, clock, cancel, Path(folder), clock=clock, instruments=[cancel]
        )

    rows = list(gateway.journal.rows.values())
    assert Counter(row.text for row in rows) == Counter(TEXTS)
    assert {row.room for row in rows} == {HERE, RoomId(f"matrix/{DIRECT}")}
    notices = [out for out in gateway.journal.outbox.values() if out.voice is Voice.GATEWAY]
    assert len(notices) <= 1
    return step - cancel.left


@pytest.mark.parametrize("stride", [17, pytest.param(1, marks=pytest.mark.full)])
def test_wherever_reading_is_cancelled_nothing_is_lost_or_doubled(stride: int) -> None:
    steps = _run(1_000_000)

    for step in range(1, steps, stride):
        _run(step)
