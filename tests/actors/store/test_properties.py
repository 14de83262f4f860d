"""Any list of operations: both twins answer alike, and the journal's rules hold."""

import tempfile
from pathlib import Path
from typing import Any

import trio
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.kernel.mailbox import Mailbox
from actors.store.actor import StoreActor
from protocols.changes import (
    AddDeadLetter,
    AddOutgoing,
    Change,
    DecideRow,
    DeleteDeadLetter,
    DeleteKey,
    FailedOutgoing,
    FinishRow,
    MoveSlot,
    PutKey,
    RepeatRow,
    RequeueRow,
    RewordRow,
    SentOutgoing,
    ShowRow,
    TakeKey,
)
from protocols.files import FileKind, LocalFile, RemoteFile
from protocols.ids import (
    EventId,
    Language,
    OutboxId,
    PersonId,
    RemoteId,
    RoomId,
    RowId,
    SlotId,
    SurfaceName,
)
from protocols.journal import (
    FINAL,
    UNFINISHED,
    Amends,
    Button,
    Cursor,
    OutboxRow,
    Press,
    Row,
    RowState,
    Voice,
)
from protocols.mail import Address, Question
from protocols.store import (
    Commit,
    Committed,
    Conflict,
    DeadLetters,
    FinalOutgoing,
    FindEvent,
    FindKeys,
    FindMessage,
    FindOutgoing,
    FindRow,
    GetKey,
    History,
    Journal,
    LastFinished,
    Outgoing,
    OutgoingRooms,
    ReadCursor,
    RecentRows,
    StoreMessage,
    SummariseJournal,
    UnsortedRows,
    WaitingRooms,
    WaitingRows,
)
from tests.actors.store.asking import MATRIX, NOW, OTHER_ROOM, ROOM, arrival, queue, start
from tests.fakes import MemoryJournal, MemoryStoreAddress

Ask = Question[Any]

few = st.integers(1, 6)
row_ids = few.map(RowId)
rooms = st.sampled_from([ROOM, OTHER_ROOM, RoomId("telegram/1")])
surfaces = st.sampled_from([MATRIX, SurfaceName("telegram")])
people = st.sampled_from(["matrix:@u:s", "matrix:@v:s"])
any_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
keys = st.sampled_from(["a", "a:", "a:1", "a:2", "b", "é", "\x00"]) | any_text
remote_ids = st.sampled_from(["$x", "$y"]).map(RemoteId)
outbox_ids = few.map(OutboxId)

remote_files = st.builds(
    RemoteFile, st.sampled_from(FileKind), any_text, any_text, st.none() | few, any_text
)
local_files = st.builds(
    LocalFile, st.sampled_from(FileKind), any_text, any_text, few, any_text, any_text
)
keyboards = st.lists(
    st.lists(st.builds(Button, any_text, any_text), max_size=2).map(tuple), max_size=2
).map(tuple)
arrivals = st.builds(
    evolve,
    st.builds(arrival, few.map(str), room=rooms, sender=people, text=any_text),
    message_id=st.sampled_from(["", "7", "8"]).map(RemoteId),
    language=st.sampled_from(["", "ru"]).map(Language),
    files=st.lists(remote_files, max_size=2).map(tuple),
    edits=st.none() | remote_ids,
    press=st.none() | st.builds(Press, any_text, any_text, remote_ids),
    redacts=st.none() | remote_ids,
    thread_id=st.sampled_from(["", "$root"]).map(RemoteId),
    is_shared=st.booleans(),
)
slots = st.sampled_from(["C1", "C2"]).map(SlotId)
changes: st.SearchStrategy[Change] = st.one_of(
    st.builds(queue, few, st.none() | any_text),
    st.builds(start, few),
    st.builds(RequeueRow, row_ids),
    st.builds(FinishRow, row_ids, st.sampled_from(sorted(FINAL)), any_text),
    st.builds(RewordRow, row_ids, any_text),
    st.builds(RepeatRow, row_ids, few.map(str).map(EventId)),
    st.builds(MoveSlot, rooms, people.map(PersonId), slots, slots),
    st.builds(DecideRow, row_ids, st.sampled_from(["yes", "retry"])),
    st.builds(ShowRow, row_ids, remote_ids),
    st.builds(
        AddOutgoing,
        rooms,
        st.sampled_from(Voice),
        any_text,
        st.none() | row_ids,
        st.booleans(),
        keyboards,
        st.lists(local_files, max_size=2).map(tuple),
        st.none() | st.builds(Amends, row_ids, remote_ids),
        any_text,
        any_text,
    ),
    st.builds(SentOutgoing, outbox_ids, remote_ids),
    st.builds(FailedOutgoing, outbox_ids, any_text),
    st.builds(PutKey, keys, any_text | st.just("1")),
    st.builds(DeleteKey, keys),
    st.builds(TakeKey, keys, any_text | st.just("1"), row_ids),
    st.builds(AddDeadLetter, any_text, any_text, any_text, any_text),
    st.builds(DeleteDeadLetter, few),
)
some_changes = st.lists(changes, min_size=1, max_size=4).map(tuple)
limits = st.integers(-1, 4)
questions: st.SearchStrategy[Ask] = st.one_of(
    st.builds(
        Journal,
        surfaces,
        st.lists(arrivals, max_size=3).map(tuple),
        st.none() | st.builds(Cursor, keys, any_text),
        st.just(()) | some_changes,
    ),
    st.builds(Commit, some_changes),
    st.builds(Commit, some_changes),
    st.builds(ReadCursor, keys),
    st.builds(UnsortedRows, row_ids, limits),
    st.builds(WaitingRows, rooms, row_ids, limits),
    st.builds(WaitingRooms),
    st.builds(FindRow, row_ids),
    st.builds(FindEvent, surfaces, few.map(str).map(EventId)),
    st.builds(FindMessage, rooms, st.sampled_from(["", "7", "8"]).map(RemoteId)),
    st.builds(LastFinished, rooms, people.map(PersonId)),
    st.builds(RecentRows, limits, st.none() | rooms),
    st.builds(History, row_ids, st.integers(-1, 40)),
    st.builds(Outgoing, rooms, limits),
    st.builds(FinalOutgoing, row_ids),
    st.builds(FindOutgoing, rooms, remote_ids),
    st.builds(OutgoingRooms, surfaces),
    st.builds(GetKey, keys),
    st.builds(FindKeys, keys),
    st.builds(DeadLetters, limits),
    st.builds(SummariseJournal),
)


class Twins:
    """Both stores, asked the same things at the same time of day."""

    def __init__(self, inbox: Mailbox[StoreMessage]) -> None:
        self.now = NOW
        self.inbox = inbox
        self.memory: Address[StoreMessage] = MemoryStoreAddress(
            MemoryJournal(clock=lambda: self.now)
        )
        self.ended: dict[RowId, Row] = {}

    async def ask(self, question: Ask) -> Any:
        self.now += 1
        wanted = await self.memory.ask(question)
        got = await self.inbox.address.ask(question)
        assert _without_uid(got) == _without_uid(wanted)
        return got

    async def check_rules(self) -> None:
        """Final is final, order is order, and each row is in exactly one place."""
        rows = await self.ask(RecentRows(limit=1000))
        assert [row.id for row in rows] == list(range(len(rows), 0, -1))
        for row in rows:
            assert (row.finished_at is None) == (row.state in UNFINISHED)
            assert row.attempts >= (row.state is RowState.RUNNING)
            before = self.ended.get(row.id, row)
            assert row == before or row == evolve(before, decided=row.decided)
            assert before.decided in {"", row.decided}
        self.ended = {row.id: row for row in rows if row.state in FINAL}
        unsorted = await self.ask(UnsortedRows())
        waiting = [await self.ask(WaitingRows(room)) for room in await self.ask(WaitingRooms())]
        found = [row.id for part in (unsorted, *waiting) for row in part]
        assert sorted(found) == sorted({row.id for row in rows} - set(self.ended))


def _without_uid(answer: object) -> object:
    if isinstance(answer, OutboxRow):
        return evolve(answer, uid="")
    return tuple(map(_without_uid, answer)) if isinstance(answer, tuple) else answer


async def _play(operations: list[Ask], folder: Path) -> list[Any]:
    inbox: Mailbox[StoreMessage] = Mailbox("store")
    twins = Twins(inbox)
    answers = []
    async with trio.open_nursery() as nursery:
        nursery.start_soon(StoreActor(inbox, folder / "s.db", clock=lambda: twins.now).run)
        for question in operations:
            answers.append(await twins.ask(question))
            await twins.check_rules()
        inbox.close()
    return answers


@settings(max_examples=60, deadline=None)
@given(st.lists(questions, max_size=25))
def test_both_twins_give_the_same_answers(operations: list[Ask]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        trio.run(_play, operations, Path(folder))


@settings(max_examples=20, deadline=None)
@given(st.lists(st.builds(Commit, some_changes), min_size=5, max_size=25))
def test_no_commit_is_half_done(commits: list[Ask]) -> None:
    """Over three rows there are enough commits that conflict in their middle."""
    first = Journal(MATRIX, (arrival("1"), arrival("2"), arrival("3")))

    with tempfile.TemporaryDirectory() as folder:
        answers = trio.run(_play, [first, *commits], Path(folder))

    assert all(isinstance(answer, Committed | Conflict) for answer in answers[1:])
