from typing import Any

import pytest
import structlog
import trio
import trio.testing

from actors.kernel.letters import DeadLetters
from actors.kernel.mailbox import Latest, Mailbox
from protocols.mail import CalleeDiedError, CalleeParkedError
from tests.actors.kernel.crew import Doubled, Said, Unanswered


def filled(*words: str, capacity: int = 64) -> Mailbox[Any]:
    box: Mailbox[Any] = Mailbox("writer", capacity=capacity)
    box.letters = DeadLetters()
    for word in words:
        assert box.address.try_send(Said(word))
    return box


def lost(box: Mailbox[Any]) -> list[tuple[str, str]]:
    assert box.letters is not None
    return [(letter.kind, letter.reason) for letter in reversed(box.letters.newest())]


async def rest_of(box: Mailbox[Any]) -> list[str]:
    box.close()
    return [message.text async for message in box]


async def test_mail_is_read_in_the_order_in_which_it_was_sent() -> None:
    box = filled("a", "b", "c")

    assert await rest_of(box) == ["a", "b", "c"]
    assert (box.accepted, box.taken, box.handled, box.peak) == (3, 3, 3, 3)


async def test_a_reader_that_waits_is_handed_the_message_at_once() -> None:
    box: Mailbox[Said] = Mailbox("writer")

    async with trio.open_nursery() as nursery:

        @nursery.start_soon
        async def read() -> None:
            assert (await anext(box)).text == "a"

        await trio.testing.wait_all_tasks_blocked()
        assert box.is_waiting
        assert box.is_idle
        box.put(Said("a"))

        assert (box.in_hand, box.used) == (1, 0)
        assert not box.is_waiting


async def test_a_closed_mailbox_ends_the_iteration_of_a_waiting_reader() -> None:
    box: Mailbox[Said] = Mailbox("writer")

    async with trio.open_nursery() as nursery:

        @nursery.start_soon
        async def read() -> None:
            assert [message async for message in box] == []

        await trio.testing.wait_all_tasks_blocked()
        box.close()


async def test_a_life_that_is_to_end_stops_reading_and_the_next_one_goes_on() -> None:
    box = filled("a", "b")
    assert (await anext(box)).text == "a"
    box.end_life()

    assert [message async for message in box] == []

    box.begin_life(lambda: None)
    assert await rest_of(box) == ["b"]


async def test_the_first_wait_of_a_life_is_announced_once() -> None:
    box = filled("a", "b")
    announced: list[str] = []
    box.begin_life(lambda: announced.append("ready"))

    await rest_of(box)

    assert announced == ["ready"]


async def test_only_one_task_may_wait_for_mail() -> None:
    box: Mailbox[Said] = Mailbox("writer")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(box.receive_batch, 1)
        await trio.testing.wait_all_tasks_blocked()
        with pytest.raises(trio.BusyResourceError):
            await anext(box)
        nursery.cancel_scope.cancel()


async def test_a_cancelled_reader_loses_nothing() -> None:
    box: Mailbox[Said] = Mailbox("writer")
    with trio.move_on_after(0):
        await anext(box)

    box.put(Said("a"))

    assert not box.is_waiting
    assert await rest_of(box) == ["a"]


async def test_a_crash_puts_the_message_in_hand_back_to_the_front() -> None:
    box = filled("a", "b")
    await anext(box)

    box.put_back(crashed=True, reason="ValueError")

    assert await rest_of(box) == ["a", "b"]


async def test_a_message_without_a_queue_is_put_back_too() -> None:
    box: Mailbox[Said] = Mailbox("writer")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(box.receive_batch, 1)
        await trio.testing.wait_all_tasks_blocked()
        box.put(Said("a"))

    box.put_back(crashed=True, reason="ValueError")

    assert await rest_of(box) == ["a"]


async def test_the_third_crash_on_a_message_sets_it_aside() -> None:
    box = filled("a", "b")
    for _ in range(3):
        assert (await anext(box)).text == "a"
        box.put_back(crashed=True, reason="ValueError")

    assert lost(box) == [("Said", "set aside after 3 crashes")]
    assert await rest_of(box) == ["b"]
    assert box.accepted == box.handled + box.lost


async def test_a_cancelled_life_does_not_count_against_its_message() -> None:
    box = filled("a")
    for _ in range(5):
        await anext(box)
        box.put_back(crashed=False, reason="cancelled")

    assert await rest_of(box) == ["a"]


async def test_an_ordered_end_has_handled_what_was_in_hand() -> None:
    box = filled("a")
    await anext(box)

    box.put_down("it ended")

    assert (box.handled, box.used, box.in_hand) == (1, 0, 0)


async def test_a_batch_takes_what_is_there_up_to_the_limit() -> None:
    box = filled("a", "b", "c")

    assert [m.text for m in await box.receive_batch(2)] == ["a", "b"]
    assert [m.text for m in await box.receive_batch(2)] == ["c"]
    box.close()
    assert await box.receive_batch(2) == []
    assert box.handled == 3


async def test_after_a_crash_the_messages_of_a_batch_come_one_by_one() -> None:
    box = filled("a", "b")
    await box.receive_batch(8)
    box.put_back(crashed=True, reason="ValueError")
    box.put(Said("c"))
    box.put(Said("d"))

    batches = [[m.text for m in await box.receive_batch(8)] for _ in range(3)]

    assert batches == [["a"], ["b"], ["c", "d"]]


async def test_a_batch_that_waits_is_filled_with_what_came_meanwhile() -> None:
    box: Mailbox[Said] = Mailbox("writer")
    batches: list[list[Said]] = []

    async with trio.open_nursery() as nursery:

        @nursery.start_soon
        async def read() -> None:
            batches.append(await box.receive_batch(8))

        await trio.testing.wait_all_tasks_blocked()
        box.put(Said("a"))
        box.put(Said("b"))

    assert [[m.text for m in batch] for batch in batches] == [["a", "b"]]


async def test_a_batch_makes_room_for_those_who_wait_in_line() -> None:
    box = filled("a", "b", capacity=2)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(box.address.send, Said("c"))
        nursery.start_soon(box.address.send, Said("d"))
        await trio.testing.wait_all_tasks_blocked()
        assert box.in_line == 2

        batch = await box.receive_batch(3)

    assert len(batch) == 3
    assert (box.in_line, box.used) == (0, 1)


async def test_what_was_put_back_over_the_capacity_comes_before_those_in_line() -> None:
    box = filled("a", capacity=1)
    assert (await anext(box)).text == "a"
    box.put(Said("b"))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(box.address.send, Said("c"))
        await trio.testing.wait_all_tasks_blocked()
        box.put_back(crashed=True, reason="ValueError")

        assert [(await anext(box)).text for _ in range(3)] == ["a", "b", "c"]


async def test_a_parked_reader_keeps_its_queue_and_tells_its_askers() -> None:
    box = filled("a")
    async with trio.open_nursery() as nursery:

        @nursery.start_soon
        async def ask() -> None:
            with pytest.raises(CalleeParkedError, match="writer: parked: no token"):
                await box.address.ask(Doubled(1))

        await trio.testing.wait_all_tasks_blocked()
        box.park("parked: no token")
        assert not box.address.try_send(Said("b"))
        with pytest.raises(CalleeParkedError, match="writer: parked: no token"):
            await box.address.ask(Doubled(2))

    assert lost(box) == [("Doubled", "parked: no token"), ("Said", "parked: no token")]
    box.reopen()
    assert await rest_of(box) == ["a"]


async def test_an_asker_in_line_and_one_in_hand_are_told_that_the_reader_parked() -> None:
    box = filled(capacity=1)
    told: list[type[Exception]] = []

    async def ask() -> None:
        with pytest.raises(CalleeDiedError) as died:
            await box.address.ask(Unanswered())
        told.append(died.type)

    async with trio.open_nursery() as nursery:
        for _ in range(3):
            nursery.start_soon(ask)
            await trio.testing.wait_all_tasks_blocked()
        await anext(box)
        box.put_back(crashed=False, reason="no token", is_parked=True)
        box.park("parked: no token")

    assert told == [CalleeParkedError] * 3
    assert (box.accepted, box.lost, box.in_hand, box.in_line) == (3, 3, 0, 0)


async def test_a_reader_that_ended_for_good_is_not_parked_any_more() -> None:
    box = filled()
    box.park("parked: no token")

    box.bury("stopped")

    with pytest.raises(CalleeDiedError, match="stopped") as died:
        await box.address.ask(Doubled(1))
    assert died.type is CalleeDiedError


async def test_a_reader_that_was_parked_and_goes_on_answers_again() -> None:
    box = filled()
    box.park("parked: no token")
    box.reopen()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(answer_one, box)
        assert await box.address.ask(Doubled(2)) == 4


async def answer_one(box: Mailbox[Any]) -> None:
    question = await anext(box)
    question.reply_to.send(2 * question.number)


def test_an_empty_parked_reader_has_no_queue() -> None:
    box = filled()

    box.park("parked")

    assert box.used == 0


async def test_what_an_ended_reader_did_not_read_becomes_dead_letters() -> None:
    box = filled("a", capacity=1)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(box.address.send, Said("b"))

        @nursery.start_soon
        async def ask() -> None:
            with pytest.raises(CalleeDiedError):
                await box.address.ask(Doubled(1))

        await trio.testing.wait_all_tasks_blocked()
        box.bury("stopped")

    assert sorted(lost(box)) == [("Doubled", "stopped"), ("Said", "stopped"), ("Said", "stopped")]
    assert box.accepted == box.lost == 3


async def test_a_crash_tells_the_asker_and_does_not_try_the_question_again() -> None:
    box = filled()
    async with trio.open_nursery() as nursery:

        @nursery.start_soon
        async def ask() -> None:
            with pytest.raises(CalleeDiedError, match="ValueError"):
                await box.address.ask(Unanswered())

        await trio.testing.wait_all_tasks_blocked()
        await anext(box)
        assert not box.is_idle
        box.put_back(crashed=True, reason="ValueError")

    assert lost(box) == [("Unanswered", "ValueError")]
    assert box.used == 0


async def test_a_question_that_was_answered_before_the_crash_is_handled() -> None:
    box = filled()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(box.address.ask, Doubled(1))
        await trio.testing.wait_all_tasks_blocked()
        question = await anext(box)
        question.reply_to.send(2)

        box.put_back(crashed=True, reason="ValueError")

    assert (box.handled, box.lost, box.used) == (1, 0, 0)


async def test_a_question_kept_from_an_earlier_message_dies_with_the_reader() -> None:
    box = filled()
    async with trio.open_nursery() as nursery:

        @nursery.start_soon
        async def ask() -> None:
            with pytest.raises(CalleeDiedError, match="it ended"):
                await box.address.ask(Unanswered())

        await trio.testing.wait_all_tasks_blocked()
        await anext(box)
        box.close()
        assert [m async for m in box] == []
        box.put_down("it ended")


async def test_the_trace_of_a_message_is_bound_while_it_is_in_hand() -> None:
    box = filled()
    box.put(Said("a", trace="t1"))
    box.put(Said("b"))
    await anext(box)

    assert structlog.contextvars.get_contextvars() == {"trace": "t1"}

    await anext(box)
    assert structlog.contextvars.get_contextvars() == {}


async def test_the_last_sixteen_kinds_are_known_oldest_first() -> None:
    box = filled(*"abcdefghijklmnopqr")
    box.put(Doubled(1))
    assert box.newest_kinds() == ()

    box.close()
    async for _ in box:
        pass

    assert box.newest_kinds() == (*["Said"] * 15, "Doubled")


async def test_ages_are_told_in_seconds(autojump_clock: trio.testing.MockClock) -> None:
    box = filled("a", "b")
    assert box.in_hand_age(trio.current_time()) is None
    await anext(box)

    autojump_clock.jump(5.0)

    now = trio.current_time()
    assert box.oldest_age(now) == box.in_hand_age(now) == 5.0
    assert box.message_in_hand == Said("a")
    await rest_of(box)
    assert box.oldest_age(now) is None
    assert box.message_in_hand is None


async def test_without_an_office_dead_letters_are_only_counted() -> None:
    box: Mailbox[Said] = Mailbox("writer")
    await box.address.send(Said("a"))

    box.bury("stopped")

    assert box.lost == 1


async def test_a_question_whose_asker_gave_up_is_not_read_any_more() -> None:
    box = filled("a")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(box.address.ask, Unanswered())
        await trio.testing.wait_all_tasks_blocked()
        box.put(Said("b"))
        nursery.cancel_scope.cancel()
    await anext(box)
    box.put_back(crashed=True, reason="ValueError")

    assert await rest_of(box) == ["a", "b"]
    assert lost(box) == [("Unanswered", "its asker gave up")]
    assert box.accepted == box.handled + box.lost == 3


async def test_a_question_that_was_given_up_makes_room_for_those_in_line() -> None:
    box = filled(capacity=1)
    async with trio.open_nursery() as nursery:
        async with trio.open_nursery() as asking:
            asking.start_soon(box.address.ask, Unanswered())
            await trio.testing.wait_all_tasks_blocked()
            nursery.start_soon(box.address.send, Said("a"))
            nursery.start_soon(box.address.send, Said("b"))
            await trio.testing.wait_all_tasks_blocked()
            asking.cancel_scope.cancel()

        assert (box.used, box.in_line) == (1, 2)
        assert [(await anext(box)).text for _ in range(2)] in (["a", "b"], ["b", "a"])
    assert (box.used, box.in_line) == (0, 0)


async def test_questions_given_up_before_a_park_are_told_once() -> None:
    box = filled()
    async with trio.open_nursery() as asking:
        asking.start_soon(box.address.ask, Unanswered())
        await trio.testing.wait_all_tasks_blocked()
        asking.cancel_scope.cancel()
    box.park("parked")
    box.reopen()

    assert await rest_of(box) == []
    assert lost(box) == [("Unanswered", "parked")]


async def test_a_new_value_takes_the_place_of_one_that_nobody_took() -> None:
    latest: Latest[str] = Latest()
    latest.put("a")
    latest.put("b")

    assert await latest.get() == "b"


async def test_who_comes_before_the_value_waits_for_it() -> None:
    latest: Latest[str] = Latest()
    taken: list[str] = []

    async with trio.open_nursery() as nursery:

        @nursery.start_soon
        async def take() -> None:
            taken.append(await latest.get())
            taken.append(await latest.get())

        await trio.testing.wait_all_tasks_blocked()
        latest.put("a")
        await trio.testing.wait_all_tasks_blocked()
        assert taken == ["a"]
        latest.put("b")

    assert taken == ["a", "b"]
