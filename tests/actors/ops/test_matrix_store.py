import fcntl
import json
import os
import re
import stat
from pathlib import Path

import pytest

from actors.config import Settings
from actors.environment import debug_places
from actors.ops.command import run_debug
from tests.actors.ops.rig import PLAN, debug
from tests.rigs.program import run_supervisor

KEY = "EsTj 3yST y93F SLpB jJsz eAXc 2XzA ygD3 w69H fGaN TKBj jXEd"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of Matrix secrets as a program leaves it."""
    path = tmp_path / "matrix"
    (path / "crypto").mkdir(mode=0o700, parents=True)
    (path / "crypto" / "keys.db").write_text("olm")
    (path / "session.json").write_text("token")
    (path / "cross_signing.json").write_text("seeds")
    (path / "recovery_key").write_text(f"{KEY}\n")
    return path


def at(folder: Path, *argv: str) -> tuple[int, str, str]:
    """The exit code, output and complaints of ``debug ARGV`` where nothing runs."""
    return debug(folder.parent / "s.sock", *argv, matrix_store=folder)


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_the_recovery_key_is_printed_alone_and_then_the_program_has_it_no_more(
    folder: Path,
) -> None:
    code, out, err = at(folder, "matrix-recovery-key")

    assert (code, out) == (0, f"{KEY}\n")
    assert "Keep it safe" in err
    assert "MATRIX_RECOVERY_KEY_FILE" in err
    assert not [path for path in folder.rglob("*") if path.is_file() and KEY in path.read_text()]


def test_a_second_call_says_that_it_was_printed_and_what_to_do(folder: Path) -> None:
    at(folder, "matrix-recovery-key")

    code, out, err = at(folder, "matrix-recovery-key")

    assert (code, out) == (1, "")
    assert "printed already" in err
    assert f"{folder}/cross_signing.json" in err


def test_a_recovery_key_that_opens_nothing_yet_is_not_printed(folder: Path) -> None:
    (folder / "recovery_key").rename(folder / "recovery_key.pending")

    code, out, err = at(folder, "matrix-recovery-key")

    assert (code, out) == (1, "")
    assert "opens nothing yet" in err
    assert KEY not in err


def test_before_the_first_login_there_is_no_recovery_key(tmp_path: Path) -> None:
    code, out, err = at(tmp_path / "nothing", "matrix-recovery-key")

    assert (code, out) == (1, "")
    assert "no recovery key was made yet" in err
    assert not (tmp_path / "nothing").exists()


def test_a_recovery_key_that_cannot_be_printed_is_kept(folder: Path) -> None:
    with Path("/dev/full").open("w") as full:
        code = run_debug(["matrix-recovery-key"], PLAN, folder.parent / "s.sock", folder, out=full)

    assert code == 1
    assert (folder / "recovery_key").read_text() == f"{KEY}\n"


def test_a_recovery_key_is_not_printed_to_nobody(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdout", None)

    assert run_debug(["matrix-recovery-key"], PLAN, folder.parent / "s.sock", folder) == 1

    assert (folder / "recovery_key").exists()


def test_a_recovery_key_that_cannot_be_read_or_deleted_is_said(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_path: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "unlink", refuse)
    code, out, err = at(folder, "matrix-recovery-key")
    monkeypatch.undo()
    (folder / "recovery_key").unlink()
    (folder / "recovery_key").mkdir()
    unread = at(folder, "matrix-recovery-key")

    assert (code, out) == (1, f"{KEY}\n")
    assert f"delete {folder}/recovery_key" in err
    assert unread[0] == 1
    assert "cannot be read" in unread[2]


def test_scripts_get_the_recovery_key_and_its_absence_as_json(folder: Path) -> None:
    _, first, _ = at(folder, "matrix-recovery-key", "--json")
    code, second, err = at(folder, "matrix-recovery-key", "--json")

    assert json.loads(first) == {"answer": "recovery-key", "key": KEY}
    assert (code, err) == (1, "")
    assert json.loads(second).keys() == {"answer", "problem", "near"}
    assert json.loads(second)["answer"] == "refused"


def test_a_forgotten_login_is_moved_aside_and_the_seeds_stay(folder: Path) -> None:
    code, out, _ = at(folder, "matrix-login")

    (aside,) = folder.glob("before-*")
    assert code == 0
    assert f"forgotten: moved to {aside}\n" in out
    assert re.fullmatch(r"before-\d{4}-\d\d-\d\d-\d{6}", aside.name)
    assert stat.S_IMODE(aside.stat().st_mode) == 0o700
    assert names(aside) == {"crypto", "session.json"}
    assert (aside / "crypto" / "keys.db").read_text() == "olm"
    assert names(folder) == {aside.name, "cross_signing.json", "recovery_key", "crypto.lock"}


def test_a_login_that_a_running_program_holds_is_not_forgotten(folder: Path) -> None:
    handle = os.open(folder / "crypto.lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(handle, fcntl.LOCK_EX)

    code, out, err = at(folder, "matrix-login")
    os.close(handle)
    again, _, _ = at(folder, "matrix-login")

    assert (code, out) == (1, "")
    assert err == f"the running program works with the login in {folder}: stop it first\n"
    assert again == 0


def test_without_a_login_there_is_nothing_to_forget(tmp_path: Path) -> None:
    code, out, _ = at(tmp_path / "nothing", "matrix-login")

    assert code == 0
    assert "no login is kept" in out
    assert not (tmp_path / "nothing").exists()


def test_a_login_that_was_half_moved_when_a_kill_came_is_moved_by_the_next_call(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    move, moved = Path.replace, list[Path]()

    def move_one(path: Path, target: Path) -> Path:
        if moved:
            raise KeyboardInterrupt
        moved.append(path)
        return move(path, target)

    monkeypatch.setattr(Path, "replace", move_one)
    with pytest.raises(KeyboardInterrupt):
        at(folder, "matrix-login")
    monkeypatch.undo()
    (folder / next(iter(folder.glob("before-*")))).rename(folder / "before-earlier")

    assert at(folder, "matrix-login")[0] == 0

    assert {path.name for path in folder.glob("before-*/*")} == {"crypto", "session.json"}
    assert not {"crypto", "session.json"} & names(folder)


def test_a_folder_that_cannot_be_changed_is_said(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_words: object, **_more: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", refuse)

    code, _, err = at(folder, "matrix-login")

    assert code == 1
    assert err == f"{folder} cannot be changed: Permission denied\n"


def test_scripts_get_the_place_where_a_login_went_as_json(folder: Path) -> None:
    _, first, _ = at(folder, "matrix-login", "--json")
    _, second, _ = at(folder, "matrix-login", "--json")

    (aside,) = folder.glob("before-*")
    assert json.loads(first) == {"answer": "login-forgotten", "moved_to": str(aside)}
    assert json.loads(second) == {"answer": "login-forgotten", "moved_to": ""}


def test_debug_looks_where_the_program_keeps_its_secrets() -> None:
    default = Settings.model_fields["matrix_store_path"].default

    assert debug_places({})[1] == default
    assert debug_places({"MATRIX_STORE_PATH": "elsewhere"})[1] == Path("elsewhere")


async def test_the_command_needs_no_other_setting_and_no_program(
    folder: Path, tmp_path: Path
) -> None:
    place = {"MATRIX_STORE_PATH": os.fspath(folder)}

    shown = await run_supervisor("debug", "matrix-recovery-key", folder=tmp_path, environment=place)
    forgot = await run_supervisor("debug", "matrix-login", folder=tmp_path, environment=place)

    assert (shown.returncode, shown.stdout) == (0, f"{KEY}\n")
    assert forgot.returncode == 0
    assert "session.json" not in names(folder)
