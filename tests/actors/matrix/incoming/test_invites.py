from pathlib import Path
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from actors.matrix.api.replies import Limited, Refused, Reply, TokenRefused, Unreachable
from actors.matrix.incoming.invites import Invites
from actors.matrix.incoming.pages import read_page
from protocols.changes import DeleteKey
from protocols.ids import PersonId
from protocols.mail import AnswerLateError, Question
from tests.actors.matrix.fake_homeserver import (
    ALICE,
    BOT,
    FakeHomeserver,
    Json,
    gateway_over,
    started,
)
from tests.actors.matrix.fake_requests import answered
from tests.actors.matrix.fake_vault import FakeVault
from tests.actors.matrix.gateway import A, Directory

NEW = "!new:fake"
ALICE_ID = PersonId(f"matrix:{ALICE}")


async def test_an_allowed_person_brings_us_in(autojump_clock: MockClock, tmp_path: Path) -> None:
    server = FakeHomeserver(autojump_clock)
    gateway = gateway_over(server, tmp_path)

    async with gateway.running():
        await started(server, gateway)
        server.invite(NEW)
        await server.until(lambda: NEW in server.joined)
        await server.until(lambda: not gateway.journal.keys)

    assert set(gateway.directory.asked) == {ALICE_ID}


async def test_we_come_in_once_we_can_be_given_keys(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server, vault = FakeHomeserver(autojump_clock), FakeVault(is_announced=trio.Event())
    gateway = gateway_over(server, tmp_path, vault=vault)

    async with gateway.running():
        server.invite(NEW)
        await trio.sleep(20)
        assert NEW not in server.joined
        vault.is_announced.set()
        await server.until(lambda: NEW in server.joined)


async def test_we_come_in_also_where_our_keys_never_reach_the_server(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server, vault = FakeHomeserver(autojump_clock), FakeVault(is_announced=trio.Event())
    gateway = gateway_over(server, tmp_path, vault=vault)

    async with gateway.running():
        server.invite(NEW)
        await server.until(lambda: NEW in server.joined)


async def test_a_strangers_invitation_waits_until_they_are_let_in(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = FakeHomeserver(autojump_clock)
    gateway = gateway_over(server, tmp_path)
    gateway.directory.allowed = set()

    async with gateway.running():
        await started(server, gateway)
        server.invite(NEW)
        await trio.sleep(200)
        assert NEW not in server.joined
        gateway.directory.allowed = {ALICE_ID}
        let_in_at = trio.current_time()
        await server.until(lambda: NEW in server.joined)
        assert trio.current_time() - let_in_at <= 10

    assert 18 <= len(gateway.directory.asked) <= 30


async def test_an_invitation_that_waits_is_remembered_over_a_restart(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = FakeHomeserver(autojump_clock)
    gateway = gateway_over(server, tmp_path)
    gateway.directory.allowed = set()
    async with gateway.running(is_killed=True):
        await started(server, gateway)
        server.invite(NEW)
        await server.until(lambda: bool(gateway.journal.keys))
    invited, server.invited = server.invited, {}
    gateway.directory.allowed = None

    async with gateway.running():
        server.invited = {}
        server.faults["join"] = [Unreachable("502")]
        await server.until(lambda: bool(server.times("join")))
        server.invited = invited
        await server.until(lambda: NEW in server.joined)
        await server.until(lambda: not gateway.journal.keys)

    assert gateway.journal.keys == {}


def test_what_is_over_before_the_notes_of_earlier_lives_are_read_is_forgotten() -> None:
    nobody: Any = None
    invites = Invites(nobody, nobody, nobody, nobody, nobody)
    rooms: Json = {"join": {NEW: {}}, "leave": {"!old:fake": {}}}
    page = read_page({"next_batch": "s1", "rooms": rooms}, BOT)
    assert page is not None

    keys = {f"matrix_invite:{NEW}", "matrix_invite:!old:fake"}
    assert set(invites.changes(page)) == {DeleteKey(key) for key in keys}


async def test_an_invitation_that_came_while_we_were_down_is_taken(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = FakeHomeserver(autojump_clock)
    gateway = gateway_over(server, tmp_path)
    async with gateway.running():
        await started(server, gateway)
    server.invite(NEW)

    async with gateway.running():
        await server.until(lambda: NEW in server.joined)


@pytest.mark.parametrize("is_encrypted", [False, True])
async def test_a_direct_chat_is_known_as_one_before_we_are_in(
    autojump_clock: MockClock, tmp_path: Path, *, is_encrypted: bool
) -> None:
    server = FakeHomeserver(autojump_clock, account={"m.direct": {"@eve:fake": ["!old:fake"]}})
    vault = FakeVault()
    gateway = gateway_over(server, tmp_path, vault=vault)

    async with gateway.running():
        await started(server, gateway)
        server.invite(NEW, is_encrypted=is_encrypted)
        await server.until(lambda: NEW in server.joined)

    assert server.account["m.direct"] == {"@eve:fake": ["!old:fake"], ALICE: [NEW]}
    wrote = [call.at for call in server.calls if call.words[:1] == ("PUT",)]
    assert wrote[0] <= server.times("join")[0]
    assert (NEW in vault.encrypted) == is_encrypted


async def test_a_group_is_not_taken_for_a_direct_chat(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = FakeHomeserver(autojump_clock)
    gateway = gateway_over(server, tmp_path)

    async with gateway.running():
        await started(server, gateway)
        server.invite(NEW, is_direct=False)
        await server.until(lambda: NEW in server.joined)

    assert NEW not in str(server.account)


async def test_an_invitation_waits_until_the_list_of_direct_chats_is_written(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = FakeHomeserver(autojump_clock)
    gateway = gateway_over(server, tmp_path)
    tries: list[Reply] = [Unreachable("502"), Limited(5.0)]

    def refuse(method: str, path: str, body: Json | None) -> Reply:
        if method == "PUT" and tries:
            assert NEW not in server.joined
            return tries.pop(0)
        return answered(server, method, path, body)

    server.handlers["m.direct"] = refuse

    async with gateway.running():
        await started(server, gateway)
        server.invite(NEW)
        await server.until(lambda: NEW in server.joined)

    assert tries == []
    assert server.account["m.direct"] == {ALICE: [NEW]}


@pytest.mark.parametrize("fault", [Unreachable("504"), Limited(9.0), TokenRefused()])
async def test_a_join_that_does_not_work_now_is_tried_again(
    autojump_clock: MockClock, tmp_path: Path, fault: Reply
) -> None:
    server = FakeHomeserver(autojump_clock)
    server.faults["join"] = [fault]
    gateway = gateway_over(server, tmp_path)

    async with gateway.running():
        await started(server, gateway)
        server.invite(NEW)
        await server.until(lambda: NEW in server.joined)

    assert len(server.times("join")) == 2


async def test_a_join_that_is_refused_for_good_is_forgotten(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = FakeHomeserver(autojump_clock)
    gateway = gateway_over(server, tmp_path)

    async with gateway.running():
        await started(server, gateway)
        server.faults["join"] = [Refused(403, "M_FORBIDDEN")]
        server.invite(NEW)
        await server.until(lambda: bool(server.times("join")))
        server.invited.clear()
        await trio.sleep(300)

    assert gateway.journal.keys == {}


async def test_an_invitation_that_is_withdrawn_is_forgotten(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    server = FakeHomeserver(autojump_clock)
    gateway = gateway_over(server, tmp_path)
    gateway.directory.allowed = set()

    async with gateway.running():
        await started(server, gateway)
        server.invite(NEW)
        await server.until(lambda: bool(gateway.journal.keys))
        server.invited.clear()
        server.put_out(NEW)
        await trio.sleep(100)

    assert gateway.journal.keys == {}


async def test_a_directory_that_does_not_answer_keeps_only_the_invitation_waiting(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    class Hung(Directory):
        hung = True

        async def ask(self, question: Question[A], /, *, within: float = 10.0) -> A:
            if self.hung:
                await trio.sleep(within)
                raise AnswerLateError("hung")
            return await super().ask(question, within=within)

    server = FakeHomeserver(autojump_clock)
    gateway = gateway_over(server, tmp_path)
    gateway.directory = directory = Hung()

    async with gateway.running():
        await started(server, gateway)
        server.invite(NEW)
        server.write("hello")
        await server.until(lambda: server.said() == ["echo: hello"])
        directory.hung = False
        await server.until(lambda: NEW in server.joined)
