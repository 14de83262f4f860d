from collections.abc import Iterator
from pathlib import Path

import pytest
from attrs import evolve

from actors.store.arrivals import journal
from actors.store.changes import apply_changes
from actors.store.connection import Connection
from actors.store.database import open_database
from actors.store.lookups import look_up_outgoing
from actors.store.pruning import prune
from protocols.changes import AddDeadLetter, Change, FailedOutgoing, SentOutgoing
from protocols.ids import OutboxId, RemoteId, RowId
from protocols.journal import Amends, OutboxRow
from protocols.store import Committed, FindOutgoing, Journal
from tests.actors.store.asking import MATRIX, ROOM, arrival, finish, queue, words

ENDED = 100.0
LATER = 200.0


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Connection]:
    database = open_database(tmp_path / "s.db")
    yield database
    database.close()


def arrive(db: Connection, *events: str) -> int:
    return len(journal(db, Journal(MATRIX, tuple(map(arrival, events))), ENDED).rows)


def change(db: Connection, *changes: Change, at: float = ENDED) -> None:
    assert isinstance(apply_changes(db, changes, at), Committed)


def left(db: Connection) -> tuple[list[int], list[int]]:
    """The ids of the journal's rows and of the outgoing messages."""
    tables = ("SELECT id FROM inbox ORDER BY id", "SELECT id FROM outbox ORDER BY id")
    rows, outgoing = ([id_ for (id_,) in db.execute(table)] for table in tables)
    return rows, outgoing


def standing(db: Connection) -> list[str]:
    """The text of what stands in ``$a``."""
    found: list[str] = []

    class Asker:
        def send(self, answer: OutboxRow | None, /) -> None:
            found.extend([] if answer is None else [answer.text])

    question = FindOutgoing(ROOM, RemoteId("$a"))
    object.__setattr__(question, "reply_to", Asker())  # as ``Address.ask`` does
    look_up_outgoing(db, question)()
    return found


def prune_all(db: Connection, older_than: float = LATER) -> None:
    while prune(db, older_than=older_than, limit=200):
        pass


def test_only_rows_that_ended_before_the_limit_are_forgotten(db: Connection) -> None:
    arrive(db, "$ended", "$unfinished", "$waiting", "$ended later")
    change(db, finish(1), queue(3))
    change(db, finish(4), at=LATER)

    prune_all(db)

    assert left(db) == ([2, 3, 4], [])


def test_a_forgotten_event_is_still_recognised(db: Connection) -> None:
    arrive(db, "$1")
    change(db, finish(1))
    prune_all(db)

    again = arrive(db, "$1")

    assert again == 0


def test_ids_are_not_used_again(db: Connection) -> None:
    arrive(db, "$1")
    change(db, finish(1))
    prune_all(db)

    arrive(db, "$2")

    assert left(db) == ([2], [])


def test_words_that_were_sent_or_refused_go_with_their_row(db: Connection) -> None:
    arrive(db, "$1")
    change(db, finish(1), words(row=1), words(row=1), words())
    change(
        db,
        SentOutgoing(OutboxId(1), RemoteId("$a")),
        FailedOutgoing(OutboxId(2), "gone"),
        SentOutgoing(OutboxId(3), RemoteId("$b")),
    )

    prune_all(db)

    assert left(db) == ([], [])


def test_what_stood_in_a_place_is_unknown_once_it_is_forgotten(db: Connection) -> None:
    arrive(db, "$1")
    answered = words(row=1)
    amends = Amends(RowId(1), RemoteId("$a"))
    change(db, finish(1), answered, SentOutgoing(OutboxId(1), RemoteId("$a")))
    change(db, evolve(answered, amends=amends, text="amended"), at=LATER)
    change(db, SentOutgoing(OutboxId(2), RemoteId("$a")), at=LATER)

    prune_all(db)
    after_one = standing(db)
    prune_all(db, older_than=LATER + 1)

    assert after_one == ["amended"]
    assert standing(db) == []


def test_a_row_stays_while_words_about_it_wait(db: Connection) -> None:
    arrive(db, "$1")
    change(db, finish(1), words(row=1))

    prune_all(db)

    assert left(db) == ([1], [1])


def test_one_step_is_small(db: Connection) -> None:
    arrive(db, *(f"${n}" for n in range(10)))
    change(db, *(finish(n) for n in range(1, 11)))

    pruned = prune(db, older_than=LATER, limit=4)

    assert pruned == 4
    assert left(db) == ([5, 6, 7, 8, 9, 10], [])


def test_a_forgotten_row_costs_about_a_hundred_bytes(tmp_path: Path) -> None:
    db = open_database(tmp_path / "big.db")
    events = [f"$8Bq1yQ0pVdVhyyMBWRqTAkBRqhOYbCsDrDa{n:08}" for n in range(20_000)]
    with db.transaction():
        arrive(db, *events)
        change(db, *(finish(n) for n in range(1, len(events) + 1)))

    prune_all(db)
    db.execute("VACUUM")
    db.close()

    assert (tmp_path / "big.db").stat().st_size / len(events) < 100


def dead_letters_left(db: Connection) -> list[int]:
    return [id_ for (id_,) in db.execute("SELECT id FROM dead_letter ORDER BY id")]


def test_dead_letters_go_like_rows_as_they_may_hold_words(db: Connection) -> None:
    letter = AddDeadLetter("matrix", "Unreadable", "no text", "their words")
    change(db, letter, letter)
    change(db, letter, at=LATER)

    prune_all(db)

    assert dead_letters_left(db) == [3]


def test_dead_letters_go_in_small_steps(db: Connection) -> None:
    letter = AddDeadLetter("matrix", "Unreadable", "no text", "their words")
    change(db, *(letter for _ in range(5)))

    steps = [prune(db, older_than=LATER, limit=2) for _ in range(4)]

    assert steps == [2, 2, 1, 0]
