"""The store's contract, held by the memory twin and the real one alike."""

from pathlib import Path

import pytest
from attrs import evolve

from protocols.changes import (
    AddDeadLetter,
    Change,
    DecideRow,
    DeleteDeadLetter,
    DeleteKey,
    FailedOutgoing,
    FinishRow,
    PutKey,
    RequeueRow,
    RewordRow,
    SentOutgoing,
    ShowRow,
    TakeKey,
)
from protocols.ids import (
    PLATFORM,
    OutboxId,
    PersonId,
    RemoteId,
    RoomId,
    RowId,
    SurfaceName,
)
from protocols.journal import Cursor, RowState, Voice
from protocols.pushes import push_room
from protocols.store import (
    HELD_BACK,
    Backup,
    BackupMade,
    BackupRefused,
    Committed,
    Conflict,
    DeadLetters,
    FinalOutgoing,
    FindKeys,
    FindMessage,
    FindRow,
    GetKey,
    Journal,
    JournalSummary,
    LastFinished,
    Outgoing,
    OutgoingRooms,
    ReadCursor,
    RecentRows,
    SummariseJournal,
    UnsortedRows,
    WaitingRooms,
    WaitingRows,
)
from tests.actors.store.asking import (
    MATRIX,
    NOW,
    OTHER_ROOM,
    ROOM,
    Asking,
    arrival,
    finish,
    queue,
    start,
    words,
)

# Arrivals.


async def test_a_journaled_batch_comes_back_as_rows_in_order(store: Asking) -> None:
    first, second = arrival("$1", text="one\x00two\n"), arrival("$2", text="🦊")

    journaled = await store.ask(Journal(MATRIX, (first, second)))

    assert [row.id for row in journaled.rows] == [1, 2]
    assert [row.text for row in journaled.rows] == ["one\x00two\n", "🦊"]
    assert {row.state for row in journaled.rows} == {RowState.RECEIVED}
    assert {(row.sent_at, row.received_at) for row in journaled.rows} == {(NOW - 5, NOW)}
    assert await store.ask(UnsortedRows()) == journaled.rows


async def test_an_event_seen_before_is_left_out_and_takes_no_id(store: Asking) -> None:
    await store.arrive("$1")

    again = await store.ask(Journal(MATRIX, (arrival("$1"), arrival("$2"), arrival("$2"))))

    assert [(row.id, row.event_id) for row in again.rows] == [(2, "$2")]


async def test_two_surfaces_may_use_the_same_event_id(store: Asking) -> None:
    await store.arrive("7")

    other = await store.ask(Journal(SurfaceName("telegram"), (arrival("7"),)))

    assert len(other.rows) == 1


async def test_the_cursor_moves_with_its_batch(store: Asking) -> None:
    before = await store.ask(ReadCursor("matrix"))
    await store.ask(Journal(MATRIX, (), Cursor("matrix", "s1")))
    await store.ask(Journal(MATRIX, (arrival("$1"),), Cursor("matrix", "s2")))

    after = await store.ask(ReadCursor("matrix"))

    assert (before, after) == (None, Cursor("matrix", "s2"))


async def test_further_changes_come_along_with_a_batch(store: Asking) -> None:
    letter = AddDeadLetter("matrix", "matrix event", "no body", "{}")

    await store.ask(Journal(MATRIX, (), extra=(letter, PutKey("k", "1"))))

    [kept] = await store.ask(DeadLetters())
    assert (kept.reason, kept.body, kept.at) == ("no body", "{}", NOW)
    assert await store.ask(GetKey("k")) == "1"


async def test_a_further_change_that_conflicts_does_not_cost_the_events(store: Asking) -> None:
    journaled = await store.ask(Journal(MATRIX, (arrival("$1"),), extra=(start(99),)))

    assert len(journaled.rows) == 1


# A row's way.


async def test_a_row_goes_from_received_to_answered(store: Asking) -> None:
    await store.arrive("$1")

    outcome = await store.commit(
        queue(1), start(1), ShowRow(RowId(1), RemoteId("$draft")), finish(1), words(row=1)
    )

    row = await store.row(1)
    assert outcome == Committed((OutboxId(1),))
    assert (row.state, row.slot, row.run_id, row.attempts) == (
        RowState.ANSWERED,
        "C1",
        "run-1",
        1,
    )
    assert (row.shown_id, row.finished_at) == ("$draft", NOW)


async def test_a_retry_replaces_the_words_of_its_row(store: Asking) -> None:
    await store.arrive("$1", "$2")

    await store.commit(queue(1, "the words before"), queue(2))

    assert (await store.row(1)).text == "the words before"
    assert (await store.row(2)).text == "hello"


async def test_every_start_counts_as_an_attempt(store: Asking) -> None:
    await store.arrive("$1")

    await store.commit(queue(1), start(1))
    await store.commit(start(1))

    assert (await store.row(1)).attempts == 2


async def test_an_orderly_stop_does_not_count_as_an_attempt(store: Asking) -> None:
    await store.arrive("$1")

    await store.commit(queue(1), start(1), RequeueRow(RowId(1)))

    row = await store.row(1)
    assert (row.state, row.attempts) == (RowState.QUEUED, 0)


_WAY: dict[RowState, tuple[Change, ...]] = {
    RowState.RECEIVED: (),
    RowState.QUEUED: (queue(1),),
    RowState.RUNNING: (queue(1), start(1)),
    RowState.ANSWERED: (finish(1),),
}


@pytest.mark.parametrize(
    ("change", "allowed"),
    [
        (queue(1), {RowState.RECEIVED}),
        (start(1), {RowState.QUEUED, RowState.RUNNING}),
        (RequeueRow(RowId(1)), {RowState.RUNNING}),
        (finish(1), {RowState.RECEIVED, RowState.QUEUED, RowState.RUNNING}),
        (
            ShowRow(RowId(1), RemoteId("$d")),
            {RowState.RECEIVED, RowState.QUEUED, RowState.RUNNING},
        ),
    ],
    ids=lambda value: type(value).__name__,
)
@pytest.mark.parametrize("state", list(_WAY))
async def test_a_change_from_the_wrong_state_conflicts(
    store: Asking, change: Change, allowed: set[RowState], state: RowState
) -> None:
    await store.arrive("$1")
    await store.commit(*_WAY[state])

    outcome = await store.commit(change)

    assert outcome == (Committed() if state in allowed else Conflict(RowId(1), state))


async def test_a_change_of_an_unknown_row_conflicts(store: Asking) -> None:
    assert await store.commit(start(5)) == Conflict(RowId(5), None)


async def test_a_conflict_undoes_the_whole_commit(store: Asking) -> None:
    await store.arrive("$1", "$2")
    await store.commit(finish(2))

    outcome = await store.commit(
        queue(1),
        words(row=1),
        PutKey("k", "1"),
        AddDeadLetter("s", "k", "r"),
        finish(2, RowState.FAILED),
    )
    added = await store.commit(words(), AddDeadLetter("s", "k", "r"))

    assert outcome == Conflict(RowId(2), RowState.ANSWERED)
    assert (await store.row(1)).state is RowState.RECEIVED
    assert await store.ask(GetKey("k")) is None
    assert added == Committed((OutboxId(1),))
    assert [letter.id for letter in await store.ask(DeadLetters())] == [1]


async def test_an_unknown_row_is_not_found(store: Asking) -> None:
    assert await store.ask(FindRow(RowId(1))) is None


# Looking up rows.


async def test_unsorted_rows_come_oldest_first_in_pages(store: Asking) -> None:
    await store.arrive("$1", "$2", "$3", "$4")
    await store.commit(queue(2))

    page = await store.ask(UnsortedRows(limit=2))
    rest = await store.ask(UnsortedRows(after=page[-1].id))

    assert [row.id for row in (*page, *rest)] == [1, 3, 4]


async def test_waiting_rows_are_the_queued_and_running_ones_of_a_room(store: Asking) -> None:
    await store.arrive("$1", "$2", "$3")
    await store.arrive("$4", room=OTHER_ROOM)
    await store.commit(queue(1), start(1), queue(2), queue(4))

    waiting = await store.ask(WaitingRows(ROOM))
    later = await store.ask(WaitingRows(ROOM, after=RowId(1)))
    first = await store.ask(WaitingRows(ROOM, limit=1))

    assert [row.id for row in waiting] == [1, 2]
    assert [row.id for row in later] == [2]
    assert [row.id for row in first] == [1]


async def test_the_room_that_waited_longest_comes_first(store: Asking) -> None:
    await store.arrive("$1", room=OTHER_ROOM)
    await store.arrive("$2")
    await store.arrive("$3", room=OTHER_ROOM)
    await store.commit(queue(3), queue(2), queue(1))

    assert await store.ask(WaitingRooms()) == (OTHER_ROOM, ROOM)


async def test_only_what_a_person_may_retry_is_their_last_finished_row(store: Asking) -> None:
    await store.arrive("$1", "$2", "$3")
    await store.arrive("$4", sender="matrix:@else:s")
    await store.arrive("$5", room=OTHER_ROOM)
    await store.commit(
        finish(1, RowState.STOPPED),
        finish(2, RowState.FAILED, "timeout"),
        finish(3),
        finish(4, RowState.SET_ASIDE),
        finish(5, RowState.FAILED),
    )

    last = await store.ask(LastFinished(ROOM, PersonId("matrix:@u:s")))
    nobody = await store.ask(LastFinished(ROOM, PersonId("matrix:@nobody:s")))

    assert last is not None
    assert (last.id, last.reason) == (2, "timeout")
    assert nobody is None


async def test_recent_rows_come_newest_first(store: Asking) -> None:
    await store.arrive("$1", "$2")
    await store.arrive("$3", room=OTHER_ROOM)

    everywhere = await store.ask(RecentRows(limit=2))
    here = await store.ask(RecentRows(room=ROOM))

    assert [row.id for row in everywhere] == [3, 2]
    assert [row.id for row in here] == [2, 1]


async def test_a_limit_below_nothing_gives_nothing(store: Asking) -> None:
    await store.arrive("$1")

    assert await store.ask(RecentRows(limit=-1)) == ()


# The outbox.


async def test_outgoing_words_know_what_they_answer(store: Asking) -> None:
    await store.arrive("$1")
    await store.commit(words("draft's place", row=1), words("unasked"))
    await store.commit(ShowRow(RowId(1), RemoteId("$draft")), finish(1))

    answer, unasked = await store.ask(Outgoing(ROOM))

    assert (answer.reply_to_event, answer.shown_id, answer.row) == ("$1", "$draft", 1)
    assert (unasked.reply_to_event, unasked.shown_id, unasked.row) == (None, None, None)
    assert (answer.text, answer.voice, answer.is_final) == ("draft's place", Voice.AGENT, True)
    assert len({answer.uid, unasked.uid}) == 2
    assert len(answer.uid) == len(bytes.fromhex(answer.uid)) * 2 == 32


async def test_an_outgoing_message_keeps_its_uid(store: Asking) -> None:
    await store.commit(words())

    assert await store.ask(Outgoing(ROOM)) == await store.ask(Outgoing(ROOM))


async def test_outgoing_words_come_oldest_first_and_only_what_is_pending(store: Asking) -> None:
    await store.commit(words("1"), words("2"), words("3"), words("4"))
    await store.commit(
        SentOutgoing(OutboxId(1), RemoteId("$a")), FailedOutgoing(OutboxId(2), "too long")
    )

    pending = await store.ask(Outgoing(ROOM, limit=1))

    assert [out.text for out in pending] == ["3"]


async def test_the_first_word_on_an_outgoing_message_stands(store: Asking) -> None:
    sent = SentOutgoing(OutboxId(1), RemoteId("$a"))
    await store.commit(words())
    await store.commit(sent)

    again = await store.commit(
        sent, FailedOutgoing(OutboxId(1), "x"), FailedOutgoing(OutboxId(9), "x")
    )

    assert again == Committed()
    assert (await store.ask(SummariseJournal())).outgoing == {"sent": 1}


async def test_words_that_could_not_be_sent_leave_their_row_as_it_is(store: Asking) -> None:
    await store.arrive("$1")
    await store.commit(finish(1), words(row=1))

    await store.commit(FailedOutgoing(OutboxId(1), "we were kicked"))

    assert (await store.row(1)).state is RowState.ANSWERED


async def test_rooms_with_outgoing_words_are_those_of_one_surface(store: Asking) -> None:
    await store.commit(
        words(room=OTHER_ROOM),
        words(room=RoomId("matrixlike/1")),
        words(),
        words(room=OTHER_ROOM),
    )

    assert await store.ask(OutgoingRooms(MATRIX)) == (OTHER_ROOM, ROOM)


# Keys and dead letters.


async def test_keys_are_put_replaced_and_forgotten(store: Asking) -> None:
    await store.commit(PutKey("a", "1"), PutKey("a", "2"), PutKey("b", "3"), DeleteKey("b"))
    await store.commit(DeleteKey("never there"))

    assert await store.ask(GetKey("a")) == "2"
    assert await store.ask(GetKey("b")) is None


async def test_keys_are_found_by_their_beginning_taken_literally(store: Asking) -> None:
    keys = ("a:2", "a:1", "a:%", "a_1", "b", "a:\U0010ffff", "A:1")
    await store.commit(*(PutKey(key, "0") for key in keys))

    found = await store.ask(FindKeys("a:"))
    everything = await store.ask(FindKeys(""))

    assert [key for key, _ in found] == ["a:%", "a:1", "a:2", "a:\U0010ffff"]
    assert [key for key, _ in everything] == sorted(keys)


async def test_dead_letters_come_newest_first_and_are_never_numbered_again(store: Asking) -> None:
    await store.commit(AddDeadLetter("s", "k", "1"), AddDeadLetter("s", "k", "2"))
    await store.commit(DeleteDeadLetter(2), DeleteDeadLetter(9))
    await store.commit(AddDeadLetter("s", "k", "3"))

    letters = await store.ask(DeadLetters())
    newest = await store.ask(DeadLetters(limit=1))

    assert [(letter.id, letter.reason) for letter in letters] == [(3, "3"), (1, "1")]
    assert newest == letters[:1]


async def test_the_summary_counts_what_there_is(store: Asking) -> None:
    empty = await store.ask(SummariseJournal())
    await store.arrive("$1", "$2", "$3")
    await store.commit(finish(1), words(), AddDeadLetter("s", "k", "r"))

    summary = await store.ask(SummariseJournal())

    assert empty == JournalSummary({}, {}, 0, None)
    assert summary == JournalSummary({"answered": 1, "received": 2}, {"pending": 1}, 1, NOW)


async def test_a_task_that_the_platform_works_at_is_nothing_that_waits(store: Asking) -> None:
    room = push_room("user")
    await store.ask(Journal(PLATFORM, (evolve(arrival("msg_1"), room=room),)))
    received = await store.ask(SummariseJournal())
    await store.commit(queue(1), start(1))

    running = await store.ask(SummariseJournal())

    assert received.oldest_unfinished_at == NOW
    assert running.oldest_unfinished_at is None


async def test_a_message_that_is_held_back_is_nothing_that_waits(store: Asking) -> None:
    held, other = arrival("a"), evolve(arrival("b"), sender=PersonId("matrix:@other:s"))
    await store.ask(Journal(MATRIX, (held,)))
    await store.commit(PutKey(f"{HELD_BACK}{held.room} {held.sender}", "{}"))
    alone = await store.ask(SummariseJournal())
    await store.ask(Journal(MATRIX, (other,)))
    beside = await store.ask(SummariseJournal())
    await store.commit(queue(1), FinishRow(RowId(2), RowState.IGNORED, "not meant"))
    queued = await store.ask(SummariseJournal())

    assert alone.oldest_unfinished_at is None
    assert beside.oldest_unfinished_at == NOW
    assert queued.oldest_unfinished_at == NOW


# Backups.


async def test_a_backup_never_replaces_a_file(store: Asking, tmp_path: Path) -> None:
    target = tmp_path / "copy.db"

    first = await store.ask(Backup(str(target)))
    second = await store.ask(Backup(str(target)))

    assert isinstance(first, BackupMade)
    assert target.stat().st_mode & 0o777 == 0o600
    assert isinstance(second, BackupRefused)


async def test_a_backup_into_no_folder_is_refused(store: Asking, tmp_path: Path) -> None:
    answer = await store.ask(Backup(str(tmp_path / "nowhere" / "copy.db")))

    assert isinstance(answer, BackupRefused)


async def test_a_text_is_replaced_only_before_its_turn(store: Asking) -> None:
    await store.arrive("1")

    assert isinstance(await store.commit(RewordRow(RowId(1), "new")), Committed)
    await store.commit(queue(1))
    assert isinstance(await store.commit(RewordRow(RowId(1), "newer")), Committed)
    await store.commit(start(1))
    late = await store.commit(RewordRow(RowId(1), "too late"))

    assert late == Conflict(RowId(1), RowState.RUNNING)
    assert (await store.row(1)).text == "newer"


async def test_the_first_decision_about_a_row_stands(store: Asking) -> None:
    await store.arrive("1")
    await store.commit(finish(1))

    first = await store.commit(DecideRow(RowId(1), "yes"))
    second = await store.commit(DecideRow(RowId(1), "no"))

    assert isinstance(first, Committed)
    assert second == Conflict(RowId(1), RowState.ANSWERED)
    assert (await store.row(1)).decided == "yes"


async def test_a_key_is_taken_once_and_only_as_it_was_seen(store: Asking) -> None:
    await store.arrive("1")
    await store.commit(PutKey("k", "new"))

    outdated = await store.commit(TakeKey("k", "old", RowId(1)))
    first = await store.commit(TakeKey("k", "new", RowId(1)))
    second = await store.commit(PutKey("other", "1"), TakeKey("k", "new", RowId(1)))
    of_nobody = await store.commit(TakeKey("k", "new", RowId(5)))

    assert outdated == second == Conflict(RowId(1), RowState.RECEIVED)
    assert first == Committed()
    assert of_nobody == Conflict(RowId(5), None)
    assert await store.ask(FindKeys("")) == ()


async def test_a_message_is_found_by_its_id_and_its_edits_are_not_it(store: Asking) -> None:
    said = evolve(arrival("1"), message_id=RemoteId("7"))
    edited = evolve(arrival("2"), message_id=RemoteId("7"), edits=RemoteId("7"))
    elsewhere = evolve(arrival("3", room=OTHER_ROOM), message_id=RemoteId("7"))
    await store.ask(Journal(MATRIX, (said, edited, elsewhere, arrival("4"))))

    found = await store.ask(FindMessage(ROOM, RemoteId("7")))

    assert found is not None
    assert found.id == 1
    assert await store.ask(FindMessage(ROOM, RemoteId("8"))) is None
    assert await store.ask(FindMessage(ROOM, RemoteId(""))) is None


async def test_the_outcome_of_a_row_is_found_also_when_it_is_sent(store: Asking) -> None:
    await store.arrive("1")
    await store.commit(evolve(words("by the way", row=1), is_final=False))
    await store.commit(finish(1), words("answer", row=1))
    await store.commit(SentOutgoing(OutboxId(2), RemoteId("$sent")))

    found = await store.ask(FinalOutgoing(RowId(1)))

    assert found is not None
    assert (found.text, found.remote_id) == ("answer", RemoteId("$sent"))
    assert await store.ask(FinalOutgoing(RowId(2))) is None
