import io
import json
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

import pytest
import trio

from actors.ops import wire
from actors.ops.command import run_debug
from tests.actors.ops.rig import (
    PLAN,
    EndedControl,
    FakeControl,
    actor,
    debug,
    running_ops,
)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def _stop_after(pictures: int) -> Callable[[float], None]:
    left = iter(range(pictures - 1))

    def pause(_seconds: float) -> None:
        if next(left, None) is None:
            raise KeyboardInterrupt

    return pause


async def test_the_tree_is_printed_plainly_where_no_terminal_is(tmp_path: Path) -> None:
    async with running_ops(tmp_path / "s.sock") as ops:
        code, out, err = await ops.debug()

    assert (code, err) == (0, "")
    assert f"running, pid {os.getpid()}: 2 actors, all up" in out
    assert "MatrixSyncer; waits for its inbox" in out
    assert out.endswith("journal: 0 waiting, 0 running; outbox 0 pending; dead letters 0\n")
    assert "\x1b" not in out


async def test_a_thousand_idle_actors_fit_on_a_page(tmp_path: Path) -> None:
    sessions = (actor(f"sessions/telegram/{number}") for number in range(1000))
    control = FakeControl(views=(actor("sessions", role="Pool"), *sessions))

    async with running_ops(tmp_path / "s.sock", control=control) as ops:
        code, out, _ = await ops.debug("tree")

    assert code == 0
    assert "    1,000 idle\n" in out
    assert len(out.splitlines()) < 12


@pytest.mark.parametrize(
    ("argv", "code", "out", "err"),
    [
        (("kill", "matrix"), 0, "killed: matrix\n", ""),
        (("restart", "matrix"), 0, "restarted: matrix\n", ""),
        (("retry", "7"), 0, "runs again: row 7\n", ""),
        (("retry", "8"), 1, "", "it was answered\n"),
        (("pair", "K7QX"), 0, "may write now: telegram:42\n", ""),
        (("pair", "WRONG"), 1, "", "no stranger has that code\n"),
        (("kill", "matrx"), 1, "", "matrx: no actor is called so (near: matrix)\n"),
        (("dead-letters",), 0, "no dead letters\n", ""),
    ],
)
async def test_a_command_is_done_or_refused_in_one_line(
    tmp_path: Path, argv: tuple[str, ...], code: int, out: str, err: str
) -> None:
    async with running_ops(tmp_path / "s.sock") as ops:
        assert await ops.debug(*argv) == (code, out, err)


async def test_stack_journal_and_access_are_printed(tmp_path: Path) -> None:
    async with running_ops(tmp_path / "s.sock") as ops:
        _, stack, _ = await ops.debug("stack", "matrix")
        _, journal, _ = await ops.debug("journal", "--limit", "5")
        _, access, _ = await ops.debug("access")

    assert stack == "matrix\n  in run of matrix\n    await receive()\n"
    assert "journal: 0 waiting" in journal
    assert "admins: matrix:@me:s" in access


async def test_a_backup_goes_where_the_client_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    async with running_ops(tmp_path / "s.sock") as ops:
        code, out, _ = await ops.debug("backup", "copy.db")
        again, _, complaint = await ops.debug("backup", "copy.db")

    assert code == 0
    assert out.startswith(f"copied: {tmp_path}/copy.db, ")
    assert again == 1
    assert complaint


@pytest.mark.parametrize("argv", [("--json",), ("tree", "--json"), ("--json", "tree")])
async def test_json_is_one_object_a_line_with_stable_keys(
    tmp_path: Path, argv: tuple[str, ...]
) -> None:
    async with running_ops(tmp_path / "s.sock") as ops:
        _, out, _ = await ops.debug(*argv)

    said = json.loads(out)
    assert out.count("\n") == 1
    assert set(said) == {
        "answer",
        "pid",
        "total",
        "undelivered",
        "journal",
        "problem",
        "folded",
        "actors",
    }
    assert {"path", "role", "state", "used", "oldest_age"} < set(said["actors"][0])


async def test_json_of_a_refusal_is_still_json(tmp_path: Path) -> None:
    async with running_ops(tmp_path / "s.sock", control=EndedControl()) as ops:
        code, out, err = await ops.debug("restart", "matrix", "--json")

    assert (code, err) == (1, "")
    assert json.loads(out)["problem"] == "matrix: it has just ended"


def test_without_a_program_the_plan_is_shown(tmp_path: Path) -> None:
    code, out, err = debug(tmp_path / "s.sock")

    assert (code, err) == (0, "")
    assert out == (
        f"not running: nothing listens at {tmp_path}/s.sock\n"
        "this would start, from top to bottom:\n"
        "  store   StoreActor\n"
        "  matrix  MatrixSyncer\n"
    )


def test_without_a_program_the_plan_is_json_too(tmp_path: Path) -> None:
    code, out, _ = debug(tmp_path / "s.sock", "--json")

    assert code == 0
    assert json.loads(out) == {
        "answer": "not running",
        "socket": f"{tmp_path}/s.sock",
        "plan": [
            {"name": "store", "role": "StoreActor"},
            {"name": "matrix", "role": "MatrixSyncer"},
        ],
    }


def test_without_a_program_nothing_can_be_done_to_it(tmp_path: Path) -> None:
    code, out, err = debug(tmp_path / "s.sock", "kill", "matrix")

    assert (code, out) == (1, "")
    assert err == f"not running: nothing listens at {tmp_path}/s.sock\n"


def test_what_cannot_be_asked_is_complained_of(tmp_path: Path) -> None:
    code, out, err = debug(tmp_path / ("s" * 200))

    assert (code, out) == (1, "")
    assert "too long" in err


def test_a_wrong_command_line_is_answered_with_usage(tmp_path: Path) -> None:
    code, out, err = debug(tmp_path / "s.sock", "dance")

    assert (code, out) == (2, "")
    assert err.startswith("usage: supervisor.py debug")


def test_help_names_every_command(tmp_path: Path) -> None:
    code, out, _ = debug(tmp_path / "s.sock", "--help")

    assert code == 0
    for command in wire.REQUESTS:
        assert f"\n    {command}" in out


async def test_watching_goes_on_until_interrupted(tmp_path: Path) -> None:
    async with running_ops(tmp_path / "s.sock") as ops:
        code, out, _ = await trio.to_thread.run_sync(
            lambda: debug(ops.socket_path, "--watch", pause=_stop_after(3))
        )

    assert code == 0
    assert out.count("2 actors, all up") == 3


def test_watching_survives_a_program_that_is_not_there(tmp_path: Path) -> None:
    code, out, _ = debug(tmp_path / "s.sock", "--watch", pause=_stop_after(2))

    assert code == 0
    assert out.count("this would start") == 2


def test_watching_survives_a_program_that_cannot_be_asked(tmp_path: Path) -> None:
    path = tmp_path / ("s" * 200)

    _, page, _ = debug(path, "--watch", pause=_stop_after(2))
    _, lines, _ = debug(path, "--watch", "--json", pause=_stop_after(2))

    assert page.count("too long") == 2
    assert [json.loads(line)["answer"] for line in lines.splitlines()] == ["none", "none"]


async def test_watching_as_json_is_a_line_a_picture(tmp_path: Path) -> None:
    async with running_ops(tmp_path / "s.sock") as ops:
        _, out, _ = await trio.to_thread.run_sync(
            lambda: debug(ops.socket_path, "--watch", "--json", pause=_stop_after(2))
        )
    _, without, _ = debug(tmp_path / "s.sock", "--watch", "--json", pause=_stop_after(1))

    assert [json.loads(line)["answer"] for line in out.splitlines()] == ["tree", "tree"]
    assert json.loads(without)["answer"] == "not running"


@pytest.mark.parametrize(("no_colour", "has_colours"), [("1", False), ("", True)])
def test_colours_are_for_terminals_and_for_those_who_want_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_colour: str, *, has_colours: bool
) -> None:
    monkeypatch.setenv("NO_COLOR", no_colour)
    out = Terminal()

    run_debug([], PLAN, tmp_path / "s.sock", out=out, err=io.StringIO())

    assert ("\x1b[1m" in out.getvalue()) is has_colours


def test_watching_on_a_terminal_replaces_the_picture_and_cuts_it_to_the_screen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("LINES", "2")
    monkeypatch.setenv("COLUMNS", "90")
    out = Terminal()

    run_debug(
        ["--watch"],
        PLAN,
        tmp_path / "s.sock",
        out=out,
        err=io.StringIO(),
        pause=_stop_after(2),
    )

    heading = f"not running: nothing listens at {tmp_path}/s.sock\x1b[K\n"
    assert out.getvalue() == f"\x1b[2J\x1b[H{heading}\x1b[J\x1b[H{heading}\x1b[J"


async def test_on_a_terminal_a_page_is_as_wide_as_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "120")
    name = "sessions/matrix/!OGEhHVWSdvArJzumhm:matrix.example.org"
    out = Terminal()

    async with running_ops(tmp_path / "s.sock", control=FakeControl(views=(actor(name),))) as ops:
        await trio.to_thread.run_sync(
            lambda: run_debug([], PLAN, ops.socket_path, out=out, err=io.StringIO())
        )

    assert f"  {name} up " in out.getvalue()


def test_the_standard_streams_are_used_unless_others_are_given(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_debug([], PLAN, tmp_path / "s.sock")
    run_debug(["access"], PLAN, tmp_path / "s.sock")

    printed = capsys.readouterr()
    assert "this would start" in printed.out
    assert printed.err.startswith("not running: nothing listens")


def _leave_to_nowhere(stream: TextIO) -> None:
    """Let what is still buffered be flushed without an error."""
    with Path(os.devnull).open("w") as nowhere:
        os.dup2(nowhere.fileno(), stream.fileno())


class Closed(io.StringIO):
    def write(self, _text: str) -> int:
        raise BrokenPipeError


def test_a_reader_who_has_gone_is_no_reason_for_a_traceback(tmp_path: Path) -> None:
    assert run_debug([], PLAN, tmp_path / "s.sock", out=Closed(), err=io.StringIO()) == 1


def test_an_answer_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    err = io.StringIO()
    with Path("/dev/full").open("w") as full:
        code = run_debug([], PLAN, tmp_path / "s.sock", out=full, err=err)

    assert code == 1
    assert err.getvalue() == "the answer cannot be printed: No space left on device\n"


def test_nowhere_to_write_to_is_no_reason_for_a_traceback(tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full, Path("/dev/full").open("w") as full_too:
        code = run_debug([], PLAN, tmp_path / "s.sock", out=full, err=full_too)
        _leave_to_nowhere(full_too)

    assert code == 1


def test_closed_standard_streams_are_no_reason_for_a_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdout", None)
    monkeypatch.setattr("sys.stderr", None)

    assert run_debug([], PLAN, tmp_path / "s.sock") == 0


def test_a_pipe_whose_reader_has_gone_is_flushed_to_nowhere(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as out:
        code = run_debug([], PLAN, tmp_path / "s.sock", out=out, err=io.StringIO())
        out.write("more")

    assert code == 1


def test_ctrl_c_while_the_program_hangs_ends_the_client(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(socket.socket, "sendall", interrupted)
    with socket.socket(socket.AF_UNIX) as hanging:
        hanging.bind(os.fspath(tmp_path / "s.sock"))
        hanging.listen()

        code, _, _ = debug(tmp_path / "s.sock")

    assert code == 130


def test_a_terminal_of_few_letters_gets_question_marks(tmp_path: Path) -> None:
    raw = io.BytesIO()
    out = io.TextIOWrapper(raw, encoding="ascii")

    run_debug([], [("räum", "X")], tmp_path / "s.sock", out=out, err=io.StringIO())

    assert "  r?um  X\n" in raw.getvalue().decode("ascii")
