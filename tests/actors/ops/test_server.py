import json
import os
import socket
from pathlib import Path

import pytest
import trio
from attrs import define
from trio.testing import MockClock

from actors.kernel.child import ParkedError
from actors.kernel.mailbox import Mailbox
from actors.kernel.spec import permanent
from actors.kernel.supervision import Supervisor
from actors.ops import wire, words
from actors.ops.server import OpsServer
from tests.actors.ops.rig import (
    FakeControl,
    FakeDirectory,
    FakeLife,
    Idle,
    Ops,
    SilentAddress,
    actor,
    run_as,
    running_ops,
)
from tests.fakes import MemoryStoreAddress


def _server(socket_path: Path) -> OpsServer:
    return OpsServer(FakeControl(), MemoryStoreAddress(), FakeDirectory(), socket_path)


async def test_a_request_has_one_answer_and_then_the_connection_ends(tmp_path: Path) -> None:
    async with running_ops(tmp_path / "s.sock") as ops:
        said = await ops.say(b'{"do": "kill", "name": "matrix"}\n')

    assert json.loads(said) == {"answer": "killed", "path": "matrix"}
    assert said.count(b"\n") == 1
    assert ops.control.done == [("kill", "matrix")]


async def test_a_tree_of_a_thousand_arrives_whole(tmp_path: Path) -> None:
    sessions = (actor(f"sessions/telegram/{number}") for number in range(1000))
    control = FakeControl(views=(actor("store"), actor("sessions"), *sessions))

    async with running_ops(tmp_path / "s.sock", control=control) as ops:
        said = await ops.say(b'{"do": "tree"}\n')

    tree = wire.answer_of(wire.joined(said.splitlines()))
    assert isinstance(tree, words.Tree)
    assert tree.total == 1002
    assert [view.path for view in tree.actors] == ["store", "sessions"]
    assert tree.folded == (words.Folded("sessions", idle=1000),)


async def test_a_request_may_come_in_pieces(tmp_path: Path) -> None:
    async with (
        running_ops(tmp_path / "s.sock") as ops,
        await trio.open_unix_socket(ops.socket_path) as stream,
    ):
        await stream.send_all(b'{"do": ')
        await trio.testing.wait_all_tasks_blocked()
        await stream.send_all(b'"stack", "name": "matrix"}\n')
        said = await stream.receive_some()

    assert json.loads(said)["answer"] == "stack"


async def test_a_request_may_end_without_a_line_feed(tmp_path: Path) -> None:
    async with (
        running_ops(tmp_path / "s.sock") as ops,
        await trio.open_unix_socket(ops.socket_path) as stream,
    ):
        await stream.send_all(b'{"do": "access"}')
        stream.socket.shutdown(socket.SHUT_WR)
        said = await stream.receive_some()

    assert json.loads(said)["answer"] == "access"


async def test_what_is_malformed_is_answered_and_the_next_one_is_served(tmp_path: Path) -> None:
    async with running_ops(tmp_path / "s.sock") as ops:
        malformed = json.loads(await ops.say(b"GET / HTTP/1.1\r\n\r\n"))
        good = await ops.ask({"do": "tree"})

    assert malformed == {"answer": "refused", "problem": "the request is not JSON", "near": []}
    assert good["answer"] == "tree"


async def test_a_huge_request_is_answered_before_it_is_read(tmp_path: Path) -> None:
    async with running_ops(tmp_path / "s.sock") as ops:
        said = json.loads(await ops.say(b"x" * 60_000))

    assert said["problem"] == "the request is longer than 8192 bytes"


async def test_who_says_nothing_is_cut_off_and_others_are_served_meanwhile(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    del autojump_clock  # time passes by itself
    async with (
        running_ops(tmp_path / "s.sock") as ops,
        await trio.open_unix_socket(ops.socket_path) as silent,
    ):
        answer = await ops.ask({"do": "tree"})
        began_at = trio.current_time()
        rest = await silent.receive_some()
        waited = trio.current_time() - began_at

    assert answer["answer"] == "tree"
    assert rest == b""
    assert 1 < waited <= 5


async def test_who_reads_nothing_is_cut_off(tmp_path: Path, autojump_clock: MockClock) -> None:
    del autojump_clock  # time passes by itself
    long_note = "x" * 20_000
    control = FakeControl(views=tuple(actor(f"a{n}", note=long_note) for n in range(200)))

    async with running_ops(tmp_path / "s.sock", control=control) as ops:
        async with await trio.open_unix_socket(ops.socket_path) as deaf:
            await deaf.send_all(b'{"do": "tree"}\n')
            await trio.sleep(11)
            said = b"".join([piece async for piece in deaf])

        answer = await ops.ask({"do": "kill", "name": "a7"})

    assert 0 < len(said) < 4_000_000
    assert answer["answer"] == "killed"


async def test_who_hangs_up_at_once_harms_nobody(tmp_path: Path) -> None:
    control = FakeControl(views=tuple(actor(f"a{n}", note="x" * 20_000) for n in range(200)))

    async with running_ops(tmp_path / "s.sock", control=control) as ops:
        for line in (b"", b'{"do":', b'{"do": "tree"}\n'):
            async with await trio.open_unix_socket(ops.socket_path) as stream:
                await stream.send_all(line)
        answer = await ops.ask({"do": "stack", "name": "a7"})

    assert answer["answer"] == "stack"


async def test_many_clients_are_served_at_once(tmp_path: Path) -> None:
    answers = []

    async with running_ops(tmp_path / "s.sock") as ops:

        async def ask() -> None:
            answers.append(await ops.ask({"do": "tree"}))

        async with trio.open_nursery() as clients:
            for _ in range(50):
                clients.start_soon(ask)

    assert [answer["answer"] for answer in answers] == ["tree"] * 50


async def test_a_store_that_never_answers_is_said_so(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    del autojump_clock  # time passes by itself
    async with running_ops(tmp_path / "s.sock", store=SilentAddress("store")) as ops:
        tree = await ops.ask({"do": "tree"})
        journal = await ops.ask({"do": "journal"})

    assert (tree["journal"], tree["problem"]) == (None, "store does not answer")
    assert journal["problem"] == "store does not answer"


async def test_who_kills_the_view_itself_is_still_answered(tmp_path: Path) -> None:
    scope = trio.CancelScope()
    control = FakeControl(views=(actor("ops"),), on_kill=scope.cancel)
    said = {}

    with scope:
        async with running_ops(tmp_path / "s.sock", control=control) as ops:
            with trio.CancelScope(shield=True):
                said = await ops.ask({"do": "kill", "name": "ops"})
            await trio.sleep_forever()

    assert said == {"answer": "killed", "path": "ops"}


async def test_in_a_supervised_tree_the_view_can_kill_itself_and_comes_back(
    tmp_path: Path,
) -> None:
    path = tmp_path / "s.sock"
    tree: Supervisor
    tree = Supervisor(
        [
            permanent("idle", Idle, inbox=Mailbox("idle")),
            permanent("ops", lambda: OpsServer(tree, MemoryStoreAddress(), FakeDirectory(), path)),
        ]
    )
    ops = Ops(path, FakeControl())

    async with trio.open_nursery() as nursery:
        nursery.start_soon(tree.run)
        await trio.testing.wait_all_tasks_blocked()
        killed = await ops.ask({"do": "kill", "name": "ops"})
        await trio.testing.wait_all_tasks_blocked()
        restarted = await ops.ask({"do": "restart", "name": "idle"})
        await trio.testing.wait_all_tasks_blocked()
        parked = await ops.ask({"do": "tree"})
        tree.stop("the test is over")

    assert killed == {"answer": "killed", "path": "ops"}
    assert restarted == {"answer": "restarted", "path": "idle"}
    assert [view["life"] for view in parked["actors"]] == [2, 2]
    assert not path.exists()


@define(eq=False)
class CancelAtStep(trio.abc.Instrument):
    """Cancels a scope when its task is about to take one certain step."""

    steps_left: int
    scope: trio.CancelScope

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        if task.name.endswith("_run_handler"):
            self.steps_left -= 1
            if not self.steps_left:
                self.scope.cancel()


@pytest.mark.parametrize("step", range(1, 9))
async def test_a_cancel_at_any_step_of_a_client_leaves_no_socket_and_no_task(
    tmp_path: Path, step: int
) -> None:
    path = tmp_path / "s.sock"
    life = FakeLife()
    scope = trio.CancelScope()
    instrument = CancelAtStep(step, scope)
    trio.lowlevel.add_instrument(instrument)

    async with trio.open_nursery() as nursery:
        with scope:
            async with trio.open_nursery() as server:
                server.start_soon(run_as, life, _server(path).run)
                await life.started.wait()
                await Ops(path, FakeControl()).say(b'{"do": "tree"}\n')
                server.cancel_scope.cancel()
        tasks_left = len(nursery.child_tasks)
    trio.lowlevel.remove_instrument(instrument)

    assert not path.exists()
    assert tasks_left == 0
    assert instrument.steps_left <= 0, "the client was served in fewer steps"


async def test_the_socket_goes_with_the_actor_and_comes_with_its_next_life(
    tmp_path: Path,
) -> None:
    path = tmp_path / "s.sock"
    async with running_ops(path):
        pass
    gone = not path.exists()

    async with running_ops(path) as ops:
        answer = await ops.ask({"do": "tree"})

    assert gone
    assert answer["answer"] == "tree"


async def test_what_a_dead_process_left_behind_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "s.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(os.fspath(path))

    async with running_ops(path) as ops:
        answer = await ops.ask({"do": "tree"})

    assert answer["answer"] == "tree"


async def test_beside_a_living_program_the_view_is_parked_with_the_reason(tmp_path: Path) -> None:
    async with running_ops(tmp_path / "s.sock") as ops:
        with pytest.raises(ParkedError, match="another program listens at"):
            await _server(ops.socket_path).run()
        answer = await ops.ask({"do": "tree"})

    assert answer["answer"] == "tree"


async def test_a_path_that_is_too_long_parks_the_view(tmp_path: Path) -> None:
    with pytest.raises(ParkedError, match="107"):
        await _server(tmp_path / ("s" * 107)).run()
