from collections.abc import Iterator
from pathlib import Path

import pytest

from actors.store.batch import commit_batch
from actors.store.connection import Connection
from actors.store.database import open_database
from actors.store.errors import FullDiskWriteError
from protocols.changes import PutKey
from protocols.store import Commit, GetKey, Journal
from tests.actors.store.asking import MATRIX, NOW, arrival


class Place:
    """Takes one answer."""

    def __init__(self) -> None:
        self.answers: list[object] = []

    def send(self, answer: object, /) -> None:
        self.answers.append(answer)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "s.db"


@pytest.fixture
def db(path: Path) -> Iterator[Connection]:
    database = open_database(path)
    yield database
    database.close()


def asked(question: Journal | Commit | GetKey) -> Place:
    place = Place()
    object.__setattr__(question, "reply_to", place)
    return place


def test_nobody_is_answered_before_the_batch_is_durable(db: Connection, path: Path) -> None:
    question = Commit((PutKey("k", "1"),))
    place = asked(question)

    batch = commit_batch(db, [question], path, NOW)

    assert place.answers == []
    assert not db.in_transaction
    batch.deliveries[0]()
    assert len(place.answers) == 1


def test_a_read_sees_the_writes_before_it(db: Connection, path: Path) -> None:
    questions = GetKey("k"), Commit((PutKey("k", "1"),)), GetKey("k")
    before, _, after = (asked(question) for question in questions)

    for deliver in commit_batch(db, questions, path, NOW).deliveries:
        deliver()

    assert (before.answers, after.answers) == ([None], ["1"])


def test_a_full_disk_fails_the_whole_batch_and_leaves_what_was_there(
    db: Connection, path: Path
) -> None:
    earlier, small = Commit((PutKey("earlier", "1"),)), Commit((PutKey("small", "1"),))
    large = Journal(MATRIX, tuple(arrival(f"${n}", text="x" * 5000) for n in range(50)))
    for question in (earlier, small, large):
        asked(question)
    commit_batch(db, [earlier], path, NOW)
    pages = db.execute("PRAGMA page_count").fetchone()[0]
    db.execute(f"PRAGMA max_page_count = {pages + 2}")

    with pytest.raises(FullDiskWriteError, match="free some"):
        commit_batch(db, [small, large], path, NOW)

    assert db.execute("SELECT key FROM kv").fetchall() == [("earlier",)]
    assert db.execute("SELECT count(*) FROM inbox").fetchone() == (0,)
