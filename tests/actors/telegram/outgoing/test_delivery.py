"""How the outbox is read, and what the log says of it."""

from typing import TypeVar

import trio
from attrs import define, field
from structlog.typing import EventDict
from trio.testing import MockClock

from actors.telegram.api.outcomes import Refused
from protocols.changes import AddOutgoing
from protocols.journal import Voice
from protocols.mail import Question
from protocols.store import Outgoing
from protocols.surfaces import Deliver
from tests.actors.telegram.fake_bot import HERE, Fault, Gateway
from tests.fakes import MemoryStoreAddress

A = TypeVar("A")


@define
class CountingStore(MemoryStoreAddress):
    """A store that counts the looks into the outbox."""

    looks: int = 0

    async def ask(self, question: Question[A], /, *, within: float = 10.0) -> A:
        self.looks += isinstance(question, Outgoing)
        return await MemoryStoreAddress.ask(self, question, within=within)


@define
class CountingGateway(Gateway):
    """A gateway with such a store."""

    counting: CountingStore = field(factory=CountingStore)

    @property
    def store(self) -> CountingStore:
        self.counting.journal = self.journal
        return self.counting


async def test_a_short_page_of_the_outbox_is_the_last(autojump_clock: MockClock) -> None:
    gateway = CountingGateway(autojump_clock)
    async with gateway.running():
        await trio.sleep(1)
        await gateway.say("one")
        await gateway.settled()

    assert gateway.counting.looks == 1


async def test_all_pages_of_the_outbox_are_delivered_at_one_hint(
    autojump_clock: MockClock,
) -> None:
    gateway = CountingGateway(autojump_clock)
    texts = [f"m{number}" for number in range(100)]
    async with gateway.running():
        await trio.sleep(1)
        gateway.commit(*[AddOutgoing(HERE, Voice.GATEWAY, text) for text in texts])
        await gateway.tell(Deliver(HERE))
        await gateway.settled()

    assert gateway.bot.shown() == texts
    assert gateway.counting.looks == 3


async def test_the_log_names_the_row_that_an_answer_belongs_to(
    autojump_clock: MockClock, logs: list[EventDict]
) -> None:
    gateway = Gateway(autojump_clock)
    async with gateway.running():
        row, other = gateway.row(), gateway.row()
        await gateway.finish(row, "one")
        await gateway.settled()
        gateway.bot.faults["edit"] = [Fault(Refused(400, "no"))]
        await gateway.finish(other, "two")
        await gateway.settled()

    rows = {line["event"]: line.get("row") for line in logs}
    assert (rows["answer.delivered"], rows["answer.refused"]) == (row, other)
