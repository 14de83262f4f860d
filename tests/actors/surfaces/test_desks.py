"""Which answer that grows goes first in a room."""

from typing import TypeAlias

from actors.surfaces.desks import GrowingAnswer, RoomDesk
from protocols.ids import RoomId, RowId
from protocols.surfaces import Deliver, RoomMessage, ShowDraft, ShowTyping

ROOM = RoomId("matrix/!r:s")
ONE, TWO, THREE = RowId(1), RowId(2), RowId(3)

Desk: TypeAlias = RoomDesk[GrowingAnswer]


def task(row: RowId) -> ShowDraft:
    return ShowDraft(ROOM, row, "", "works", is_task=True)


def desk_with(*messages: RoomMessage) -> Desk:
    desk: Desk = RoomDesk()
    for message in messages:
        desk.note(message, lambda row: desk.turns.setdefault(row, GrowingAnswer(row, 60.0, 0.0)))
    return desk


def current(desk: Desk) -> RowId | None:
    return None if desk.current is None else desk.current.row


def test_the_newest_turn_goes_first() -> None:
    desk = desk_with(ShowTyping(ROOM, ONE), ShowTyping(ROOM, TWO), ShowDraft(ROOM, ONE, "a"))

    assert current(desk) == TWO


def test_a_task_gives_way_to_any_turn() -> None:
    desk = desk_with(ShowTyping(ROOM, ONE), task(TWO))

    assert current(desk) == ONE


def test_a_task_has_its_turn_when_the_others_are_over() -> None:
    desk = desk_with(task(ONE), ShowTyping(ROOM, TWO), Deliver(ROOM, row_done=TWO))

    assert current(desk) == ONE


def test_of_two_tasks_that_with_news_goes_first() -> None:
    desk = desk_with(task(ONE), task(TWO))
    first = current(desk)
    desk.turns[TWO].draft = None

    assert (first, current(desk)) == (TWO, ONE)


def test_for_a_task_there_is_neither_typing_nor_a_mark() -> None:
    desk = desk_with(ShowTyping(ROOM, ONE))
    desk.turns[ONE].wants_mark = True
    desk.note(task(ONE), lambda row: desk.turns[row])

    assert not desk.turns[ONE].wants_mark
    assert desk.turns[ONE].typing_until < 0


def test_an_empty_desk_has_nothing_that_runs() -> None:
    assert current(RoomDesk()) is None
