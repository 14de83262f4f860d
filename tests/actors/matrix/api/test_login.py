import json
import re
import stat
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest
import trio
from structlog.typing import EventDict
from trio.testing import MockClock

from actors.kernel.child import ParkedError
from actors.matrix.api.homeserver import Session
from actors.matrix.api.login import Door, KeptSession, LoginRefused, SessionFile
from actors.matrix.api.replies import (
    NO_JSON,
    BadCertificate,
    Done,
    Limited,
    Refused,
    Reply,
    TokenRefused,
    Unreachable,
)
from actors.matrix.api.status import Status
from actors.matrix.settings import MatrixSettings
from tests.actors.matrix.fake_homeserver import BOT, FakeHomeserver, gateway_over, started
from tests.actors.matrix.gateway import Gateway
from tests.actors.matrix.raw_homeserver import self_signed

KEPT = Session(BOT, "DEVICE1", "token1")


def door_to(server: FakeHomeserver, folder: Path, **more: str) -> Door:
    words = {"user_id": BOT, "password": "right", "access_token": "", "device_id": "", **more}
    settings = MatrixSettings(
        homeserver="http://fake",
        store_path=folder / "m",
        user_id=words["user_id"],
        password=words["password"],
        access_token=words["access_token"],
        device_id=words["device_id"],
    )
    return Door(server, settings, Status())


def keep(folder: Path, session: Session = KEPT, homeserver: str = "http://fake") -> SessionFile:
    file = SessionFile(folder / "m" / "session.json")
    file.keep(homeserver, session)
    return file


async def test_the_password_is_used_once_and_its_session_kept_for_its_owner_only(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = FakeHomeserver(autojump_clock)

    first = await door_to(server, tmp_path).enter()
    second = await door_to(server, tmp_path).enter()

    assert first == second == server.session
    assert len(server.times("log_in")) == 1
    path = tmp_path / "m" / "session.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert "right" not in path.read_text()


async def test_a_kept_session_that_is_refused_is_renewed_on_the_same_device(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = FakeHomeserver(autojump_clock, tokens=set())
    keep(tmp_path)

    found = await door_to(server, tmp_path).enter()

    assert isinstance(found, Session)
    assert found.device_id == "DEVICE1"
    assert SessionFile(tmp_path / "m" / "session.json").read() == KeptSession("http://fake", found)


async def test_a_kept_session_outlasts_a_proxy_that_refuses_for_a_while(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = FakeHomeserver(autojump_clock)
    server.faults["whoami"] = [Refused(404, "")] * 8
    keep(tmp_path)

    assert await door_to(server, tmp_path, password="").enter() == KEPT


async def test_a_kept_session_that_is_refused_without_a_password_parks(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = FakeHomeserver(autojump_clock, tokens=set())
    keep(tmp_path)

    found = await door_to(server, tmp_path, password="").enter()

    assert found == LoginRefused("no valid session: set MATRIX_PASSWORD or MATRIX_ACCESS_TOKEN")


@pytest.mark.parametrize(
    ("session", "homeserver", "device_id"),
    [
        (Session("@other:fake", "DEVICE1", "token1"), "http://fake", ""),
        (KEPT, "http://elsewhere", ""),
        (KEPT, "http://fake", "DEVICE9"),
    ],
)
async def test_a_kept_session_of_another_account_server_or_device_is_not_used(
    autojump_clock: MockClock, tmp_path: Path, session: Session, homeserver: str, device_id: str
) -> None:
    server = FakeHomeserver(autojump_clock)
    keep(tmp_path, session, homeserver)

    found = await door_to(server, tmp_path, device_id=device_id).enter()

    assert isinstance(found, Session)
    assert found.access_token != "token1"
    assert found.device_id == device_id or found.device_id != "DEVICE1"


@pytest.mark.parametrize(
    "text", ["", "nonsense", "[]", "{}", '{"homeserver": 1}', '"x"', "\udcff", "\x00"]
)
def test_a_session_file_that_cannot_be_read_is_as_good_as_none(tmp_path: Path, text: str) -> None:
    path = tmp_path / "session.json"
    path.write_bytes(text.encode(errors="surrogateescape"))

    assert SessionFile(path).read() is None


def test_a_session_file_with_words_of_the_wrong_kind_is_as_good_as_none(tmp_path: Path) -> None:
    path = tmp_path / "session.json"
    keys = ("homeserver", "user_id", "device_id", "access_token")
    path.write_text(json.dumps(dict.fromkeys(keys, 7)))

    assert SessionFile(path).read() is None


def test_a_session_is_kept_over_what_an_earlier_try_left(tmp_path: Path) -> None:
    file = SessionFile(tmp_path / "session.json")
    file.path.with_suffix(".new").write_text("half")

    file.keep("http://fake", KEPT)

    assert file.read() == KeptSession("http://fake", KEPT)
    assert [path.name for path in tmp_path.iterdir()] == ["session.json"]


async def test_a_session_that_cannot_be_kept_parks_and_names_the_folder(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = FakeHomeserver(autojump_clock)
    (tmp_path / "m").write_text("a file where the folder should be")

    found = await door_to(server, tmp_path).enter()

    assert isinstance(found, LoginRefused)
    assert "MATRIX_STORE_PATH" in found.reason


async def test_a_given_token_is_used_without_a_login(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = FakeHomeserver(autojump_clock)

    found = await door_to(server, tmp_path, access_token="token1", user_id="").enter()

    assert found == server.session == Session(BOT, "DEVICE1", "token1")
    assert server.times("log_in") == []


@pytest.mark.parametrize(
    ("faults", "more", "names"),
    [
        ({"versions": [Refused(404, "")] * 4}, {}, "MATRIX_HOMESERVER"),
        ({"versions": [Done({"hello": "world"})]}, {}, "MATRIX_HOMESERVER"),
        ({}, {"password": "wrong"}, "MATRIX_PASSWORD"),
        ({"log_in": [Refused(400, "M_INVALID_USERNAME")]}, {}, "MATRIX_USER_ID"),
        ({"log_in": [Done({"user_id": BOT})]}, {}, "MATRIX_HOMESERVER"),
        ({"log_in": [TokenRefused()]}, {}, "MATRIX_HOMESERVER"),
        ({"log_in": [Refused(404, "M_UNRECOGNIZED")]}, {}, "MATRIX_HOMESERVER"),
        ({"log_in": [Refused(400, "M_UNKNOWN")]}, {}, "MATRIX_ACCESS_TOKEN"),
        ({"log_in": [Refused(403, "M_USER_DEACTIVATED")]}, {}, "the account is deactivated"),
        ({"log_in": [TokenRefused("M_USER_LOCKED")]}, {}, "the account is locked"),
        ({"whoami": [TokenRefused("M_USER_LOCKED")]}, {"access_token": "token1"}, "locked"),
        ({"whoami": [Refused(403, "M_USER_DEACTIVATED")]}, {"access_token": "x"}, "deactivated"),
        ({"whoami": [Done({"user_id": BOT})]}, {"access_token": "token1"}, "to no device"),
        (
            {"whoami": [Done({"user_id": BOT, "device_id": ""})]},
            {"access_token": "token1", "device_id": "DEVICE1"},
            "to no device",
        ),
        ({"versions": [BadCertificate()]}, {}, "MATRIX_HOMESERVER"),
        ({"versions": [Unreachable(NO_JSON)] * 4}, {}, "MATRIX_HOMESERVER"),
        ({}, {"user_id": "@Bot:fake", "access_token": "token1"}, "MATRIX_USER_ID"),
        ({}, {"device_id": "OTHER", "access_token": "token1"}, "MATRIX_DEVICE_ID"),
        ({}, {"access_token": "wrong"}, "MATRIX_ACCESS_TOKEN"),
        ({"whoami": [Done({})]}, {"access_token": "token1"}, "MATRIX_ACCESS_TOKEN"),
        ({"whoami": [Refused(403, "M_FORBIDDEN")]}, {"access_token": "token1"}, "ACCESS_TOKEN"),
    ],
)
async def test_what_a_person_has_to_mend_is_named(
    autojump_clock: MockClock,
    tmp_path: Path,
    faults: dict[str, list[Reply]],
    more: dict[str, str],
    names: str,
) -> None:
    server = FakeHomeserver(autojump_clock)
    server.faults.update(faults)

    found = await door_to(server, tmp_path, **more).enter()

    assert isinstance(found, LoginRefused)
    assert names in found.reason
    assert "right" not in found.reason
    assert "token1" not in found.reason
    assert server.session is None


async def test_a_login_as_somebody_else_is_refused(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = FakeHomeserver(autojump_clock)
    words = {"user_id": "@x:fake", "device_id": "D", "access_token": "t"}
    server.faults["log_in"] = [Done(words)]

    found = await door_to(server, tmp_path).enter()

    assert found == LoginRefused("the login is of @x:fake: set MATRIX_USER_ID")


async def test_a_login_waits_as_long_as_it_is_told(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = FakeHomeserver(autojump_clock)
    server.faults["log_in"] = [Limited(296.0), Unreachable("502")]

    found = await door_to(server, tmp_path).enter()

    assert isinstance(found, Session)
    first, second, _ = server.times("log_in")
    assert second - first == 296.0


async def test_a_login_whose_answer_is_lost_leaves_no_second_device(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = FakeHomeserver(autojump_clock)
    server.faults["log_in"] = [Unreachable("no answer in time"), Unreachable("502")]

    found = await door_to(server, tmp_path).enter()

    assert isinstance(found, Session)
    asked = [call.words[1] for call in server.calls if call.name == "log_in"]
    assert asked == [found.device_id] * 3
    assert re.fullmatch(r"[A-Z]{10}", found.device_id)


async def test_a_login_that_a_kill_cut_off_is_repeated_for_the_same_device(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = FakeHomeserver(autojump_clock)
    server.faults["log_in"] = [Limited(3600.0)]
    with trio.move_on_after(60):
        await door_to(server, tmp_path).enter()

    found = await door_to(server, tmp_path).enter()

    assert isinstance(found, Session)
    first, second = [call.words[1] for call in server.calls if call.name == "log_in"]
    assert first == second == found.device_id


async def test_a_device_that_cannot_be_written_down_is_not_logged_in(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = FakeHomeserver(autojump_clock)
    (tmp_path / "m").write_text("a file where the folder should be")

    await door_to(server, tmp_path).enter()

    assert server.times("log_in") == []


async def test_a_refused_password_is_tried_once(autojump_clock: MockClock, tmp_path: Path) -> None:
    server = FakeHomeserver(autojump_clock)

    await door_to(server, tmp_path, password="wrong").enter()

    assert len(server.times("log_in")) == 1


async def test_a_locked_account_keeps_its_session_and_is_not_logged_in_again(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = FakeHomeserver(autojump_clock)
    file = keep(tmp_path)
    server.faults["whoami"] = [TokenRefused("M_USER_LOCKED")]

    found = await door_to(server, tmp_path).enter()

    assert isinstance(found, LoginRefused)
    assert "locked" in found.reason
    assert server.times("log_in") == []
    assert file.read() == KeptSession("http://fake", KEPT)


async def test_a_server_that_was_matrix_before_is_waited_for_through_nonsense(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = FakeHomeserver(autojump_clock)
    keep(tmp_path)
    server.faults["versions"] = [Unreachable(NO_JSON), Refused(404, "")] * 10

    assert await door_to(server, tmp_path).enter() == KEPT


async def test_a_server_that_is_down_is_waited_for(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = FakeHomeserver(autojump_clock)
    server.faults["versions"] = [*[Unreachable("ClientConnectorError")] * 20, Limited(100.0)]

    assert isinstance(await door_to(server, tmp_path).enter(), Session)


@pytest.mark.parametrize(
    ("fault", "said"),
    [([], "refused the token"), ([TokenRefused("M_USER_LOCKED")], "the account is locked")],
)
async def test_a_token_that_is_refused_meanwhile_is_not_used_again(
    autojump_clock: MockClock, tmp_path: Path, fault: list[Reply], said: str
) -> None:
    server = FakeHomeserver(autojump_clock)
    server.faults["whoami"] = fault

    found = await door_to(server, tmp_path, access_token="token1").enter_again()

    assert isinstance(found, LoginRefused)
    assert said in found.reason


async def test_a_refused_login_parks_the_surface_with_one_line(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    gateway = gateway_over(FakeHomeserver(autojump_clock), tmp_path, password="wrong")

    with pytest.raises(ParkedError, match=r"^the homeserver refused the login: set MATRIX_USER_ID"):
        await gateway.syncer().run()


async def test_a_bad_certificate_parks_the_surface_with_one_line(
    tmp_path: Path, logs: list[EventDict]
) -> None:
    async def serve(stream: trio.SSLStream[trio.SocketStream]) -> None:
        with suppress(trio.BrokenResourceError):
            await stream.do_handshake()

    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(
            partial(trio.serve_ssl_over_tcp, serve, 0, self_signed(tmp_path), host="127.0.0.1")
        )
        port = listeners[0].transport_listener.socket.getsockname()[1]
        settings = MatrixSettings(f"https://127.0.0.1:{port}", BOT, tmp_path / "m", "right")
        with trio.fail_after(20), pytest.raises(ParkedError) as error:
            await Gateway(settings).syncer().run()
        nursery.cancel_scope.cancel()

    said = str(error.value)
    assert "certificate" in said
    assert said.endswith("set MATRIX_HOMESERVER")
    assert not [line for line in logs if line["log_level"] != "info"]


async def test_after_the_password_is_mended_it_works(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = FakeHomeserver(autojump_clock)
    gateway = gateway_over(server, tmp_path)

    async with gateway.running():
        await started(server, gateway)

    assert server.session is not None
