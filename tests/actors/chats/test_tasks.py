"""What is kept of tasks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.chats.tasks import (
    OPEN,
    OVER,
    EndedTask,
    Task,
    TaskName,
    is_push,
    open_key,
    over_key,
    put_open,
    put_over,
    read_all_open,
    read_open,
    read_over,
)
from protocols.ids import Language, RoomId, RowId
from protocols.pushes import AgentEventKind
from tests.actors.chats.rows import a_row

TASK = Task(
    TaskName("u", "t"), RowId(7), RoomId("matrix/!r:s"), Language("en"), "half", seq=3, heard_at=1.5
)


@given(st.builds(TaskName, st.text(), st.text()), st.text(), st.none() | st.integers())
def test_an_open_task_is_read_back_as_it_was(name: TaskName, line: str, seq: int | None) -> None:
    task = Task(name, RowId(1), RoomId("a/b"), Language(""), line, seq, 0.5)

    assert read_open(put_open(task).value) == task


@given(st.sets(st.sampled_from(AgentEventKind)))
def test_how_a_task_ended_is_read_back_as_it_was(kinds: set[AgentEventKind]) -> None:
    ended = EndedTask(RowId(3), frozenset(kinds))

    assert read_over(put_over(TASK.name, ended).value) == ended


@given(st.tuples(st.text(), st.text()), st.tuples(st.text(), st.text()))
def test_each_task_has_keys_of_its_own(one: tuple[str, str], other: tuple[str, str]) -> None:
    names = TaskName(*one), TaskName(*other)
    keys = {key for name in names for key in (open_key(name), over_key(name))}

    assert len(keys) == 2 * len({one, other})
    assert not any(key.startswith(OPEN) and key.startswith(OVER) for key in keys)


def test_open_tasks_are_read_in_the_order_in_which_they_began() -> None:
    older = Task(TaskName("u", "z"), RowId(2), TASK.room, TASK.language, "", None, 0.0)
    stored = [("task:a", put_open(TASK).value), ("task:z", put_open(older).value)]

    assert read_all_open(stored) == (older, TASK)


@pytest.mark.parametrize(("room", "is_one"), [("platform/u", True), ("matrix/!platform:s", False)])
def test_a_push_is_known_by_its_room(room: str, *, is_one: bool) -> None:
    assert is_push(a_row(room=RoomId(room))) is is_one


def test_no_word_of_a_task_is_in_its_repr() -> None:
    assert "half" not in repr(TASK)
