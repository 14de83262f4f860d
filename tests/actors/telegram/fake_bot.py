"""A Telegram in memory that does as it is told, and a gateway whose sender speaks to it."""

from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import count
from typing import Any, TypeVar

import trio
from attrs import define, field, frozen
from trio.testing import MockClock

from actors.kernel.mailbox import Mailbox
from actors.telegram.outcomes import Done, Failure, NotModified, Refusal, Refused, Sent
from actors.telegram.sender import TelegramSender
from actors.telegram.settings import Pace, TelegramSettings
from protocols.ids import TELEGRAM, EventId, PersonId, RoomId, RowId, SlotId, TraceId, run_id_for
from protocols.store import (
    AddOutgoing,
    Arrival,
    Change,
    Commit,
    Committed,
    FinishRow,
    Journal,
    QueueRow,
    RowState,
    StartRow,
    Voice,
)
from protocols.surfaces import Deliver, ShowDraft, ShowTyping, SurfaceMessage
from tests.fakes import MemoryJournal, MemoryStoreAddress

A = TypeVar("A")

HERE = RoomId("telegram/42")
GROUP = RoomId("telegram/-100")
TOPIC = RoomId("telegram/-100/7")

EPOCH = 1_000_000.0


@frozen
class Call:
    """One request, when it came."""

    at: float
    name: str
    chat: int
    thread: int | None
    text: str


@frozen
class Fault:
    """What the next request of a kind ends in, and whether it was done all the same."""

    outcome: Failure
    is_done: bool = False


@define
class FakeBot:
    """One bot's Telegram; *faults* are for the next requests by name."""

    calls: list[Call] = field(factory=list)
    messages: dict[int, tuple[int, str]] = field(factory=dict)
    faults: dict[str, list[Fault]] = field(factory=lambda: defaultdict(list))
    delays: dict[int, float] = field(factory=lambda: defaultdict(lambda: 0.05))
    marked: list[Any] = field(factory=list)
    is_open: bool = False
    _ids: "count[int]" = field(factory=lambda: count(1))

    async def send_message(
        self, chat_id: int, text: str, entities: Any = (), *, thread_id: int | None = None
    ) -> Sent | Failure:
        async def post() -> Sent:
            message_id = next(self._ids)
            self.messages[message_id] = chat_id, text
            return Sent(message_id)

        self.marked.append(entities)
        return await self._do("send", Call(0, "send", chat_id, thread_id, text), post)

    async def edit_message(
        self, chat_id: int, message_id: int, text: str, entities: Any = ()
    ) -> Sent | NotModified | Failure:
        async def edit() -> Sent | NotModified | Refused:
            if message_id not in self.messages:
                return Refused(400, "message to edit not found", Refusal.MESSAGE_GONE)
            if self.messages[message_id] == (chat_id, text):
                return NotModified()
            self.messages[message_id] = chat_id, text
            return Sent(message_id)

        self.marked.append(entities)
        return await self._do("edit", Call(0, "edit", chat_id, None, text), edit)

    async def send_typing(self, chat_id: int, thread_id: int | None = None) -> Done | Failure:
        async def type_() -> Done:
            return Done()

        return await self._do("typing", Call(0, "typing", chat_id, thread_id, ""), type_)

    async def _do(self, name: str, call: Call, effect: Callable[[], Awaitable[A]]) -> A | Failure:
        self.calls.append(Call(trio.current_time(), name, call.chat, call.thread, call.text))
        delay = self.delays[call.chat]
        await trio.sleep(delay / 2)
        fault = self.faults[name].pop(0) if self.faults[name] else None
        outcome: A | Failure
        if fault is None:
            outcome = await effect()
        else:
            if fault.is_done:
                await effect()
            outcome = fault.outcome
        await trio.sleep(delay / 2)
        return outcome

    # What a test looks at.

    def shown(self, room: RoomId = HERE) -> list[str]:
        """What a person sees in the chat, in order."""
        chat = int(room.split("/")[1])
        return [text for where, text in self.messages.values() if where == chat]

    def times(self, *names: str) -> list[float]:
        """When requests of these kinds came."""
        return [call.at for call in self.calls if call.name in names]

    def texts(self, *names: str) -> list[str]:
        """What they said."""
        return [call.text for call in self.calls if call.name in names]

    async def until(self, is_so: Callable[[], bool], *, within: float = 300.0) -> None:
        """Wait until *is_so*."""
        with trio.fail_after(within):
            while not is_so():  # noqa: ASYNC110  # it looks at things that tell nobody
                await trio.sleep(0.01)


@define
class Gateway:
    """A journal, a mailbox and one life of the sender after the other."""

    clock: MockClock
    bot: FakeBot = field(factory=FakeBot)
    journal: MemoryJournal = field(factory=MemoryJournal)
    pace: Pace = field(factory=Pace)
    box: Mailbox[SurfaceMessage] = field(factory=lambda: Mailbox("telegram.out"))
    _events: "count[int]" = field(factory=lambda: count(1))

    def _wall(self) -> float:
        return EPOCH + self.clock.current_time()

    @property
    def store(self) -> MemoryStoreAddress:
        """The store of every life."""
        return MemoryStoreAddress(self.journal)

    def sender(self) -> TelegramSender:
        """A new life, with a mailbox of its own."""
        self.box = Mailbox("telegram.out")
        settings = TelegramSettings("1:x", pace=self.pace)
        return TelegramSender(
            self.box, self.store, settings, connect=self._connect, clock=self._wall
        )

    @asynccontextmanager
    async def _connect(self, _settings: TelegramSettings) -> AsyncIterator[FakeBot]:
        self.bot.is_open = True
        yield self.bot
        self.bot.is_open = False

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """One life, stopped in good order at the end."""
        sender = self.sender()
        with trio.fail_after(3600):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(sender.run)
                yield
                self.box.close()

    def row(self, room: RoomId = HERE) -> RowId:
        """A message that somebody wrote; its turn runs."""
        event = EventId(str(next(self._events)))
        person = PersonId("telegram:42")
        arrival = Arrival(event, room, person, "Ann", "hello", EPOCH, TraceId("0" * 32))
        (row,) = self.store.tell(Journal(TELEGRAM, (arrival,))).rows
        self.commit(QueueRow(row.id, SlotId("C1"), run_id_for(room, event)), StartRow(row.id))
        return row.id

    def commit(self, *changes: Change) -> None:
        """Change the journal, as the other actors do."""
        assert isinstance(self.store.tell(Commit(changes)), Committed)

    async def tell(self, message: SurfaceMessage) -> None:
        """Send to the surface."""
        await self.box.address.send(message)

    async def typing(self, row: RowId) -> None:
        await self.tell(ShowTyping(self.journal.rows[row].room, row))

    async def draft(self, row: RowId, text: str, status: str = "") -> None:
        await self.tell(ShowDraft(self.journal.rows[row].room, row, text, status))

    async def finish(self, row: RowId, text: str) -> None:
        """The turn's one visible outcome."""
        room = self.journal.rows[row].room
        self.commit(
            FinishRow(row, RowState.ANSWERED), AddOutgoing(room, Voice.AGENT, text, row=row)
        )
        await self.tell(Deliver(room, row_done=row))

    async def say(self, text: str, room: RoomId = HERE) -> None:
        """Words of the gateway that nobody asked for."""
        self.commit(AddOutgoing(room, Voice.GATEWAY, text))
        await self.tell(Deliver(room))

    def outcomes(self) -> list[str]:
        """How the outgoing messages ended."""
        return [str(out.state) for out in self.journal.outbox.values()]

    async def settled(self) -> None:
        """Wait until nothing is pending."""
        await self.bot.until(lambda: "pending" not in self.outcomes())
