from pathlib import Path

import pytest
import trio
from structlog.typing import EventDict
from trio.testing import MockClock

from actors.ops import words
from actors.ops.desk import Desk
from actors.ops.words import Answer, JournalGlance, Refused, Request
from protocols.changes import AddDeadLetter, FinishRow
from protocols.chats import AccessList, Stranger
from protocols.ids import EventId, PersonId, RoomId, RowId, SurfaceName, TraceId
from protocols.journal import Arrival, RowState
from protocols.lifecycle import ActorState, ActorView, UndeliveredMail
from protocols.store import Commit, Journal
from tests.actors.ops.rig import (
    DyingStoreAddress,
    EndedControl,
    FakeControl,
    FakeDirectory,
    SilentAddress,
    actor,
)
from tests.fakes import MemoryJournal, MemoryStoreAddress

NOW = 1_000_000.0


def _arrival(number: int) -> Arrival:
    return Arrival(
        event_id=EventId(f"${number}"),
        room=RoomId("matrix/!a:s"),
        sender=PersonId("matrix:@u:s"),
        sender_name="A private name",
        text="private words",
        sent_at=NOW - 5,
        trace=TraceId(f"{number:032x}"),
    )


def _store(rows: int = 0) -> MemoryStoreAddress:
    store = MemoryStoreAddress(MemoryJournal(clock=lambda: NOW - 4))
    arrivals = tuple(_arrival(number) for number in range(1, rows + 1))
    store.tell(Journal(SurfaceName("matrix"), arrivals))
    return store


def _desk(**parts: object) -> Desk:
    usual = {"control": FakeControl(), "store": _store(), "chats": FakeDirectory()}
    return Desk(**(usual | parts), now=lambda: NOW)  # type: ignore[arg-type]  # many types


def _stranger(name: str, *, last_at: float) -> Stranger:
    return Stranger(PersonId(name), "A private name", "K7QX", 3, last_at - 60, last_at)


async def test_the_tree_has_everyone_and_the_journal() -> None:
    letter = UndeliveredMail("matrix", "Deliver", "reader ended", "", 3.0)
    control = FakeControl(letters=(letter,))

    tree = await _desk(control=control, store=_store(rows=2)).answer(words.ShowTree())

    assert isinstance(tree, words.Tree)
    assert tree.actors == control.views
    assert (tree.total, tree.undelivered, tree.problem) == (2, 1, "")
    assert tree.journal is not None
    assert tree.journal.rows["received"] == 2
    assert tree.journal.oldest_unfinished_age == 4.0


async def test_a_tree_with_nothing_to_do_has_no_oldest_row() -> None:
    tree = await _desk().answer(words.ShowTree())

    assert isinstance(tree, words.Tree)
    assert tree.journal is not None
    assert tree.journal.oldest_unfinished_age is None


async def test_a_tree_of_ten_thousand_lets_others_run_meanwhile() -> None:
    sessions = (actor(f"sessions/telegram/{number}") for number in range(10_000))
    desk = _desk(control=FakeControl(views=(actor("sessions"), *sessions)))
    turns = 0

    async def take_turns() -> None:
        nonlocal turns
        while True:
            await trio.lowlevel.checkpoint()
            turns += 1

    async with trio.open_nursery() as nursery:
        nursery.start_soon(take_turns)
        tree = await desk.answer(words.ShowTree())
        nursery.cancel_scope.cancel()

    assert isinstance(tree, words.Tree)
    assert tree.total == 10_001
    assert turns >= 20


async def test_a_store_that_hangs_is_said_to_hang(autojump_clock: MockClock) -> None:
    del autojump_clock  # time passes by itself
    desk = _desk(store=SilentAddress("store"))

    tree = await desk.answer(words.ShowTree())

    assert isinstance(tree, words.Tree)
    assert tree.journal is None
    assert tree.problem == "store does not answer"
    assert tree.actors


@pytest.mark.parametrize(
    "stuck",
    [
        actor("store", in_hand="Commit", in_hand_age=1.0),
        actor("store", used=3, oldest_age=1.0),
        actor("store", state=ActorState.BACKOFF),
    ],
)
async def test_a_store_that_is_seen_to_be_stuck_is_not_asked_at_all(stuck: ActorView) -> None:
    desk = _desk(control=FakeControl(views=(stuck,)), store=MemoryStoreAddress())

    tree = await desk.answer(words.ShowTree())

    assert isinstance(tree, words.Tree)
    assert tree.problem == "store does not answer"


@pytest.mark.parametrize(
    ("request_", "reader"),
    [
        (words.ShowJournal(), "store"),
        (words.MakeBackup("/b.db"), "store"),
        (words.ShowAccess(), "chats"),
        (words.LetIn("K7QX"), "chats"),
        (words.RetryFinished(7), "chats"),
    ],
)
async def test_whoever_hangs_is_named(
    request_: Request, reader: str, autojump_clock: MockClock
) -> None:
    del autojump_clock  # time passes by itself
    desk = _desk(store=SilentAddress("store"), chats=SilentAddress("chats"))

    assert await desk.answer(request_) == Refused(f"{reader} does not answer")


@pytest.mark.parametrize(
    ("request_", "deed", "answer"),
    [
        (words.KillActor("matrix"), ("kill", "matrix"), words.Killed("matrix")),
        (words.RestartActor("matrix"), ("restart", "matrix"), words.Restarted("matrix")),
        (
            words.ShowStack("telegram/42"),
            ("stack", "sessions/telegram/42"),
            words.Stack(
                "sessions/telegram/42", "  in run of sessions/telegram/42\n    await receive()"
            ),
        ),
    ],
)
async def test_an_actor_is_found_by_its_name(
    request_: Request, deed: tuple[str, str], answer: Answer
) -> None:
    control = FakeControl(views=(actor("matrix"), actor("sessions/telegram/42")))

    assert await _desk(control=control).answer(request_) == answer
    assert control.done == [deed]


async def test_an_unknown_actor_is_refused_with_near_names() -> None:
    control = FakeControl()

    answer = await _desk(control=control).answer(words.KillActor("matrx"))

    assert answer == Refused("matrx: no actor is called so", ("matrix",))
    assert control.done == []


@pytest.mark.parametrize("state", [ActorState.BACKOFF, ActorState.PARKED, ActorState.ENDED])
async def test_what_does_not_live_cannot_be_killed(state: ActorState) -> None:
    control = FakeControl(views=(actor("matrix", state=state),))

    answer = await _desk(control=control).answer(words.KillActor("matrix"))

    assert answer == Refused(f"matrix: nothing to kill, it is {state}")
    assert control.done == []


async def test_an_actor_that_ended_meanwhile_is_refused() -> None:
    answer = await _desk(control=EndedControl()).answer(words.RestartActor("matrix"))

    assert answer == Refused("matrix: it has just ended")


async def test_who_does_what_to_an_actor_is_logged(logs: list[EventDict]) -> None:
    await _desk().answer(words.KillActor("matrix"))

    assert [(entry["event"], entry["path"]) for entry in logs] == [("actor.kill_asked", "matrix")]


async def test_a_store_that_dies_between_two_questions_is_named_with_the_cause() -> None:
    answer = await _desk(store=DyingStoreAddress(answers_left=1)).answer(words.ShowJournal())

    assert answer == Refused("store: no room on the disk (SummariseJournal)")


async def test_the_journal_shows_states_and_reasons_but_no_words() -> None:
    store = _store(rows=3)
    store.tell(Commit((FinishRow(RowId(3), RowState.FAILED, "the agent hung up"),)))

    journal = await _desk(store=store).answer(words.ShowJournal(limit=2))

    assert isinstance(journal, words.Journal)
    assert [(row.id, row.state, row.reason, row.age) for row in journal.rows] == [
        (3, "failed", "the agent hung up", 4.0),
        (2, "received", "", 4.0),
    ]
    assert "private" not in repr(journal)
    assert isinstance(journal.summary, JournalGlance)


async def test_dead_letters_of_store_and_mailboxes_stand_together_without_bodies() -> None:
    store = _store()
    store.tell(Commit((AddDeadLetter("matrix", "matrix event", "unknown type", "private"),)))
    letters = (
        UndeliveredMail("chats", "RowsArrived", "reader ended", "ab", 2.0),
        UndeliveredMail("matrix", "Deliver", "answered late", "", 60.0),
    )

    dead = await _desk(store=store, control=FakeControl(letters=letters)).answer(
        words.ShowDeadLetters()
    )

    assert isinstance(dead, words.DeadLetters)
    assert [(one.source, one.kind, one.kept, one.age) for one in dead.letters] == [
        ("chats", "RowsArrived", False, 2.0),
        ("matrix", "matrix event", True, 4.0),
        ("matrix", "Deliver", False, 60.0),
    ]
    assert "private" not in repr(dead)


async def test_dead_mail_is_shown_while_the_store_hangs(autojump_clock: MockClock) -> None:
    del autojump_clock  # time passes by itself
    letters = (UndeliveredMail("chats", "RowsArrived", "reader ended", "", 2.0),)
    desk = _desk(control=FakeControl(letters=letters), store=SilentAddress("store"))

    dead = await desk.answer(words.ShowDeadLetters())

    assert isinstance(dead, words.DeadLetters)
    assert [one.kind for one in dead.letters] == ["RowsArrived"]
    assert dead.problem == "store does not answer"


async def test_access_shows_the_newest_strangers_by_id_and_code() -> None:
    strangers = tuple(
        _stranger(f"telegram:{number}", last_at=NOW - 1000 + number) for number in range(250)
    )
    chats = FakeDirectory(AccessList("pairing", (PersonId("matrix:@me:s"),), (), strangers))

    access = await _desk(chats=chats).answer(words.ShowAccess())

    assert isinstance(access, words.Access)
    assert access.strangers[0] == words.StrangerLine("telegram:249", "K7QX", 3, 751.0)
    assert (len(access.strangers), access.left_out) == (words.MOST_ROWS, 50)
    assert "private" not in repr(access)


@pytest.mark.parametrize(
    ("request_", "answer"),
    [
        (words.LetIn("K7QX"), words.LetInDone("telegram:42")),
        (words.LetIn("WRONG"), Refused("no stranger has that code")),
        (words.RetryFinished(7), words.Retried(7)),
        (words.RetryFinished(8), Refused("it was answered")),
    ],
)
async def test_the_directory_decides(request_: Request, answer: Answer) -> None:
    assert await _desk().answer(request_) == answer


async def test_a_pairing_code_is_not_logged(logs: list[EventDict]) -> None:
    await _desk().answer(words.LetIn("K7QX"))
    await _desk().answer(words.LetIn("WRONG"))

    assert "K7QX" not in repr(logs)
    assert "WRONG" not in repr(logs)
    assert "K7QX" not in repr(words.LetIn("K7QX"))


async def test_a_backup_says_how_large_it_is(tmp_path: Path) -> None:
    target = str(tmp_path / "copy.db")

    done = await _desk().answer(words.MakeBackup(target))
    again = await _desk().answer(words.MakeBackup(target))

    assert isinstance(done, words.BackupDone)
    assert done.file == target
    assert isinstance(again, Refused)
