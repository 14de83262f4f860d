import pytest
import trio
import trio.testing

from actors.kernel.child import Wait, current_life
from actors.kernel.letters import DeadLetters
from actors.kernel.mailbox import Mailbox
from protocols.mail import Address, AnswerLateError, CalleeDiedError
from tests.actors.kernel.crew import Doubled, Said, Unanswered


class Waits:
    """A life that notes whom it waits for."""

    def __init__(self) -> None:
        self.now: list[Wait] = []

    def ready(self) -> None:
        raise AssertionError

    def note(self, text: str) -> None:
        raise AssertionError(text)

    def beat(self) -> None:
        raise AssertionError

    def wait_began(self, wait: Wait) -> None:
        self.now.append(wait)

    def wait_ended(self, wait: Wait) -> None:
        self.now.remove(wait)

    @property
    def told(self) -> list[str]:
        return [f"{wait.reader}: {wait.why}" for wait in self.now]


def box_of(*words: str, capacity: int = 1) -> Mailbox[object]:
    box: Mailbox[object] = Mailbox("writer", capacity=capacity)
    box.letters = DeadLetters()
    for word in words:
        box.put(Said(word))
    return box


def test_an_address_is_known_by_its_reader() -> None:
    address: Address[object] = box_of().address

    assert address.reader == "writer"


async def test_a_full_mailbox_refuses_what_does_not_wait() -> None:
    address = box_of().address
    await address.send(Said("a"))

    assert not address.try_send(Said("b"))


async def test_a_sender_waits_for_room() -> None:
    box = box_of("a")
    life = Waits()
    current_life.set(life)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(box.address.send, Said("b"))
        await trio.testing.wait_all_tasks_blocked()
        assert life.told == ["writer: room in its mailbox"]

        await anext(box)

    assert life.told == []
    assert box.used == 1


async def test_a_sender_outside_a_supervisor_waits_too() -> None:
    box = box_of("a")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(box.address.send, Said("b"))
        await trio.testing.wait_all_tasks_blocked()

        assert [m.text for m in await box.receive_batch(5) if isinstance(m, Said)] == ["a", "b"]


async def test_a_sender_that_gives_up_leaves_no_message() -> None:
    box = box_of("a")
    with trio.move_on_after(0.001) as waited:
        await box.address.send(Said("b"))

    assert waited.cancelled_caught
    assert (box.in_line, box.accepted) == (0, 1)


async def test_mail_to_a_closed_mailbox_is_a_dead_letter() -> None:
    box = box_of()
    box.close("stopped")

    await box.address.send(Said("a", trace="t1"))

    assert box.letters is not None
    (letter,) = box.letters.newest()
    assert (letter.reader, letter.kind, letter.reason) == ("writer", "Said", "stopped")
    assert letter.trace == "t1"


async def answer(box: Mailbox[object], count: int) -> None:
    for _ in range(count):
        question = await anext(box)
        assert isinstance(question, Doubled)
        question.reply_to.send(2 * question.number)


async def test_an_answer_reaches_its_asker() -> None:
    box = box_of()
    life = Waits()
    current_life.set(life)
    async with trio.open_nursery() as nursery:

        @nursery.start_soon
        async def ask() -> None:
            assert await box.address.ask(Doubled(21)) == 42

        await trio.testing.wait_all_tasks_blocked()
        assert life.told == ["writer: answer to Doubled"]
        await answer(box, 1)

    assert life.told == []


async def test_questions_in_line_are_answered_in_order() -> None:
    box = box_of()
    answers: list[int] = []

    async def ask(number: int) -> None:
        answers.append(await box.address.ask(Doubled(number)))

    async with trio.open_nursery() as nursery:
        for number in range(3):
            nursery.start_soon(ask, number)
            await trio.testing.wait_all_tasks_blocked()
        assert box.in_line == 2
        await answer(box, 3)

    assert answers == [0, 2, 4]


async def test_who_asks_a_closed_mailbox_is_told_at_once() -> None:
    box = box_of()
    box.close("stopped")

    with pytest.raises(CalleeDiedError, match=r"writer: stopped \(Doubled\)"):
        await box.address.ask(Doubled(1))


async def test_a_question_in_line_is_withdrawn_when_its_time_is_up(
    autojump_clock: trio.testing.MockClock,
) -> None:
    box = box_of("a")
    began = autojump_clock.current_time()

    with pytest.raises(AnswerLateError, match=r"writer did not answer Unanswered within 3 s"):
        await box.address.ask(Unanswered(), within=3.0)

    assert autojump_clock.current_time() - began == pytest.approx(3.0)
    assert box.in_line == 0
