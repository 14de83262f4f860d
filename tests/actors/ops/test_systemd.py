import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trio
from structlog.testing import capture_logs

from actors.ops.systemd import SystemdNotifier
from protocols.lifecycle import ActorState
from tests.actors.ops.rig import FakeControl, actor


@pytest.fixture
async def heard(tmp_path: Path) -> AsyncIterator[trio.socket.SocketType]:
    """What systemd would hear at ``tmp_path / "notify"``."""
    with trio.socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        await listening.bind(str(tmp_path / "notify"))
        yield listening


async def words(heard: trio.socket.SocketType) -> str:
    with trio.fail_after(5):
        return (await heard.recv(4096)).decode()


async def test_it_says_that_all_is_up_then_that_it_lives_then_that_it_stops(
    heard: trio.socket.SocketType, tmp_path: Path
) -> None:
    control = FakeControl()
    notifier = SystemdNotifier(control, str(tmp_path / "notify"), every=0.01)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(notifier.run)
        assert await words(heard) == "READY=1"
        assert await words(heard) == "WATCHDOG=1\nSTATUS=2 actors"
        assert await words(heard) == "WATCHDOG=1\nSTATUS=2 actors"
        control.is_stopping = True
        nursery.cancel_scope.cancel()
    said = await words(heard)
    while said != "STOPPING=1":
        assert said.startswith("WATCHDOG=1")
        said = await words(heard)


async def test_an_actor_that_is_stuck_lets_the_watchdog_starve_and_a_session_does_not(
    heard: trio.socket.SocketType, tmp_path: Path
) -> None:
    control = FakeControl((actor("sessions/matrix/!a:s", state=ActorState.STUCK),))
    notifier = SystemdNotifier(control, str(tmp_path / "notify"), every=0.01)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(notifier.run)
        assert await words(heard) == "READY=1"
        assert (await words(heard)).startswith("WATCHDOG=1")
        control.views = (actor("store", state=ActorState.STUCK),)
        while (said := await words(heard)).startswith("WATCHDOG=1"):
            pass
        nursery.cancel_scope.cancel()

    assert said == "STATUS=stuck: store"


async def test_a_notifier_that_starts_again_says_nothing_of_a_stop(
    heard: trio.socket.SocketType, tmp_path: Path
) -> None:
    notifier = SystemdNotifier(FakeControl(), str(tmp_path / "notify"))
    for _ in range(2):
        with trio.move_on_after(0.05):
            await notifier.run()

    assert [await words(heard) for _ in range(4)] == 2 * ["READY=1", "WATCHDOG=1\nSTATUS=2 actors"]


async def test_an_abstract_address_is_reached(tmp_path: Path) -> None:
    name = f"agent-surfaces-{tmp_path.name}-{id(tmp_path)}"
    with trio.socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        await listening.bind(f"\0{name}")
        with trio.move_on_after(0.05):
            await SystemdNotifier(FakeControl(), f"@{name}").run()

        assert await words(listening) == "READY=1"


async def test_nobody_listening_is_logged_and_ends_nothing(tmp_path: Path) -> None:
    with capture_logs() as logged, trio.move_on_after(0.05):
        await SystemdNotifier(FakeControl(), str(tmp_path / "nobody"), every=0.01).run()

    assert {line["event"] for line in logged} == {"systemd.not_told"}
