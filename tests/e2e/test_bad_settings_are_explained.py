import sqlite3
from pathlib import Path

import pytest

from tests.rigs.program import run_supervisor


@pytest.mark.parametrize("words", [(), ("check",)])
async def test_all_faults_stand_in_one_message_without_values(
    tmp_path: Path, words: tuple[str, ...]
) -> None:
    environment = {"ACCESS_MODE": "sesame", "ADMINS": "nobody", "MATRIX_HOMESERVER": "http://x"}

    done = await run_supervisor(*words, folder=tmp_path, environment=environment)

    assert done.returncode == 2
    assert not done.stdout
    for variable in ("ACCESS_MODE", "ADMINS", "MATRIX_USER_ID", "MATRIX_PASSWORD"):
        assert variable in done.stderr
    for forbidden in ("sesame", "nobody", "Traceback"):
        assert forbidden not in done.stderr


async def test_check_says_that_all_is_well(tmp_path: Path) -> None:
    done = await run_supervisor("check", folder=tmp_path, environment={})

    assert done.returncode == 0
    assert "settings are whole" in done.stdout


async def test_an_env_file_is_read(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("ACCESS_MODE=sesame\n")

    done = await run_supervisor("check", folder=tmp_path, environment={})

    assert done.returncode == 2


@pytest.mark.parametrize("words", [("run",), ("--colour",), ("check", "now")])
async def test_an_unknown_word_shows_the_usage(tmp_path: Path, words: tuple[str, ...]) -> None:
    done = await run_supervisor(*words, folder=tmp_path, environment={})

    assert done.returncode == 2
    assert "usage:" in done.stderr


async def test_help_is_on_stdout(tmp_path: Path) -> None:
    done = await run_supervisor("--help", folder=tmp_path, environment={})

    assert done.returncode == 0
    assert "usage:" in done.stdout


async def test_a_newer_database_is_refused_with_one_line_and_left_alone(tmp_path: Path) -> None:
    database = tmp_path / "surfaces.db"
    with sqlite3.connect(database) as connection:
        connection.execute("PRAGMA user_version = 999")
        connection.execute("CREATE TABLE future(x)")
    connection.close()
    before = database.read_bytes()

    done = await run_supervisor(folder=tmp_path, environment={}, stdin=b"hello\n")

    assert done.returncode == 2
    assert "newer" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert database.read_bytes() == before


async def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "surfaces.db").write_text("my diary, not a database\n" * 50)

    done = await run_supervisor(folder=tmp_path, environment={}, stdin=b"hello\n")

    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert (tmp_path / "surfaces.db").read_text().startswith("my diary")
