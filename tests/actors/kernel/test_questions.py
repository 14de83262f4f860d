import pytest
import trio
import trio.testing

from actors.kernel.letters import DeadLetters
from actors.kernel.mailbox import Mailbox
from actors.kernel.questions import OpenReply
from protocols.mail import AnswerLateError, CalleeDiedError
from tests.actors.kernel.crew import Doubled, Unanswered


def a_box() -> Mailbox[object]:
    box: Mailbox[object] = Mailbox("writer")
    box.letters = DeadLetters()
    return box


def letters(box: Mailbox[object]) -> list[tuple[str, str]]:
    assert box.letters is not None
    return [(letter.kind, letter.reason) for letter in box.letters.newest()]


async def late(box: Mailbox[object], within: float, order: list[float]) -> None:
    with pytest.raises(AnswerLateError):
        await box.address.ask(Unanswered(), within=within)
    order.append(within)


async def test_one_sweeper_ends_all_questions_each_at_its_own_limit(
    autojump_clock: trio.testing.MockClock,
) -> None:
    box = a_box()
    order: list[float] = []

    async with trio.open_nursery() as nursery:
        for within in (9.0, 3.0, 6.0, 3.0):
            nursery.start_soon(late, box, within, order)

    assert order == [3.0, 3.0, 6.0, 9.0]
    assert autojump_clock.current_time() == pytest.approx(9.0)


async def test_a_late_answer_is_a_dead_letter(autojump_clock: trio.testing.MockClock) -> None:
    box = a_box()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(late, box, 1.0, [])
        question = await anext(box)
    assert isinstance(question, Unanswered)

    question.reply_to.send(5)

    assert letters(box) == [("int", "late answer to Unanswered")]
    assert autojump_clock.current_time() == pytest.approx(1.0)


async def test_a_second_answer_is_a_dead_letter() -> None:
    box = a_box()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(box.address.ask, Doubled(1))
        await trio.testing.wait_all_tasks_blocked()
        question = await anext(box)
        assert isinstance(question, Doubled)
        question.reply_to.send(2)
        question.reply_to.send(2)

    assert letters(box) == [("int", "late answer to Doubled")]


async def test_an_asker_that_is_cancelled_leaves_its_question_behind() -> None:
    box = a_box()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(box.address.ask, Unanswered())
        question = await anext(box)
        nursery.cancel_scope.cancel()

    assert isinstance(question, Unanswered)
    assert isinstance(question.reply_to, OpenReply)
    assert not question.reply_to.is_open


async def test_a_death_after_the_answer_changes_nothing() -> None:
    box = a_box()
    reply = OpenReply(box, trio.lowlevel.current_task(), "Doubled", 1.0)
    reply.abandon(None)
    await trio.lowlevel.checkpoint()

    reply.callee_died("ValueError")

    assert letters(box) == []


async def test_a_death_is_told_while_the_limit_has_not_passed() -> None:
    box = a_box()
    async with trio.open_nursery() as nursery:

        @nursery.start_soon
        async def ask() -> None:
            with pytest.raises(CalleeDiedError):
                await box.address.ask(Unanswered(), within=3600)

        await trio.testing.wait_all_tasks_blocked()
        await anext(box)
        box.put_back(crashed=True, reason="ValueError")


async def test_ten_thousand_answered_questions_leave_nothing_behind(
    autojump_clock: trio.testing.MockClock,
) -> None:
    box = a_box()
    async with trio.open_nursery() as nursery:

        @nursery.start_soon
        async def read() -> None:
            async for question in box:
                assert isinstance(question, Doubled)
                question.reply_to.send(2 * question.number)

        for number in range(10_000):
            assert await box.address.ask(Doubled(number)) == 2 * number
        box.close()

    await trio.sleep(20)
    assert letters(box) == []
    assert autojump_clock.current_time() == pytest.approx(20.0)
