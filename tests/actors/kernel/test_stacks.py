import pytest
import trio
import trio.testing

from actors.kernel.stacks import frames_of, stack_of


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
    assert text.startswith("task outer\n  kernel/test_stacks.py:")
    assert "  task inner\n" in text
    assert "in sleep_forever" in text


def test_a_traceback_is_told_by_its_places_only() -> None:
    with pytest.raises(ValueError, match="words") as caught:
        int("a person's words")

    (place,) = frames_of(caught.value.__traceback__)

    assert place.startswith("kernel/test_stacks.py:")
    assert place.endswith(" in test_a_traceback_is_told_by_its_places_only")
