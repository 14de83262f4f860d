import os
import socket
import stat
from pathlib import Path

import pytest

from actors.ops.socket_file import (
    LONGEST_PATH_BYTES,
    SocketPathError,
    check_socket,
    listening_at,
)


def _leave_behind(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(os.fspath(path))


def _is_answered(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as caller:
        caller.connect(os.fspath(path))
        return True


def test_only_the_owner_may_speak_to_the_socket(tmp_path: Path) -> None:
    path = tmp_path / "s.sock"
    umask = os.umask(0)
    try:
        with listening_at(path):
            mode = stat.S_IMODE(path.stat().st_mode)
            left = os.umask(0)
    finally:
        os.umask(umask)

    assert mode == 0o600
    assert left == 0


def test_the_file_goes_when_nobody_listens_any_more(tmp_path: Path) -> None:
    path = tmp_path / "s.sock"

    with listening_at(path):
        assert _is_answered(path)

    assert not path.exists()


def test_the_file_of_a_dead_process_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "s.sock"
    _leave_behind(path)

    with listening_at(path):
        assert _is_answered(path)


def test_the_socket_of_a_living_process_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "s.sock"

    with listening_at(path):
        with pytest.raises(SocketPathError, match="another program listens at"), listening_at(path):
            pass
        assert _is_answered(path)


def test_a_living_process_that_is_too_busy_to_accept_is_alive(tmp_path: Path) -> None:
    path = tmp_path / "s.sock"
    with socket.socket(socket.AF_UNIX) as busy, socket.socket(socket.AF_UNIX) as first:
        busy.bind(os.fspath(path))
        busy.listen(0)
        first.connect(os.fspath(path))

        with pytest.raises(SocketPathError, match="another program"), listening_at(path):
            pass


def test_a_file_that_is_no_socket_is_never_removed(tmp_path: Path) -> None:
    path = tmp_path / "surfaces.db"
    path.write_text("precious")

    with pytest.raises(SocketPathError, match="is no socket"), listening_at(path):
        pass

    assert path.read_text() == "precious"


def test_a_path_that_no_socket_can_have_is_said_with_its_length(tmp_path: Path) -> None:
    path = tmp_path / ("s" * LONGEST_PATH_BYTES)

    with pytest.raises(SocketPathError, match="at most 107: set a shorter one"), listening_at(path):
        pass


def test_the_longest_path_still_works(tmp_path: Path) -> None:
    room = LONGEST_PATH_BYTES - len(os.fsencode(tmp_path)) - 1
    path = tmp_path / ("s" * room)

    with listening_at(path):
        assert _is_answered(path)


def test_a_folder_that_is_not_there_is_one_clear_line(tmp_path: Path) -> None:
    path = tmp_path / "nowhere" / "s.sock"

    with pytest.raises(SocketPathError, match="does not exist: create it"), listening_at(path):
        pass


def test_a_file_that_took_its_place_is_left_to_its_owner(tmp_path: Path) -> None:
    path = tmp_path / "s.sock"

    with listening_at(path):
        path.rename(tmp_path / "old.sock")
        path.write_text("another's")

    assert path.read_text() == "another's"


def test_a_file_that_is_gone_already_is_no_problem(tmp_path: Path) -> None:
    path = tmp_path / "s.sock"

    with listening_at(path):
        path.unlink()

    assert not path.exists()


def test_a_check_leaves_nothing_behind(tmp_path: Path) -> None:
    path = tmp_path / "s.sock"

    assert check_socket(path) is None
    assert not path.exists()


def test_a_check_says_in_one_line_why_not(tmp_path: Path) -> None:
    path = tmp_path / "s.sock"
    path.write_text("precious")

    line = check_socket(path)

    assert line is not None
    assert "DEBUG_SOCKET" in line
    assert "\n" not in line
    assert path.read_text() == "precious"


def test_a_check_does_not_disturb_who_listens(tmp_path: Path) -> None:
    path = tmp_path / "s.sock"

    with listening_at(path):
        line = check_socket(path)
        assert _is_answered(path)

    assert line is not None
    assert "another program listens" in line


def test_what_the_system_refuses_is_one_line_that_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    line = check_socket(tmp_path / "file" / "s.sock")

    assert line is not None
    assert line.endswith("Not a directory; set another path")
