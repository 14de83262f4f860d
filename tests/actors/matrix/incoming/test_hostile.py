"""People who do what the protocol lets them, more often than anybody means it."""

from pathlib import Path

import trio
from structlog.testing import capture_logs
from trio.testing import MockClock

from actors.matrix.incoming.upgrades import FOLLOW_PREFIX
from protocols.ids import PersonId
from tests.actors.matrix.fake_homeserver import (
    ALICE,
    FakeHomeserver,
    gateway_over,
    started,
)

ALICE_ID = PersonId(f"matrix:{ALICE}")
EVE = "@eve:fake"


async def test_invitations_that_nobody_takes_do_not_pile_up(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = FakeHomeserver(autojump_clock)
    gateway = gateway_over(server, tmp_path)
    gateway.directory.allowed = {ALICE_ID}

    with capture_logs() as logs:
        async with gateway.running():
            await started(server, gateway)
            for number in range(1100):
                room = f"!spam{number}:fake"
                member = server.member("invite", room=room, sender=EVE)
                server.invited[room] = {"invite_state": {"events": [member]}}
            await trio.sleep(600)
            server.invited.clear()
            server.invite("!new:fake")
            await server.until(lambda: "!new:fake" in server.joined)

    assert len(gateway.journal.keys) <= 1000
    assert len([entry for entry in logs if entry["event"] == "invite.left_pending"]) <= 1100


async def test_a_room_that_names_one_replacement_after_another_is_followed_to_the_last_only(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = FakeHomeserver(autojump_clock)
    gateway = gateway_over(server, tmp_path)

    async with gateway.running():
        await started(server, gateway)
        for number in range(20):
            content = {"body": "moved", "replacement_room": f"!new{number}:fake"}
            server.add(content, type="m.room.tombstone", state_key="")
            await trio.sleep(1)

    assert [*gateway.journal.keys] == [f"{FOLLOW_PREFIX}!new19:fake"]
