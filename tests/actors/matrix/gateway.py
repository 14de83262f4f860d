"""A syncer with a journal in memory and a directory that lets it answer."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar, cast

import trio
from attrs import define, field

from actors.kernel.child import Life, current_life
from actors.kernel.mailbox import Mailbox
from actors.matrix.api.client import MatrixClient
from actors.matrix.api.homeserver import Homeserver
from actors.matrix.api.status import Status
from actors.matrix.crypto.port import Vault
from actors.matrix.settings import MatrixSettings, Pace
from actors.matrix.syncer import MatrixSyncer, olm_vault
from actors.surfaces.disk import InThread
from protocols.changes import AddOutgoing, Change, FinishRow, QueueRow, StartRow
from protocols.chats import DirectoryMessage, MayJoin, RoomGone, RowsArrived
from protocols.ids import PersonId, SlotId, run_id_for
from protocols.journal import Row, RowState, Voice
from protocols.mail import Question
from protocols.store import Commit, Committed, UnsortedRows
from protocols.surfaces import Deliver, SurfaceMessage
from tests.fakes import MemoryJournal, MemoryStoreAddress
from tests.rigs.synapse import Account, Synapse

QUICK = Pace(draft_after=0.15, draft_every=0.1)

A = TypeVar("A")
Answer = Callable[["Gateway", Row], Awaitable[str]]


async def echo(_gateway: "Gateway", row: Row) -> str:
    """An agent that says what it heard."""
    await trio.lowlevel.checkpoint()
    return f"echo: {row.text}"


@define
class Directory:
    """Lets people in and passes new rows on; ``gone`` are the rooms that were reported."""

    allowed: set[PersonId] | None = None
    gone: list[RoomGone] = field(factory=list)
    reader: str = "chats"
    hints: trio.MemorySendChannel[None] = field(init=False)
    arrived: trio.MemoryReceiveChannel[None] = field(init=False)
    asked: list[PersonId] = field(factory=list)

    def __attrs_post_init__(self) -> None:
        self.hints, self.arrived = trio.open_memory_channel[None](float("inf"))

    async def send(self, message: DirectoryMessage, /) -> None:
        await trio.lowlevel.checkpoint()
        self.try_send(message)

    def try_send(self, message: DirectoryMessage, /) -> bool:
        match message:
            case RowsArrived():
                self.hints.send_nowait(None)
            case RoomGone():
                self.gone.append(message)
            case _:
                raise AssertionError(message)
        return True

    async def ask(self, question: Question[A], /, *, within: float = 10.0) -> A:
        with trio.fail_after(within):
            await trio.lowlevel.checkpoint()
        assert isinstance(question, MayJoin)
        self.asked.append(question.person)
        return cast("A", self.allowed is None or question.person in self.allowed)


@define
class Gateway:
    """One account of ours; ``running`` is one life of its syncer."""

    settings: MatrixSettings
    journal: MemoryJournal = field(factory=MemoryJournal)
    directory: Directory = field(factory=Directory)
    answer: Answer = echo
    connect: Callable[[str], Homeserver] = MatrixClient
    vault_for: Callable[[Homeserver, MatrixSettings, Status], Vault] = olm_vault
    in_thread: InThread = trio.to_thread.run_sync
    clock: Callable[[], float] = time.time
    life: Life | None = None
    box: Mailbox[SurfaceMessage] = field(init=False)

    store: MemoryStoreAddress = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.store = MemoryStoreAddress(self.journal)
        self.open_box()

    def open_box(self) -> None:
        """A fresh mailbox for the next life."""
        self.box = Mailbox("matrix")

    def syncer(self) -> MatrixSyncer:
        """A new life on the mailbox ``box``."""
        return MatrixSyncer(
            self.box,
            self.store,
            self.directory,
            self.settings,
            connect=self.connect,
            vault_for=self.vault_for,
            in_thread=self.in_thread,
            clock=self.clock,
        )

    @asynccontextmanager
    async def running(self, *, is_killed: bool = False) -> AsyncIterator[None]:
        """One life, stopped in good order at the end, or cancelled where it stands."""
        self.open_box()
        async with trio.open_nursery() as nursery:
            stopped = trio.Event()
            nursery.start_soon(self._live, stopped)
            nursery.start_soon(self._answer_all)
            yield
            if not is_killed:
                self.box.close()
                with trio.fail_after(20):
                    await stopped.wait()
            nursery.cancel_scope.cancel()

    def commit(self, *changes: Change) -> None:
        """Change the journal, as the other actors do."""
        assert isinstance(self.store.tell(Commit(changes)), Committed)

    async def say(self, message: SurfaceMessage) -> None:
        """Send to the surface."""
        await self.box.address.send(message)

    async def finish(self, row: Row, text: str, voice: Voice = Voice.AGENT) -> None:
        """Finish *row* with *text* as its one visible outcome, or with none."""
        answer = AddOutgoing(row.room, voice, text, row=row.id)
        self.commit(FinishRow(row.id, RowState.ANSWERED), *([answer] if text else []))
        await self.say(Deliver(row.room, row_done=row.id))

    async def _live(self, stopped: trio.Event) -> None:
        current_life.set(self.life)
        await self.syncer().run()
        stopped.set()

    async def _answer_all(self) -> None:
        async for _ in self.directory.arrived:
            for row in self.store.tell(UnsortedRows(limit=10_000)):
                run = run_id_for(row.room, row.event_id)
                self.commit(QueueRow(row.id, SlotId("C1"), run), StartRow(row.id))
                await self.finish(row, await self.answer(self, row))


def settings_for(account: Account, url: str, folder: Path, pace: Pace = QUICK) -> MatrixSettings:
    """What the operator would have set."""
    return MatrixSettings(
        homeserver=url,
        user_id=account.user_id,
        password=account.password,
        store_path=folder / "matrix",
        files_path=folder / "files",
        pace=pace,
    )


def gateway_on(synapse: Synapse, folder: Path, answer: Answer = echo) -> Gateway:
    """A gateway with a fresh account on the real homeserver."""
    return Gateway(settings_for(synapse.register("bot"), synapse.url, folder), answer=answer)
