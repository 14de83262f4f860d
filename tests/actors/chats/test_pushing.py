"""What becomes of a push."""

from typing import Any

import pytest
from attrs import evolve

from actors.chats.decisions import Decision
from actors.chats.lasts import LastChat, last_text
from actors.chats.page import Page
from actors.chats.pushing import PushSorter
from actors.chats.slots import Chat
from actors.chats.sorting import Sorter
from protocols.changes import AddDeadLetter, AddOutgoing, FinishRow, QueueRow, StartRow
from protocols.ids import TELEGRAM, Language, PersonId, RoomId, RowId, SlotId
from protocols.journal import Row, RowState
from protocols.pushes import AgentEventKind
from tests.actors.chats.pushes import DONE, ERROR, PROGRESS, USER, event, row_of
from tests.actors.chats.rows import a_page, a_row

ME = PersonId("matrix:@me:s")
ANN = PersonId("telegram:42")
ROOM, OTHER_ROOM = RoomId("matrix/!r:s"), RoomId("matrix/!q:s")


def a_page_of(
    person: PersonId | None = ME, *, last: RoomId | None = ROOM, chats: tuple[Chat, ...] = ()
) -> Page:
    """A page that knows *person* as ``USER``, and what else there is about them."""
    page = a_page()
    if person is not None:
        page.known.pushed.people[USER] = person
        page.known.chats[person] = {chat.slot: chat for chat in chats}
        if last is not None:
            used = LastChat(last, SlotId("C1"), Language("ru"))
            page.known.lasts.texts[person] = last_text(used)
    return page


def decided(page: Page, *rows: Row) -> list[Decision]:
    sorter = PushSorter(page)
    return [sorter.decide(row) for row in rows]


def rows_of(*kinds: AgentEventKind, **facts: Any) -> list[Row]:
    return [row_of(event(kind, "words", **facts), n) for n, kind in enumerate(kinds, 1)]


def spoken(decision: Decision) -> list[tuple[RoomId, RowId | None]]:
    return [(it.room, it.row) for it in decision.changes if isinstance(it, AddOutgoing)]


def ended(decision: Decision) -> list[tuple[RowId, RowState]]:
    return [(it.row, it.state) for it in decision.changes if isinstance(it, FinishRow)]


def test_the_first_progress_of_a_task_owns_its_line() -> None:
    (decision,) = decided(a_page_of(), *rows_of(PROGRESS))

    assert [type(change) for change in decision.changes[:2]] == [QueueRow, StartRow]
    assert decision.task is not None
    assert (decision.task.row, decision.task.room, decision.task.line) == (1, ROOM, "words")
    assert not decision.is_work


def test_an_end_takes_the_place_of_the_line() -> None:
    *_, decision = decided(a_page_of(), *rows_of(PROGRESS, PROGRESS, DONE))

    assert spoken(decision) == [(ROOM, RowId(1))]
    assert ended(decision) == [(RowId(3), RowState.IGNORED), (RowId(1), RowState.ANSWERED)]
    assert decision.ended_task == 1


def test_an_end_without_progress_is_its_own_rows_outcome() -> None:
    (decision,) = decided(a_page_of(), *rows_of(ERROR))

    assert spoken(decision) == [(ROOM, RowId(1))]
    assert ended(decision) == [(RowId(1), RowState.FAILED)]


def test_what_a_task_fails_and_is_done_after_all_is_both_said() -> None:
    decisions = decided(a_page_of(), *rows_of(PROGRESS, ERROR, DONE, ERROR, DONE, PROGRESS))

    assert [spoken(it) for it in decisions] == [
        [],
        [(ROOM, RowId(1))],
        [(ROOM, RowId(3))],
        [],
        [],
        [],
    ]


@pytest.mark.parametrize(
    ("seqs", "shown"),
    [
        ((1, 2, 3), [True, True, True]),
        ((2, 1, 2), [True, False, False]),
        ((2, None, 2), [True, True, False]),
        ((None, 1, None), [True, True, True]),
    ],
)
def test_the_newest_progress_wins(seqs: tuple[int | None, ...], shown: list[bool]) -> None:
    rows = [row_of(event(PROGRESS, "x", seq=seq), n) for n, seq in enumerate(seqs, 1)]

    assert [it.task is not None for it in decided(a_page_of(), *rows)] == shown


def test_tasks_are_told_apart_by_their_user_and_their_id() -> None:
    page = a_page_of()
    page.known.pushed.people["user-2"] = ME
    rows = [
        row_of(event(PROGRESS, "x"), 1),
        row_of(event(PROGRESS, "x", task_id="other"), 2),
        row_of(event(PROGRESS, "x", user_id="user-2"), 3),
    ]

    tasks = [it.task for it in decided(page, *rows)]
    assert [task and task.row for task in tasks] == [1, 2, 3]


ARCHIVED = Chat(SlotId("C2"), OTHER_ROOM, is_archived=True)
NEWER = Chat(SlotId("C12"), ROOM)


@pytest.mark.parametrize(
    ("person", "last", "chat_id", "room"),
    [
        (ME, ROOM, "C2", OTHER_ROOM),
        (ME, OTHER_ROOM, None, OTHER_ROOM),
        (ME, OTHER_ROOM, "C7", OTHER_ROOM),
        (ME, OTHER_ROOM, "", OTHER_ROOM),
        (ME, None, None, ROOM),
    ],
)
def test_where_it_is_told(
    person: PersonId, last: RoomId | None, chat_id: str | None, room: RoomId
) -> None:
    page = a_page_of(person, last=last, chats=(ARCHIVED, NEWER))
    (decision,) = decided(page, row_of(event(DONE, "x", chat_id=chat_id)))

    assert spoken(decision) == [(room, RowId(1))]


def test_a_chat_without_a_room_is_nowhere() -> None:
    page = a_page_of(last=None, chats=(Chat(SlotId("C1"), RoomId("")),))
    (decision,) = decided(page, row_of(event(DONE, "x", chat_id="C1")))

    assert ended(decision) == [(RowId(1), RowState.REFUSED)]


def test_who_never_wrote_has_a_private_chat_on_telegram() -> None:
    page = a_page_of(ANN, last=None)
    page.surfaces = {**page.surfaces, TELEGRAM: next(iter(page.surfaces.values()))}
    (decision,) = decided(page, row_of(event(DONE, "x")))

    assert spoken(decision) == [(RoomId("telegram/42"), RowId(1))]


def test_a_push_for_a_surface_that_is_off_waits() -> None:
    (decision,) = decided(a_page_of(ANN, last=None), row_of(event(DONE, "x")))

    assert decision == Decision(decision.row)


@pytest.mark.parametrize(
    ("page", "row", "why"),
    [
        (a_page_of(None), row_of(event(DONE, "secret")), "nobody here is that user"),
        (a_page_of(last=None), row_of(event(DONE, "secret")), "no room of the person is known"),
        (a_page_of(), evolve(row_of(event(DONE)), text="secret"), "it cannot be read"),
        (a_page_of(), evolve(row_of(event(DONE)), text="[]"), "it cannot be read"),
        (a_page_of(), evolve(row_of(event(DONE)), text='{"kind": "new"}'), "it cannot be read"),
    ],
)
def test_what_nobody_can_be_told_is_kept_for_the_operator(page: Page, row: Row, why: str) -> None:
    decision = Sorter(page).decide(row)

    finish, letter = decision.changes
    assert finish == FinishRow(row.id, RowState.REFUSED, f"push: {why}")
    assert letter == AddDeadLetter("chats", "push", f"row 1: {why}", row.text)
    assert "secret" not in f"{finish.reason}{letter.reason}{decision!r}"


def test_a_message_of_a_page_counts_as_the_last_for_what_is_pushed_after_it() -> None:
    page = a_page_of()
    sorter = Sorter(page)
    sorter.decide(a_row(1, room=OTHER_ROOM))

    assert spoken(sorter.decide(row_of(event(DONE, "x"), 2))) == [(OTHER_ROOM, RowId(2))]
