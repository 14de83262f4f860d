"""Mail: a supervised mailbox against trio's own memory channel."""

from collections.abc import Awaitable, Callable, Iterator
from functools import partial

import trio
from attrs import define, field, frozen

from actors.kernel.mailbox import Mailbox
from actors.kernel.spec import ChildSpec, permanent, transient
from protocols.mail import Address, Question
from tests.bench.pairs import Pairs, in_turns, scaled, timed
from tests.bench.table import Finding, at_least
from tests.bench.trees import growing, silence

_ROUNDS = 31
"""Many and short: what slows one of a pair then mostly slows the other."""
_MESSAGES = 5_000
_QUESTIONS = 2_000
_CAPACITY = 64
"""Of both kinds of queue, so that senders and readers take turns alike."""


@frozen
class Note:
    """Says something."""

    number: int


@frozen
class Doubled(Question[int]):
    """Twice *number*, please."""

    number: int


@frozen
class RawDoubled:
    """The same with a channel for its one answer."""

    number: int
    reply_to: trio.MemorySendChannel[int]


@define
class Course:
    """So many messages from end to end, and what they took."""

    count: int
    seconds: float = 0.0
    all_read: trio.Event = field(factory=trio.Event)
    over: trio.Event = field(factory=trio.Event)


# With the kernel.


@define
class Reader:
    """Counts what comes."""

    inbox: Mailbox[Note]
    course: Course

    async def run(self) -> None:
        seen = 0
        async for _ in self.inbox:
            seen += 1
            if seen == self.course.count:
                self.course.all_read.set()


@define
class Writer:
    """Sends what the reader counts."""

    reader: Address[Note]
    course: Course

    async def run(self) -> None:
        with timed() as span:
            for number in range(self.course.count):
                await self.reader.send(Note(number))
            await self.course.all_read.wait()
        self.course.seconds = span.cpu
        self.course.over.set()


@define
class Answerer:
    """Answers what it is asked."""

    inbox: Mailbox[Doubled]

    async def run(self) -> None:
        async for question in self.inbox:
            question.reply_to.send(2 * question.number)


@define
class Asker:
    """Asks one question after the other, each with a time limit."""

    answerer: Address[Doubled]
    course: Course

    async def run(self) -> None:
        with timed() as span:
            for number in range(self.course.count):
                await self.answerer.ask(Doubled(number))
        self.course.seconds = span.cpu
        self.course.over.set()


async def supervised_notes(count: int) -> float:
    course, inbox = Course(count), Mailbox[Note]("reader", capacity=_CAPACITY)
    return await _supervised(
        course,
        permanent("reader", Reader, inbox=inbox, course=course),
        transient("writer", Writer, reader=inbox.address, course=course),
    )


async def supervised_questions(count: int) -> float:
    course, inbox = Course(count), Mailbox[Doubled]("answerer", capacity=_CAPACITY)
    return await _supervised(
        course,
        permanent("answerer", Answerer, inbox=inbox),
        transient("asker", Asker, answerer=inbox.address, course=course),
    )


async def _supervised(course: Course, *specs: ChildSpec) -> float:
    async with growing(specs):
        await course.over.wait()
    return course.seconds


# With trio alone.


async def raw_notes(count: int) -> float:
    send, receive = trio.open_memory_channel[Note](_CAPACITY)
    all_read = trio.Event()

    async def read() -> None:
        seen = 0
        async for _ in receive:
            seen += 1
            if seen == count:
                all_read.set()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(read)
        with timed() as span:
            for number in range(count):
                await send.send(Note(number))
            await all_read.wait()
        send.close()
    return span.cpu


async def raw_questions(count: int) -> float:
    send, receive = trio.open_memory_channel[RawDoubled](_CAPACITY)

    async def answer() -> None:
        async for question in receive:
            question.reply_to.send_nowait(2 * question.number)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(answer)
        with timed() as span:
            for number in range(count):
                reply_to, answers = trio.open_memory_channel[int](1)
                await send.send(RawDoubled(number, reply_to))
                await answers.receive()
        send.close()
    return span.cpu


# Side by side.


def measure_notes(share: float) -> Iterator[Finding]:
    count = scaled(_MESSAGES, share)
    pairs = _pairs(supervised_notes, raw_notes, count, scaled(_ROUNDS, share))
    yield _finding("one-way messages / raw trio channel", 0.80, pairs, count)


def measure_questions(share: float) -> Iterator[Finding]:
    count = scaled(_QUESTIONS, share)
    pairs = _pairs(supervised_questions, raw_questions, count, scaled(_ROUNDS, share))
    yield _finding("questions with a limit / raw trio channels", 0.50, pairs, count)


Way = Callable[[int], Awaitable[float]]


def _pairs(ours: Way, theirs: Way, count: int, rounds: int) -> Pairs:
    silence()
    run = partial(in_turns, partial(ours, count), partial(theirs, count), rounds=rounds)
    return trio.run(run)


def _finding(name: str, limit: float, pairs: Pairs, count: int) -> Finding:
    ours, theirs = pairs.rates(count)
    remark = f"{ours:,.0f}/s against {theirs:,.0f}/s"
    return Finding(name, pairs.speeds, target=at_least(limit), remark=remark)
