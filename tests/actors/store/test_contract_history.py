"""The contract again: what was said in a chat before a message came."""

from pathlib import Path

import pytest
from attrs import evolve

from actors.store.database import open_database
from actors.store.lookups import _EXCHANGES
from protocols.changes import AddOutgoing, DecideRow, QueueRow, SentOutgoing
from protocols.ids import OutboxId, RemoteId, RowId, RunId, SlotId
from protocols.journal import Exchange, RowState, Voice
from protocols.store import History, Journal
from tests.actors.store.asking import (
    MATRIX,
    OTHER_ROOM,
    ROOM,
    Asking,
    arrival,
    finish,
    queue,
    start,
    words,
)

ALL = 1_000


async def exchanged(store: Asking, row: int, asked: str, answered: str) -> None:
    """The row of that number was asked and answered in ``C1``."""
    await store.ask(Journal(MATRIX, (arrival(str(row), text=asked),)))
    await store.commit(queue(row), start(row), finish(row), words(answered, row=row))


async def before(store: Asking, row: int, most_chars: int = ALL) -> tuple[Exchange, ...]:
    return await store.ask(History(RowId(row), most_chars))


async def test_what_was_said_before_comes_oldest_first_without_the_row_and_what_follows(
    store: Asking,
) -> None:
    for row in range(1, 5):
        await exchanged(store, row, f"asked {row}", f"answered {row}")

    history = await before(store, 3)

    assert history == (Exchange("asked 1", "answered 1"), Exchange("asked 2", "answered 2"))


async def test_the_words_are_those_that_the_turn_had_and_count_also_once_they_are_sent(
    store: Asking,
) -> None:
    await store.ask(Journal(MATRIX, (arrival("1", text="press"), arrival("2"))))
    await store.commit(queue(1, "yes"), start(1), finish(1), words("done", row=1), queue(2))
    await store.commit(SentOutgoing(OutboxId(1), RemoteId("$sent")))

    assert await before(store, 2) == (Exchange("yes", "done"),)


@pytest.mark.parametrize(
    ("most_chars", "kept"), [(-1, []), (3, []), (4, [2]), (7, [2]), (8, [1, 2]), (9, [1, 2])]
)
async def test_only_the_newest_that_fit_together_are_in_it(
    store: Asking, most_chars: int, kept: list[int]
) -> None:
    said = {1: Exchange("a1", "b1"), 2: Exchange("🦊\x00", "ü2")}
    for row, exchange in said.items():
        await exchanged(store, row, exchange.asked, exchange.answered)
    await exchanged(store, 3, "now", "then")

    history = await before(store, 3, most_chars)

    assert history == tuple(said[row] for row in kept)


async def test_what_is_too_long_ends_the_history_also_where_older_words_would_fit(
    store: Asking,
) -> None:
    await exchanged(store, 1, "old", "old")
    await exchanged(store, 2, "long", "x" * 100)
    await exchanged(store, 3, "new", "new")
    await exchanged(store, 4, "now", "then")

    assert await before(store, 4, 50) == (Exchange("new", "new"),)


async def test_other_people_rooms_and_slots_are_not_in_it(store: Asking) -> None:
    strangers = (
        arrival("1", sender="matrix:@v:s"),
        arrival("2", room=OTHER_ROOM),
        arrival("3", text="other slot"),
        arrival("4", text="no slot"),
        arrival("5", text="now"),
    )
    await store.ask(Journal(MATRIX, strangers))
    other_slot = QueueRow(RowId(3), SlotId("C2"), RunId("run-3"))
    await store.commit(queue(1), queue(2), other_slot, queue(5))
    for row in range(1, 5):
        await store.commit(finish(row), words(row=row))

    assert await before(store, 5) == ()


async def test_what_the_agent_did_not_answer_is_not_in_it(store: Asking) -> None:
    await store.arrive("1", "2", "3", "4", "5")
    await store.commit(*map(queue, range(1, 6)))
    sorry = AddOutgoing(ROOM, Voice.GATEWAY, "it failed", RowId(1))
    await store.commit(finish(1, RowState.FAILED), sorry)
    await store.commit(evolve(words("by the way", row=2), is_final=False))
    await store.commit(finish(3), words("this one", row=3))
    await store.commit(words("nobody asked"))

    assert await before(store, 5) == (Exchange("hello", "this one"),)


async def test_a_row_that_was_sent_again_is_in_it_only_as_what_it_became(store: Asking) -> None:
    await exchanged(store, 1, "asked", "half an ans")
    await exchanged(store, 2, "other", "decided")
    await store.commit(DecideRow(RowId(1), "retry"), DecideRow(RowId(2), "yes"))
    await exchanged(store, 3, "asked", "a whole answer")
    await exchanged(store, 4, "now", "then")

    assert await before(store, 3) == (Exchange("other", "decided"),)
    assert await before(store, 4) == (
        Exchange("other", "decided"),
        Exchange("asked", "a whole answer"),
    )


async def test_a_row_that_is_in_no_chat_or_not_there_has_no_history(store: Asking) -> None:
    await exchanged(store, 1, "asked", "answered")
    await store.arrive("2")

    assert await before(store, 2) == ()
    assert await before(store, 99) == ()


def test_the_rows_of_a_room_are_read_newest_first_without_sorting(tmp_path: Path) -> None:
    db = open_database(tmp_path / "s.db")

    plan = [str(step[3]) for step in db.execute(f"EXPLAIN QUERY PLAN {_EXCHANGES}", (1,))]
    db.close()

    assert any("inbox_room" in step for step in plan), plan
    assert any("outbox_row" in step for step in plan), plan
    assert not any("TEMP B-TREE" in step or step.startswith("SCAN") for step in plan), plan
