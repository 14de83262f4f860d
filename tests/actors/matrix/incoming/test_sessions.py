"""Sessions that begin late, end early, and are renewed."""

from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from actors.kernel.child import ParkedError
from actors.matrix.api.homeserver import Session
from actors.matrix.api.login import SessionFile
from actors.matrix.api.replies import Reply, TokenRefused, Unreachable
from protocols.changes import AddOutgoing
from protocols.ids import RoomId
from protocols.journal import Voice
from protocols.surfaces import Deliver
from tests.actors.matrix.fake_homeserver import (
    BOT,
    ROOM,
    FakeHomeserver,
    Json,
    gateway_over,
    started,
)
from tests.actors.matrix.fake_requests import answered

HERE = RoomId(f"matrix/{ROOM}")


async def test_a_server_that_is_away_at_the_start_keeps_nobody_waiting(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = FakeHomeserver(autojump_clock)
    server.faults["versions"] = [Unreachable("ClientConnectorError")] * 5
    gateway = gateway_over(server, tmp_path)
    gateway.commit(AddOutgoing(HERE, Voice.GATEWAY, "waits"))

    async with gateway.running():
        for _ in range(1000):
            await gateway.say(Deliver(HERE))
        await server.until(lambda: bool(server.said()))

    assert server.said() == ["waits"]


async def test_a_stop_before_the_server_was_ever_there_is_quick(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = FakeHomeserver(autojump_clock)
    server.faults["versions"] = [Unreachable("ClientConnectorError")] * 100
    gateway = gateway_over(server, tmp_path)

    async with gateway.running():
        await server.until(lambda: bool(server.times("versions")))
        began = trio.current_time()

    assert trio.current_time() - began < 1


async def test_a_token_that_is_refused_while_running_is_renewed_by_password_once(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = FakeHomeserver(autojump_clock)
    gateway = gateway_over(server, tmp_path)

    async with gateway.running():
        await started(server, gateway)
        server.tokens.clear()
        server.write("hello")
        await server.until(lambda: bool(server.said()))

    assert server.said() == ["echo: hello"]
    first, second = [call.words[1] for call in server.calls if call.name == "log_in"]
    assert first == second


async def test_a_session_that_is_ended_again_and_again_parks_the_surface(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = FakeHomeserver(autojump_clock)
    server.faults["sync"] = [TokenRefused()] * 9
    gateway = gateway_over(server, tmp_path)

    with pytest.raises(ParkedError, match="ended the session twice"):
        await gateway.syncer().run()

    assert server.is_closed
    assert len(server.times("log_in")) == 2


async def test_a_given_token_that_is_refused_parks_the_surface(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = FakeHomeserver(autojump_clock)
    server.faults["sync"] = [TokenRefused()]
    gateway = gateway_over(server, tmp_path, token="token1")

    with pytest.raises(ParkedError, match="set MATRIX_ACCESS_TOKEN"):
        await gateway.syncer().run()


async def test_a_password_that_is_wrong_by_now_parks_the_surface(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = FakeHomeserver(autojump_clock)
    server.faults["sync"] = [TokenRefused()]
    gateway = gateway_over(server, tmp_path, password="wrong")
    SessionFile(gateway.settings.store_path / "session.json").keep(
        "http://fake", Session(BOT, "DEVICE1", "token1")
    )

    with pytest.raises(ParkedError, match="MATRIX_PASSWORD"):
        await gateway.syncer().run()


@pytest.mark.parametrize("part", ["/profile/", "m.direct"])
async def test_a_session_that_ends_before_the_first_page_is_renewed(
    autojump_clock: MockClock, tmp_path: Path, part: str
) -> None:
    server = FakeHomeserver(autojump_clock)
    gateway = gateway_over(server, tmp_path)
    refused: list[Reply] = [TokenRefused()]

    def refuse(method: str, path: str, body: Json | None) -> Reply:
        return refused.pop() if refused else answered(server, method, path, body)

    server.handlers[part] = refuse

    async with gateway.running():
        await started(server, gateway)
        server.write("hello")
        await server.until(lambda: bool(server.said()))

    assert len(server.times("log_in")) == 2
