"""What a kill at the worst moment leaves behind."""

import shutil
from pathlib import Path

import pytest
import trio

from tests.actors.matrix.crypto.key_server import KeyServer, Party, opened, party


@pytest.fixture
def server() -> KeyServer:
    return KeyServer()


@pytest.fixture
async def ann(server: KeyServer, nursery: trio.Nursery, tmp_path: Path) -> Party:
    return await opened(nursery, server, tmp_path, "@ann:fake", "PHONE")


async def test_a_page_that_comes_again_after_a_kill_is_read_again(
    server: KeyServer, nursery: trio.Nursery, tmp_path: Path, ann: Party
) -> None:
    first = await opened(nursery, server, tmp_path)
    event = await ann.say("hi")
    page = first.client.page()
    await first.vault.receive(page)
    killed(tmp_path)

    bot = await opened(nursery, server, tmp_path / "killed")
    before = bot.client.names()
    await bot.vault.receive(page)

    assert bot.read(event) == "hi"
    assert bot.vault.take_new_keys() == {event["content"]["session_id"]}
    assert not bot.vault._open_parts.wedged.is_owing
    assert bot.client.names() == before


async def test_a_page_that_was_taken_halfway_is_taken_whole(
    server: KeyServer, nursery: trio.Nursery, tmp_path: Path, ann: Party
) -> None:
    rooms = [f"!r{number}:fake" for number in range(10)]
    first = await opened(nursery, server, tmp_path)
    for user in ("@ann:fake", "@bot:fake"):
        for room in rooms:
            server.enter(user, room)
    events = [await ann.say(room, room) for room in rooms]
    page = first.client.page()
    with trio.CancelScope() as scope:
        nursery.start_soon(_cancel_soon, scope)
        await first.vault.receive(page)
    is_half = 0 < len(first.vault.take_new_keys()) < len(rooms)
    first.vault.close()

    bot = await opened(nursery, server, tmp_path)
    await bot.vault.receive(page)

    assert scope.cancelled_caught
    assert is_half
    assert [bot.read(event, room) for event, room in zip(events, rooms, strict=True)] == rooms


async def test_after_a_restart_both_sides_go_on(
    server: KeyServer, nursery: trio.Nursery, tmp_path: Path, ann: Party
) -> None:
    bot = await opened(nursery, server, tmp_path)
    await bot.say("one")
    await ann.hear()
    await ann.say("two")
    await bot.hear()
    bot.vault.close()

    bot = await opened(nursery, server, tmp_path)
    asked = await ann.say("three")
    await bot.hear()
    answer = await bot.say("four")
    await ann.hear()

    assert bot.read(asked) == "three"
    assert ann.read(answer) == "four"
    assert "keys/claim" not in bot.client.names()


async def test_a_session_that_was_used_before_a_kill_is_never_used_twice(
    server: KeyServer, nursery: trio.Nursery, tmp_path: Path, ann: Party
) -> None:
    def kill(name: str) -> None:
        if name == "sendToDevice":
            killed(tmp_path)

    first = await opened(nursery, server, tmp_path)
    first.client.before = kill
    before = await first.say("one")
    bot = await opened(nursery, server, tmp_path / "killed")
    after = await bot.say("two")

    await ann.hear()

    assert [ann.read(before), ann.read(after)] == ["one", "two"]
    assert not ann.vault._open_parts.wedged.is_owing


async def test_devices_that_changed_while_we_were_down_get_the_key(
    server: KeyServer, nursery: trio.Nursery, tmp_path: Path, ann: Party
) -> None:
    first = await opened(nursery, server, tmp_path)
    await first.say("one")
    first.vault.close()
    laptop = await opened(nursery, server, tmp_path, "@ann:fake", "LAPTOP")
    bot = party(server, tmp_path / "@bot:fakeBOT")
    await bot.vault.open(bot.session)

    event = await bot.say("two")

    await laptop.hear()
    await ann.hear()
    assert [laptop.read(event), ann.read(event)] == ["two", "two"]
    bot.vault.close()


def killed(folder: Path, user: str = "@bot:fakeBOT") -> None:
    """Put in ``killed`` what a kill at this moment would leave of *user*'s store."""
    shutil.copytree(folder / user, folder / "killed" / user)


async def _cancel_soon(scope: trio.CancelScope) -> None:
    await trio.lowlevel.checkpoint()
    scope.cancel()
