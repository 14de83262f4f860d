"""A poller with a Bot API server, a journal and a directory, all in memory."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

import trio
from attrs import define, field
from trio.testing import MockClock

from actors.kernel.child import ParkedError, current_life
from actors.telegram.poller import TelegramPoller
from actors.telegram.settings import TelegramSettings
from protocols.mail import CalleeDiedError, Question
from protocols.store import Journal, ReadCursor
from tests.actors.telegram.fake_bot_api import SETTINGS, FakeBotApi
from tests.fakes import MemoryJournal, MemoryStoreAddress

A = TypeVar("A")


@define
class Box:
    """An address that keeps what it is sent, or is full."""

    reader: str
    mail: list[object] = field(factory=list)
    is_full: bool = False

    async def send(self, message: object, /) -> None:
        await trio.lowlevel.checkpoint()
        self.try_send(message)

    def try_send(self, message: object, /) -> bool:
        if not self.is_full:
            self.mail.append(message)
        return not self.is_full

    async def ask(self, question: Question[A], /, *, within: float = 10.0) -> A:
        raise NotImplementedError(question, within)


@define
class FaultyStore(MemoryStoreAddress):
    """A store that dies with some questions: before a batch is durable, or after."""

    dies_before: int = 0
    dies_after: int = 0
    dies_reading: int = 0
    batches: list[Journal] = field(factory=list)

    async def ask(self, question: Question[A], /, *, within: float = 10.0) -> A:
        is_batch = isinstance(question, Journal)
        if isinstance(question, ReadCursor) and self.dies_reading:
            self.dies_reading -= 1
            raise CalleeDiedError("store: crashed")
        if is_batch and self.dies_before:
            self.dies_before -= 1
            raise CalleeDiedError("store: crashed")
        answer = await MemoryStoreAddress.ask(self, question, within=within)
        if isinstance(question, Journal):
            self.batches.append(question)
        if is_batch and self.dies_after:
            self.dies_after -= 1
            raise CalleeDiedError("store: crashed")
        return answer


@define
class Notes:
    """A life that keeps what its actor says of itself."""

    said: list[str] = field(factory=list)
    is_ready: bool = False
    beats: int = 0

    def ready(self) -> None:
        self.is_ready = True

    def note(self, text: str) -> None:
        self.said.append(text)

    def beat(self) -> None:
        self.beats += 1

    def wait_began(self, wait: object) -> None:
        """Not looked at."""

    def wait_ended(self, wait: object) -> None:
        """Not looked at."""


@define
class Receiver:
    """One bot; ``running`` is one life of its poller, and its end a cancellation."""

    clock: MockClock
    settings: TelegramSettings = SETTINGS
    api: FakeBotApi = field(factory=FakeBotApi)
    journal: MemoryJournal = field(factory=MemoryJournal)
    chats: Box = field(factory=lambda: Box("chats"))
    sender: Box = field(factory=lambda: Box("telegram.out"))
    life: Notes = field(factory=Notes)
    parked: ParkedError | None = None
    store: FaultyStore = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.store = FaultyStore(self.journal)

    def poller(self) -> TelegramPoller:
        """A new life."""
        return TelegramPoller(
            self.store, self.chats, self.sender, self.settings,
            connect=self.api.connect, clock=self.now,
        )  # fmt: skip

    def now(self) -> float:
        """The time of day: the mock clock's, from one thousand on, as are people's dates."""
        return 1000.0 + self.clock.current_time()

    async def live(self) -> None:
        """One life, to its end."""
        current_life.set(self.life)
        try:
            await self.poller().run()
        except ParkedError as error:
            self.parked = error

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """One life, cancelled where it stands."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self.live, name="the poller")
            yield
            nursery.cancel_scope.cancel()

    async def until(self, is_so: Callable[[], bool], within: float = 1000.0) -> None:
        """Wait until *is_so*, looking every tenth of a second."""
        with trio.fail_after(within):
            while not is_so():  # noqa: ASYNC110  # nobody tells
                await trio.sleep(0.1)

    def heard(self) -> list[str]:
        """The texts in the journal, in order."""
        return [row.text for row in self.journal.rows.values()]

    def cursor(self) -> str:
        """How far the journal is."""
        return self.journal.cursors["telegram:4242"].value
