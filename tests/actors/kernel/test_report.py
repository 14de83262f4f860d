from typing import Any

import pytest
import trio
import trio.testing
from attrs import frozen

from actors.kernel.report import frames_of, id_of, stack_of
from tests.actors.kernel.crew import Said


@frozen
class OfRow:
    row: int


@frozen
class OfRun:
    run_id: str


@frozen
class Strange:
    id: object


@pytest.mark.parametrize(
    ("message", "expected"),
    [(OfRow(7), "7"), (OfRun("r-1"), "r-1"), (Said("words"), ""), (Strange(object()), "")],
)
def test_a_message_is_named_by_its_id_only(message: Any, expected: str) -> None:
    assert id_of(message) == expected


async def sleeper() -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.sleep_forever, name="inner")
        await trio.sleep_forever()


async def test_a_stack_shows_the_task_and_those_that_it_started() -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(sleeper, name="outer")
        await trio.testing.wait_all_tasks_blocked()
        (task,) = nursery.child_tasks

        text = stack_of(task)

        nursery.cancel_scope.cancel()
    assert text.startswith("task outer\n  kernel/test_report.py:")
    assert "  task inner\n" in text
    assert "in sleep_forever" in text


def test_a_traceback_is_told_by_its_places_only() -> None:
    with pytest.raises(ValueError, match="words") as caught:
        int("a person's words")

    (place,) = frames_of(caught.value.__traceback__)

    assert place.startswith("kernel/test_report.py:")
    assert place.endswith(" in test_a_traceback_is_told_by_its_places_only")
