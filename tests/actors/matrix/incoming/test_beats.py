"""The surface says that it hears, each time that it does."""

from pathlib import Path
from typing import Any

from attrs import define
from trio.testing import MockClock

from actors.matrix.api.replies import Limited, Unreachable
from tests.actors.matrix.fake_homeserver import FakeHomeserver, gateway_over, started


@define
class Beats:
    """A life that counts what its actor has done."""

    beats: int = 0

    def beat(self) -> None:
        self.beats += 1

    def ready(self) -> None:
        """Not looked at."""

    def note(self, text: str) -> None:
        """Not looked at."""

    def wait_began(self, wait: Any) -> None:
        """Not looked at."""

    def wait_ended(self, wait: Any) -> None:
        """Not looked at."""


async def test_each_completed_sync_is_a_beat_and_a_failed_one_is_none(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = FakeHomeserver(autojump_clock)
    server.faults["sync"] = [Unreachable("ClientConnectorError"), Limited(3.0)]
    gateway = gateway_over(server, tmp_path)
    gateway.life = life = Beats()

    async with gateway.running():
        await server.until(lambda: not server.faults["sync"])
        assert life.beats == 0
        await started(server, gateway)
        await server.until(lambda: life.beats >= 2)
