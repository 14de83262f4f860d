import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from actors.ops import client
from actors.ops.client import NoAnswerError, NotRunningError, answer_to
from actors.ops.words import MakeBackup, ShowTree

_HEAVY = ("trio", "pydantic", "pydantic_core", "structlog", "nio", "aiogram", "rich", "asyncio")


@contextmanager
def _saying(path: Path, said: bytes) -> Iterator[None]:
    """A program that answers one client with *said*, and hangs up."""
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(os.fspath(path))
        listening.listen()

        def serve() -> None:
            caller, _ = listening.accept()
            with caller:
                caller.recv(8192)
                caller.sendall(said)

        thread = threading.Thread(target=serve)
        thread.start()
        yield
        thread.join()


def test_the_client_imports_nothing_heavy() -> None:
    code = (
        "import sys, actors.ops.command;"
        f"print([name for name in {_HEAVY!r} if name in sys.modules])"
    )

    done = subprocess.run(  # noqa: S603  # our own interpreter
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == "[]"


def test_where_no_file_is_nothing_runs(tmp_path: Path) -> None:
    with pytest.raises(NotRunningError):
        answer_to(ShowTree(), tmp_path / "s.sock")


def test_where_a_dead_socket_is_nothing_runs(tmp_path: Path) -> None:
    path = tmp_path / "s.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(os.fspath(path))

    with pytest.raises(NotRunningError):
        answer_to(ShowTree(), path)


def test_a_path_that_no_socket_can_have_is_said(tmp_path: Path) -> None:
    with pytest.raises(NoAnswerError, match="too long"):
        answer_to(ShowTree(), tmp_path / ("s" * 200))


def test_a_path_below_a_file_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(NoAnswerError, match="Not a directory"):
        answer_to(ShowTree(), tmp_path / "file" / "s.sock")


def test_an_answer_is_plain_json_with_its_actors(tmp_path: Path) -> None:
    said = b'{"answer":"actors","actors":[{"path":"a"}]}\n{"answer":"tree","pid":1,"actors":[]}\n'

    with _saying(tmp_path / "s.sock", said):
        answer = answer_to(ShowTree(), tmp_path / "s.sock")

    assert answer == {"answer": "tree", "pid": 1, "actors": [{"path": "a"}]}


@pytest.mark.parametrize(
    "said", [b"", b'{"answer":"tr', b'{"answer":"actors","actors":[]}\n', b'{"answer":"tree"}']
)
def test_a_program_that_goes_away_meanwhile_is_said_so(tmp_path: Path, said: bytes) -> None:
    with (
        _saying(tmp_path / "s.sock", said),
        pytest.raises(NoAnswerError, match="went away before it had answered"),
    ):
        answer_to(ShowTree(), tmp_path / "s.sock")


@pytest.mark.parametrize("said", [b"HTTP/1.1 400\n", b"[]\n"])
def test_somebody_who_speaks_otherwise_is_said_so(tmp_path: Path, said: bytes) -> None:
    with (
        _saying(tmp_path / "s.sock", said),
        pytest.raises(NoAnswerError, match="another version"),
    ):
        answer_to(ShowTree(), tmp_path / "s.sock")


@pytest.mark.parametrize("request_", [ShowTree(), MakeBackup("/b.db")])
def test_a_program_that_hangs_is_not_waited_for_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request_: ShowTree | MakeBackup
) -> None:
    monkeypatch.setattr(client, "_ANSWER_WITHIN", 0.01)
    monkeypatch.setattr(client, "_BACKUP_WITHIN", 0.01)
    with socket.socket(socket.AF_UNIX) as hanging:
        hanging.bind(os.fspath(tmp_path / "s.sock"))
        hanging.listen()

        with pytest.raises(NoAnswerError, match="does not answer within"):
            answer_to(request_, tmp_path / "s.sock")


def test_a_program_that_talks_without_end_is_not_listened_to_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "_ANSWER_WITHIN", 5.0)
    moments = iter([0.0, 1.0, 6.0])
    monkeypatch.setattr("actors.ops.client.time.monotonic", lambda: next(moments))
    said = b'{"answer":"actors","actors":[]}\n' * 3

    with (
        _saying(tmp_path / "s.sock", said),
        pytest.raises(NoAnswerError, match="does not answer within"),
    ):
        answer_to(ShowTree(), tmp_path / "s.sock")
