"""Who takes a Ctrl-C."""

import trio
from trio.testing import MockClock

from actors.terminal.interrupts import InterruptSwitch, Wish


async def test_ctrl_c_stops_the_answer_that_runs() -> None:
    switch = InterruptSwitch()
    switch.answering(is_answering=True)

    is_taken = switch.pressed()

    assert is_taken
    assert await switch.next_wish() is Wish.STOP_ANSWER


async def test_ctrl_c_at_the_prompt_says_how_to_end() -> None:
    switch = InterruptSwitch()

    is_taken = switch.pressed()

    assert is_taken
    assert await switch.next_wish() is Wish.HOW_TO_END


async def test_a_second_ctrl_c_within_two_seconds_is_the_supervisors(mock_clock: MockClock) -> None:
    switch = InterruptSwitch()
    switch.pressed()
    mock_clock.jump(1.9)

    assert not switch.pressed()


async def test_a_second_ctrl_c_after_two_seconds_says_again_how_to_end(
    mock_clock: MockClock,
) -> None:
    switch = InterruptSwitch()
    switch.pressed()
    mock_clock.jump(2.1)

    assert switch.pressed()


async def test_an_answer_that_does_not_stop_cannot_hold_the_person() -> None:
    switch = InterruptSwitch()
    switch.answering(is_answering=True)

    presses = [switch.pressed() for _ in range(3)]

    assert presses == [True, True, False]
    assert await switch.next_wish() is Wish.STOP_ANSWER
    assert await switch.next_wish() is Wish.HOW_TO_END


async def test_the_next_answer_can_be_stopped_too() -> None:
    switch = InterruptSwitch()
    for _ in range(2):
        switch.answering(is_answering=True)
        switch.pressed()
        switch.answering(is_answering=False)

    wishes = [await switch.next_wish() for _ in range(2)]

    assert wishes == [Wish.STOP_ANSWER, Wish.STOP_ANSWER]


async def test_a_line_between_two_presses_makes_the_second_a_first_one() -> None:
    switch = InterruptSwitch()
    switch.pressed()
    switch.answering(is_answering=True)
    switch.answering(is_answering=True)
    switch.answering(is_answering=False)

    assert switch.pressed()


async def test_where_nobody_types_every_ctrl_c_is_the_supervisors() -> None:
    switch = InterruptSwitch(is_interactive=False)
    switch.answering(is_answering=True)

    assert not switch.pressed()


async def test_the_terminal_is_left_as_found_before_the_supervisor_takes_over() -> None:
    left: list[str] = []
    switch = InterruptSwitch(leave=lambda: left.append("as found"))
    switch.pressed()
    before = list(left)

    switch.pressed()

    assert before == []
    assert left == ["as found"]


async def test_a_wish_outlives_the_life_that_waited_for_one() -> None:
    switch = InterruptSwitch()
    with trio.move_on_after(0):
        await switch.next_wish()
    switch.pressed()

    assert await switch.next_wish() is Wish.HOW_TO_END
