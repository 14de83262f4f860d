"""The actor's loop: group commit, one bad message, cancellation, and the end."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from math import inf, nan
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing
from attrs import evolve

from actors.kernel.mailbox import Mailbox
from actors.store.actor import StoreActor
from actors.store.batch import Batch, Durable, commit_batch
from actors.store.connection import Connection
from actors.store.database import check_database, open_database
from actors.store.errors import BrokenDatabaseError, StoreFileError
from protocols.changes import FinishRow, PutKey
from protocols.ids import RowId
from protocols.journal import Row, RowState
from protocols.mail import CalleeDiedError, Question
from protocols.store import (
    Backup,
    BackupMade,
    Commit,
    Committed,
    FindRow,
    GetKey,
    Journal,
    Journaled,
    RecentRows,
    StoreMessage,
)
from tests.actors.store.asking import MATRIX, NOW, Asking, arrival, finish, words

DAY = 86_400.0

Ask = Question[Any]
Inbox = Mailbox[StoreMessage]


@pytest.fixture
def inbox() -> Inbox:
    return Mailbox("store")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "s.db"


@asynccontextmanager
async def running(inbox: Inbox, path: Path, now: float = NOW) -> AsyncIterator[Asking]:
    """A whole life of the actor, ended in good order."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(StoreActor(inbox, path, clock=lambda: now).run)
        yield Asking(inbox.address)
        inbox.close()
    inbox.reopen()


async def crashed_life(inbox: Inbox, path: Path) -> BaseException | None:
    """Run one life as a supervisor would; what it raised."""
    try:
        await StoreActor(inbox, path).run()
    except (sqlite3.Error, StoreFileError, ValueError) as error:
        inbox.put_back(crashed=True, reason="crashed")
        return error
    return None


@asynccontextmanager
async def asked(inbox: Inbox, *questions: Ask) -> AsyncIterator[list[object]]:
    """Questions that wait in the inbox as one batch, in order; then their answers or errors."""
    answers: list[object] = [None] * len(questions)

    async def ask(place: int, question: Ask) -> None:
        try:
            answers[place] = await inbox.address.ask(question, within=inf)
        except CalleeDiedError as error:
            answers[place] = error

    async with trio.open_nursery() as nursery:
        for place, question in enumerate(questions):
            nursery.start_soon(ask, place, question)
            await trio.testing.wait_all_tasks_blocked()
        yield answers


BAD = (
    Journal(MATRIX, (arrival("$lost"), evolve(arrival("$bad"), sent_at=nan))),
    Commit((PutKey("bad", "1"), FinishRow(RowId(1), RowState.QUEUED))),
)


@pytest.mark.parametrize("bad", BAD)
async def test_one_bad_message_does_not_fail_its_batch(inbox: Inbox, path: Path, bad: Ask) -> None:
    before, after = Journal(MATRIX, (arrival("$1"),)), Commit((PutKey("good", "1"),))

    async with asked(inbox, before, bad, after, FindRow(RowId(1))) as answers:
        crash = await crashed_life(inbox, path)

    journaled, died, committed, found = answers
    async with running(inbox, path) as store:
        rows = await store.ask(RecentRows())
        keys = [await store.ask(GetKey(key)) for key in ("good", "bad")]
    assert isinstance(crash, sqlite3.IntegrityError | ValueError)
    assert isinstance(died, CalleeDiedError)
    assert isinstance(journaled, Journaled)
    assert committed == Committed()
    assert found == journaled.rows[0]
    assert [row.event_id for row in rows] == ["$1"]
    assert keys == ["1", None]


async def test_a_bug_in_the_store_answers_nobody_and_keeps_nothing(
    inbox: Inbox, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise AssertionError("a bug")

    monkeypatch.setattr("actors.store.batch.apply_changes", broken)
    questions = Journal(MATRIX, (arrival("$1"),)), Commit((PutKey("k", "1"),))

    async with asked(inbox, *questions) as answers:
        with pytest.raises(AssertionError, match="a bug"):
            await StoreActor(inbox, path).run()
        inbox.put_back(crashed=True, reason="crashed")

    assert [type(answer) for answer in answers] == [CalleeDiedError, CalleeDiedError]
    with closing(open_database(path)) as db:
        assert db.execute("SELECT count(*) FROM inbox").fetchone() == (0,)


async def test_what_waits_together_is_committed_together(
    inbox: Inbox, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = []

    def counted(db: Connection, messages: list[Durable], path: Path, now: float) -> Batch:
        sizes.append(len(messages))
        return commit_batch(db, messages, path, now)

    monkeypatch.setattr("actors.store.actor.commit_batch", counted)
    questions = (Commit((PutKey(str(number), "1"),)) for number in range(50))
    async with asked(inbox, *questions), running(inbox, path):
        pass

    assert sizes == [50]


async def test_an_asker_that_left_does_not_disturb_the_store(inbox: Inbox, path: Path) -> None:
    with trio.CancelScope() as leaving:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(inbox.address.ask, Commit((PutKey("k", "1"),)))
            await trio.testing.wait_all_tasks_blocked()
            leaving.cancel()

    async with running(inbox, path) as store:
        assert await store.commit(PutKey("other", "1")) == Committed()


async def test_a_new_life_goes_on_where_the_last_one_ended(inbox: Inbox, path: Path) -> None:
    async with running(inbox, path) as store:
        await store.arrive("$1")

    async with running(inbox, path) as store:
        await store.arrive("$1", "$2")
        rows = await store.ask(RecentRows())

    assert [row.id for row in rows] == [2, 1]


async def test_the_end_of_a_life_leaves_one_file_that_its_owner_alone_can_read(
    inbox: Inbox, path: Path
) -> None:
    async with running(inbox, path) as store:
        await store.arrive("$1")
        during = {file.stat().st_mode & 0o777 for file in path.parent.iterdir()}

    assert during == {0o600}
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("steps", range(12))
async def test_a_cancelled_store_keeps_what_it_answered_and_frees_its_file(
    inbox: Inbox, path: Path, steps: int
) -> None:
    answer_in, answer_out = trio.open_memory_channel[Journaled](inf)

    async def ask() -> None:
        async with answer_in:
            for number in range(20):
                question = Journal(MATRIX, (arrival(f"${number}"),))
                await answer_in.send(await inbox.address.ask(question))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(ask)
        with trio.CancelScope() as life:
            async with trio.open_nursery() as lives:
                lives.start_soon(StoreActor(inbox, path).run)
                answers = [await answer_out.receive() for _ in range(steps)]
                life.cancel()
        nursery.cancel_scope.cancel()

    answers += [answer async for answer in answer_out]
    acknowledged = {row.event_id for answer in answers for row in answer.rows}
    with closing(open_database(path)) as db:
        kept = {event for (event,) in db.execute("SELECT event_id FROM inbox")}
    assert len(acknowledged) >= steps
    assert acknowledged <= kept
    assert check_database(path) is None


async def test_a_database_that_cannot_be_opened_ends_the_start(inbox: Inbox, path: Path) -> None:
    spoil(path)

    with pytest.raises(BrokenDatabaseError):
        await StoreActor(inbox, path).run()


def spoil(path: Path) -> None:
    path.write_bytes(b"not a database, " * 100)


def damage(path: Path) -> None:
    """Spoil the journal's first page."""
    with closing(open_database(path)) as db:
        where = "SELECT rootpage FROM sqlite_schema WHERE name = 'inbox'"
        page = db.execute(where).fetchone()[0]
    pages = bytearray(path.read_bytes())
    pages[(page - 1) * 4096 : page * 4096] = b"\xff" * 4096
    path.write_bytes(pages)


async def test_a_damaged_page_is_one_clear_line(inbox: Inbox, path: Path) -> None:
    async with running(inbox, path) as store:
        await store.arrive(*(f"${n}" for n in range(300)))
    damage(path)

    async with asked(inbox, RecentRows()):
        crash = await crashed_life(inbox, path)

    assert isinstance(crash, StoreFileError)
    assert "damaged" in str(crash)


async def test_a_backup_holds_all_that_was_answered_before(inbox: Inbox, path: Path) -> None:
    copy = path.with_name("copy.db")
    questions = Journal(MATRIX, (arrival("$1"),)), Backup(str(copy)), FindRow(RowId(1))

    async with asked(inbox, *questions) as answers, running(inbox, path):
        pass

    assert isinstance(answers[1], BackupMade)
    assert answers[1].size_bytes > 0
    async with running(inbox, copy) as store:
        assert [row.event_id for row in await store.ask(RecentRows())] == ["$1"]


# Pruning.


async def test_a_life_begins_with_forgetting_what_is_old(inbox: Inbox, path: Path) -> None:
    async with running(inbox, path) as store:
        await store.arrive("$old", "$unfinished")
        await store.commit(finish(1))

    async with running(inbox, path, now=NOW + 30 * DAY + 1) as store:
        rows = await store.ask(RecentRows())
        await store.arrive("$old", "$new")
        later = await store.ask(RecentRows())

    assert [row.event_id for row in rows] == ["$unfinished"]
    assert [(row.id, row.event_id) for row in later] == [(3, "$new"), (2, "$unfinished")]


async def test_an_idle_store_forgets_in_small_steps(
    inbox: Inbox,
    path: Path,
    autojump_clock: trio.testing.MockClock,  # noqa: ARG001  # by its presence
) -> None:
    async with running(inbox, path) as store:
        for start in range(0, 500, 100):
            events = tuple(arrival(f"${n}") for n in range(start, start + 100))
            await store.ask(Journal(MATRIX, events), within=inf)
        changes = tuple(finish(row + 1) for row in range(500))
        await store.ask(Commit((*changes, words(row=1))), within=inf)
    left: list[int] = []

    async with running(inbox, path, now=NOW + 31 * DAY) as store:
        for _ in range(4):
            rows: tuple[Row, ...] = await store.ask(RecentRows(limit=1000), within=inf)
            left.append(len(rows))
            await trio.sleep(0.3)

    assert left == [300, 100, 1, 1]  # the words about the first row still wait to be sent
