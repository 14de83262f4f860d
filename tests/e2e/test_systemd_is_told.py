"""Under systemd: the real program says when it is up, that it lives, and that it stops."""

import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trio

from tests.rigs.program import LIMIT, Program, program


@pytest.fixture
async def heard(tmp_path: Path) -> AsyncIterator[trio.socket.SocketType]:
    """What systemd would hear at ``tmp_path / "notify"``."""
    with trio.socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        await listening.bind(str(tmp_path / "notify"))
        yield listening


async def _words(heard: trio.socket.SocketType) -> str:
    with trio.fail_after(LIMIT):
        return (await heard.recv(4096)).decode()


async def _stop_words(heard: trio.socket.SocketType) -> str:
    """What comes behind the signs of life."""
    while (said := await _words(heard)).startswith("WATCHDOG=1"):
        pass
    return said


def _service(folder: Path) -> dict[str, str]:
    return {"NOTIFY_SOCKET": str(folder / "notify"), "WATCHDOG_USEC": "400000"}


async def _is_up(it: Program) -> None:
    tree = await it.tree()
    assert {actor["state"] for actor in tree.values()} == {"up"}


async def test_ready_comes_once_the_tree_is_up_and_stopping_at_sigterm(
    tmp_path: Path, heard: trio.socket.SocketType
) -> None:
    async with program(tmp_path, OPS_BIND="127.0.0.1:0", **_service(tmp_path)) as it:
        await it.start()
        assert await _words(heard) == "READY=1"
        await _is_up(it)
        for _ in range(3):
            assert (await _words(heard)).startswith("WATCHDOG=1\nSTATUS=")

        assert await it.end() == 0
        assert await _stop_words(heard) == "STOPPING=1"


async def test_a_notifier_that_is_killed_says_nothing_of_a_stop(
    tmp_path: Path, heard: trio.socket.SocketType
) -> None:
    async with program(tmp_path, **_service(tmp_path)) as it:
        await it.start()
        assert await _words(heard) == "READY=1"

        assert (await it.debug("kill", "systemd")).returncode == 0
        await it.logged("actor.crashed")

        assert await _stop_words(heard) == "READY=1"
        assert (await _words(heard)).startswith("WATCHDOG=1")
        await it.end()
