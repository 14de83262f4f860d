"""The identity against a homeserver in memory that wants silence, fails and talks nonsense."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
import trio
from attrs import define, field
from Crypto.PublicKey import ECC
from structlog.typing import EventDict
from trio.testing import MockClock

from actors.matrix.api.homeserver import Session
from actors.matrix.api.replies import Done, Limited, Refused, Reply, TokenRefused, Unreachable
from actors.matrix.api.status import Status
from actors.matrix.crypto.cross_signing import CrossSigning
from actors.matrix.settings import MatrixSettings
from tests.actors.matrix.crypto.olm_device import (
    OlmDevice,
    bytes_of,
    public_of,
    published_form,
    verify,
)
from tests.actors.matrix.fake_homeserver import BOT, FakeHomeserver
from tests.rigs.synapse import Account

Json = dict[str, Any]

DEVICE = OlmDevice(Account(BOT, "right", "token1", "DEVICE1"))


@define
class Keys:
    """The key requests of one account, kept as a server keeps them."""

    shown: Json = field(factory=lambda: {"device_keys": {BOT: {"DEVICE1": DEVICE.keys}}})
    data: dict[str, Json] = field(factory=dict)
    calls: int = 0
    faults: dict[int, list[Reply]] = field(factory=dict)
    """Replies instead of that of a request, by its number."""

    def answer(self, method: str, path: str, body: Json | None) -> Reply:
        if waiting := self.faults.get(self.calls):
            return waiting.pop(0)
        self.calls += 1
        return self._answer(method, path, body or {})

    def _answer(self, method: str, path: str, body: Json) -> Reply:
        if "keys/query" in path:
            return Done(json.loads(json.dumps(self.shown)))
        if "device_signing" in path:
            for name, key in body.items():
                self.shown.setdefault(f"{name}s", {})[BOT] = key
            return Done({})
        if "signatures" in path:
            for name, value in body[BOT].items():
                devices = self.shown["device_keys"][BOT]
                there = devices.get(name) or self.shown["master_keys"][BOT]
                there.setdefault("signatures", {}).setdefault(BOT, {}).update(
                    value["signatures"][BOT]
                )
            return Done({"failures": {}})
        kind = unquote(path.rpartition("/")[2])
        if method == "PUT":
            self.data[kind] = body
            return Done({})
        return Done(self.data[kind]) if kind in self.data else Refused(404, "M_NOT_FOUND")

    def check(self) -> None:
        """Raise unless the device is signed by a whole identity."""
        master = self.shown["master_keys"][BOT]
        ((key_id, public),) = master["keys"].items()
        for usage in ("self_signing", "user_signing"):
            verify(self.shown[f"{usage}_keys"][BOT], BOT, key_id, public)
        ((key_id, public),) = self.shown["self_signing_keys"][BOT]["keys"].items()
        verify(self.shown["device_keys"][BOT]["DEVICE1"], BOT, key_id, public)
        assert len(self.data) == 5


def signing_on(
    clock: MockClock, folder: Path, answer: Callable[[str, str, Json | None], Reply]
) -> CrossSigning:
    server = FakeHomeserver(clock)
    server.use(Session(BOT, "DEVICE1", "token1"))
    server.handlers[""] = answer
    settings = MatrixSettings("http://fake", BOT, folder / "m", password="right")
    return CrossSigning(server, settings, Status(), DEVICE.signed)


@pytest.mark.parametrize("number", range(12))
async def test_each_step_waits_for_a_server_that_is_away_or_wants_silence(
    autojump_clock: MockClock, tmp_path: Path, number: int
) -> None:
    faults: list[Reply] = [
        Limited(300.0),
        Unreachable("502"),
        Unreachable("no answer"),
        Refused(404, ""),
    ]
    keys = Keys(faults={number: faults})
    signing = signing_on(autojump_clock, tmp_path, keys.answer)

    await signing.ensure(DEVICE.keys)

    keys.check()
    assert keys.calls >= 12
    assert autojump_clock.current_time() >= 300.0


@pytest.mark.parametrize("number", range(12))
async def test_a_step_that_is_refused_is_one_warning_and_is_made_good_later(
    autojump_clock: MockClock, tmp_path: Path, logs: list[EventDict], number: int
) -> None:
    keys = Keys(faults={number: [Refused(400, "M_UNRECOGNIZED")]})
    signing = signing_on(autojump_clock, tmp_path, keys.answer)

    await signing.ensure(DEVICE.keys)
    first = [line["reason"] for line in logs if line["log_level"] == "warning"]
    await signing.ensure(DEVICE.keys)

    keys.check()
    (reason,) = first
    assert "M_UNRECOGNIZED" in reason


async def test_a_session_that_ended_meanwhile_is_no_crash(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    signing = signing_on(autojump_clock, tmp_path, lambda *_: TokenRefused())

    await signing.ensure(DEVICE.keys)

    assert not (tmp_path / "m").exists()


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"master_keys": 7},
        {"master_keys": {BOT: {"keys": {"ed25519:x": "x"}}}, "encrypted": []},
        {"master_keys": {BOT: {}}, "encrypted": {"k": 7}, "key": {"a": 1}},
        {"device_keys": [], "failures": {"a": "b"}},
    ],
)
async def test_nonsense_from_the_server_is_no_crash(
    autojump_clock: MockClock, tmp_path: Path, body: Json
) -> None:
    signing = signing_on(autojump_clock, tmp_path, lambda *_: Done(body))
    (tmp_path / "key").write_text("EsTj 3yST y93F SLpB jJsz eAXc 2XzA ygD3 w69H fGaN TKBj jXEd")
    for path in (None, tmp_path / "key"):
        settings = MatrixSettings("http://fake", BOT, tmp_path / "m", recovery_key_file=path)
        signing.settings = settings
        await signing.ensure(DEVICE.keys)


@pytest.mark.parametrize(
    ("flows", "is_tried"),
    [
        ([{"stages": ["m.login.password"]}], True),
        ([{"stages": ["m.login.sso"]}, {"stages": ["m.login.password"]}], True),
        ([{"stages": ["m.oauth"]}], False),
        ([{"stages": ["m.login.password", "m.login.terms"]}], False),
        ([7, {}, {"stages": 7}], False),
        ("nonsense", False),
    ],
)
async def test_the_password_is_sent_only_where_it_is_enough(
    autojump_clock: MockClock, tmp_path: Path, logs: list[EventDict], flows: Any, *, is_tried: bool
) -> None:
    keys, tries = Keys(), list[Json]()

    def answer(method: str, path: str, body: Json | None) -> Reply:
        if "device_signing" in path and body is not None:
            tries.append(body)
            if "auth" not in body:
                return Refused(401, "", {"flows": flows, "session": "s1"})
        return keys.answer(method, path, body)

    await signing_on(autojump_clock, tmp_path, answer).ensure(DEVICE.keys)

    assert len(tries) == 1 + is_tried
    if is_tried:
        assert tries[1]["auth"] == {
            "type": "m.login.password",
            "identifier": {"type": "m.id.user", "user": BOT},
            "password": "right",
            "session": "s1",
        }
    else:
        (warning,) = [line for line in logs if line["log_level"] == "warning"]
        assert "approval" in warning["reason"]


async def test_keys_that_another_app_makes_at_the_same_time_are_not_replaced(
    autojump_clock: MockClock, tmp_path: Path, logs: list[EventDict]
) -> None:
    keys, tries = Keys(), list[Json]()
    other = ECC.generate(curve="Ed25519")

    def answer(method: str, path: str, body: Json | None) -> Reply:
        if "device_signing" in path and body is not None:
            tries.append(body)
            keys.shown["master_keys"] = {BOT: published_form(BOT, "master", other, other)}
            return Refused(401, "", {"flows": [{"stages": ["m.login.password"]}], "session": "s"})
        return keys.answer(method, path, body)

    await signing_on(autojump_clock, tmp_path, answer).ensure(DEVICE.keys)

    assert len(tries) == 1
    (warning,) = [line for line in logs if line["log_level"] == "warning"]
    assert "another app" in warning["reason"]


async def test_answers_that_show_nothing_do_not_lead_to_another_identity(
    autojump_clock: MockClock, tmp_path: Path, logs: list[EventDict]
) -> None:
    keys, other = Keys(), ECC.generate(curve="Ed25519")
    keys.shown["master_keys"] = {BOT: published_form(BOT, "master", other, other)}
    blanks = 10

    def answer(method: str, path: str, body: Json | None) -> Reply:
        nonlocal blanks
        if "keys/query" in path and blanks:
            blanks -= 1
            return Done({})
        if "device_signing" in path and "auth" not in (body or {}):
            return Refused(401, "", {"flows": [{"stages": ["m.login.password"]}], "session": "s"})
        return keys.answer(method, path, body)

    signing = signing_on(autojump_clock, tmp_path, answer)
    for _ in range(4):
        await signing.ensure(DEVICE.keys)

    assert keys.shown["master_keys"][BOT]["keys"] == {
        f"ed25519:{public_of(other)}": public_of(other)
    }
    assert all("this device" in line["reason"] for line in logs if line["log_level"] == "warning")


async def test_trouble_that_a_later_session_is_without_is_shown_no_more(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    keys = Keys(faults={0: [TokenRefused()]})
    signing = signing_on(autojump_clock, tmp_path, keys.answer)

    await signing.ensure(DEVICE.keys)
    assert signing.status._remark
    await signing.ensure(DEVICE.keys)

    keys.check()
    assert not signing.status._remark


async def test_a_signature_that_the_server_did_not_take_is_said(
    autojump_clock: MockClock, tmp_path: Path, logs: list[EventDict]
) -> None:
    keys = Keys()

    def answer(method: str, path: str, body: Json | None) -> Reply:
        if "signatures" in path:
            return Done({"failures": {BOT: {"DEVICE1": {"errcode": "M_INVALID_SIGNATURE"}}}})
        return keys.answer(method, path, body)

    await signing_on(autojump_clock, tmp_path, answer).ensure(DEVICE.keys)

    (warning,) = [line for line in logs if line["log_level"] == "warning"]
    assert "did not take the signature" in warning["reason"]


async def test_a_life_that_is_stopped_while_it_waits_stops_at_once(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    signing = signing_on(autojump_clock, tmp_path, lambda *_: Limited(3600.0))

    with trio.move_on_after(10) as life:
        await signing.ensure(DEVICE.keys)

    assert life.cancelled_caught
    assert autojump_clock.current_time() < 60


async def test_the_seeds_that_are_kept_are_those_of_the_published_keys(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    keys = Keys()

    await signing_on(autojump_clock, tmp_path, keys.answer).ensure(DEVICE.keys)

    kept = json.loads(await trio.Path(tmp_path / "m" / "cross_signing.json").read_text())
    for usage in ("master", "self_signing", "user_signing"):
        public = public_of(ECC.construct(curve="Ed25519", seed=bytes_of(kept[usage])))
        assert keys.shown[f"{usage}_keys"][BOT]["keys"] == {f"ed25519:{public}": public}
