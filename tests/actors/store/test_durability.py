"""What was acknowledged survives kill -9, a full disk, and a second process."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import islice
from pathlib import Path

import pytest

from actors.store.database import check_database, open_database
from actors.store.errors import LockedDatabaseError

_PROJECT = Path(__file__).parents[3]


@contextmanager
def writing(
    path: Path, name: str, *, largest_file_bytes: int = 0
) -> Iterator[subprocess.Popen[str]]:
    """A process that writes; killed at the latest at the end."""
    command = [sys.executable, "-m", "tests.actors.store.writer"]
    with subprocess.Popen(  # noqa: S603  # our own program
        [*command, str(path), name, str(largest_file_bytes)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=_PROJECT,
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            yield process
        finally:
            process.kill()


def lines(process: subprocess.Popen[str], count: int | None = None) -> list[str]:
    assert process.stdout is not None
    return [line.strip() for line in islice(process.stdout, count) if line.endswith("\n")]


def remembered(path: Path) -> tuple[set[str], set[str], dict[str, str]]:
    """Events, outgoing words and cursors."""
    with closing(open_database(path)) as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return (
            {event for (event,) in db.execute("SELECT event_id FROM inbox")},
            {text for (text,) in db.execute("SELECT text FROM outbox")},
            dict(db.execute("SELECT name, value FROM cursor")),
        )


def kill_in_the_middle(path: Path, name: str, after: int) -> list[str]:
    """The events that were acknowledged before the kill."""
    with writing(path, name) as process:
        acknowledged = lines(process, after)
        process.kill()
        return acknowledged + lines(process)


def _assert_all_there(path: Path, acknowledged: list[str]) -> None:
    events, words, cursors = remembered(path)
    assert set(acknowledged) <= events
    assert set(acknowledged) <= words
    assert set(cursors.values()) <= events, "a cursor moved without its events"


def test_acknowledged_rows_survive_kill_9(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    acknowledged: list[str] = []

    for kill in range(3):
        acknowledged += kill_in_the_middle(path, str(kill), after=200 + 37 * kill)

    assert len(acknowledged) >= 600
    _assert_all_there(path, acknowledged)


@pytest.mark.full
def test_acknowledged_rows_survive_many_kills(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    acknowledged: list[str] = []

    for kill in range(25):
        acknowledged += kill_in_the_middle(path, str(kill), after=400 + 117 * kill)

    _assert_all_there(path, acknowledged)


def test_a_full_disk_is_one_clear_line_and_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "s.db"

    with writing(path, "full", largest_file_bytes=400_000) as process:
        acknowledged = lines(process)
        assert process.stderr is not None
        complaint = process.stderr.read()

    assert process.returncode == 1
    assert "nothing acknowledged is lost" in complaint
    assert complaint.count("\n") == 1
    assert acknowledged
    _assert_all_there(path, acknowledged)


def test_a_second_process_is_refused_until_the_first_is_gone(tmp_path: Path) -> None:
    path = tmp_path / "s.db"

    with writing(path, "first") as process:
        lines(process, 50)
        with pytest.raises(LockedDatabaseError, match="in use by another process"):
            open_database(path)
        line = check_database(path)
        lines(process, 50)

    assert line is not None
    assert "in use by another process" in line
    assert check_database(path) is None
    assert len(remembered(path)[0]) >= 100
