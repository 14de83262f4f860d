"""ChatDirectory: people, rooms, slots; gives every new message its way."""

import time
from collections.abc import Callable, Mapping
from typing import TypeVar, assert_never

import structlog
import trio
from attrs import define, field

from actors.chats.access import AccessPolicy, new_code
from actors.chats.answers import Answers
from actors.chats.asking import ask_through_restarts
from actors.chats.catching_up import CatchingUp
from actors.chats.errands import Errands
from actors.chats.hints import DeliveryHints
from actors.chats.intake import Intake
from actors.chats.notes import context_key
from actors.chats.operating import Operating
from actors.chats.stops import Stops
from actors.chats.switches import Switches
from actors.chats.task_lines import TaskLines
from actors.chats.telling import Telling
from actors.chats.tidying import TIDY_EVERY, Tidying
from actors.kernel.mailbox import Mailbox
from actors.kernel.pool import Pool
from protocols.changes import DeleteKey, FinishRow
from protocols.chats import (
    DirectoryMessage,
    ListAccess,
    MayJoin,
    Pair,
    RetryRow,
    RoomGone,
    RowsArrived,
    SessionMessage,
    Tell,
    WorkArrived,
)
from protocols.ids import RoomId, RowId, SurfaceName, surface_of
from protocols.journal import Row, RowState
from protocols.mail import Address, Question
from protocols.store import Commit, OutgoingRooms, StoreMessage, WaitingRooms, WaitingRows
from protocols.surfaces import Surface
from protocols.turns import CancelTurn, PlatformMessage

A = TypeVar("A")

log = structlog.get_logger("chats.directory")

ROOM_GONE = "room is gone"
"""How the reason of a row starts that ends unanswered because nobody could read the answer."""

HINTS_EVERY = 60.0
"""Seconds after which hints are given again for all that still waits."""


@define
class ChatDirectory:
    """Reads the journal's new rows in order and decides each one; never waits for a session."""

    inbox: Mailbox[DirectoryMessage]
    store: Address[StoreMessage]
    platform: Address[PlatformMessage]
    sessions: Pool[SessionMessage]
    surfaces: Mapping[SurfaceName, Surface]
    access: AccessPolicy
    tree: Callable[[], str]
    clock: Callable[[], float] = time.time
    make_code: Callable[[], str] = new_code
    catch_up_after: float = 0.0
    """Seconds of absence after which people are asked about what waited; 0: never."""
    _hints: DeliveryHints = field(init=False)
    _lines: TaskLines = field(init=False)
    _intake: Intake = field(init=False)
    _operating: Operating = field(init=False)
    _telling: Telling = field(init=False)
    _deciding: trio.Lock = field(factory=trio.Lock)
    """Slots, access and the order of rows allow one decision at a time."""

    async def run(self) -> None:
        """Take up what is unfinished, then read the inbox until it is closed."""
        async with trio.open_nursery() as nursery:
            self._make_parts(nursery)
            await self._intake.load_access()
            await self._renew_hints()
            await self._intake.answer_old_presses()
            async with self._deciding:  # a room may have opened before the rest is sorted
                await self._intake.take_new(is_careful=True)
            await self._lines.show_all()
            async with trio.open_nursery() as timer:
                timer.start_soon(self._lines.run)
                timer.start_soon(self._renew_hints_often)
                timer.start_soon(self._tidy_often)
                timer.start_soon(self._catch_up)
                async for message in self.inbox:
                    async with self._deciding:
                        await self._handle(message)
                timer.cancel_scope.cancel("the directory stops")

    def _make_parts(self, nursery: trio.Nursery) -> None:
        self._hints = DeliveryHints(self.surfaces, nursery)
        self._lines = TaskLines(self.store, self.surfaces, self._hints, self.clock)
        answers = Answers(self.store, self.surfaces, self._hints)
        stops = Stops(answers, self.platform, self.sessions)
        switches = Switches(answers, self.platform)
        errands = Errands(answers, stops, switches, nursery, self._go_on)
        catching_up = CatchingUp(
            self.store, self.surfaces, self._hints, self.clock, self.catch_up_after
        )
        self._intake = Intake(
            self.store,
            self.sessions,
            self.surfaces,
            self._hints,
            errands.begin,
            policy=self.access,
            tree=self.tree,
            clock=self.clock,
            make_code=self.make_code,
            lines=self._lines,
            catching_up=catching_up,
        )
        self._operating = Operating(
            self.store, self.surfaces, self._hints, self._intake, self.clock
        )
        self._telling = Telling(self.store, self.surfaces, self._hints)

    async def _go_on(self, row: Row, opened: RoomId | None) -> None:
        async with self._deciding:
            await self._intake.go_on(row, opened)

    async def _renew_hints_often(self) -> None:
        # A parked session loses its hints, and nobody else would wake it once it has cooled.
        while True:
            await trio.sleep(HINTS_EVERY)
            await self._renew_hints()
            async with self._deciding:
                await self._lines.give_up_silent()

    async def _catch_up(self) -> None:
        while True:
            await self._intake.catching_up.backlog.gathered()
            async with self._deciding:
                await self._intake.settle()

    async def _tidy_often(self) -> None:
        tidying = Tidying(self.store)
        while True:
            if tidied := await tidying.tidy():
                log.debug("notes.forgotten", notes=tidied)
            await trio.sleep(TIDY_EVERY)

    async def _renew_hints(self) -> None:
        """Hint all that waits: hints may be lost, what they are about is not."""
        for room in await self._ask(WaitingRooms()):
            if surface_of(room) in self.surfaces:
                self.sessions.try_send(room, WorkArrived())
        for name in self.surfaces:
            for room in await self._ask(OutgoingRooms(name)):
                self._hints.deliver(room)

    async def _handle(self, message: DirectoryMessage) -> None:
        match message:
            case RowsArrived():
                await self._intake.take_new()
            case RoomGone(room, reason):
                await self._close_room(room, reason)
            case MayJoin(person):
                message.reply_to.send(await self._operating.may_join(person))
            case ListAccess():
                message.reply_to.send(self._operating.listing())
            case Pair(code):
                message.reply_to.send(await self._operating.pair(code))
            case RetryRow(row):
                message.reply_to.send(await self._operating.retry(row))
            case Tell(person, text):
                message.reply_to.send(await self._telling.tell(person, text))
            case _:
                assert_never(message)

    async def _close_room(self, room: RoomId, reason: str) -> None:
        """End the rows of *room* without a word: nobody could read it. The slot stays."""
        await self._intake.take_new()
        for row in self._intake.drop_paused(room):
            await self._close_row(row, reason)
        after = RowId(0)
        while rows := await self._ask(WaitingRows(room, after)):
            for row in rows:
                await self._close_row(row, reason)
            after = rows[-1].id
        await self._lines.close_room(room, f"{ROOM_GONE}: {reason}")
        log.info("room.closed", room=room)

    async def _close_row(self, row: Row, reason: str) -> None:
        gone = FinishRow(row.id, RowState.FAILED, f"{ROOM_GONE}: {reason}")
        await self._ask(Commit((gone, DeleteKey(context_key(row.room, row.id)))))
        if row.state is RowState.RUNNING and row.run_id is not None:
            self.platform.try_send(CancelTurn(row.run_id))

    async def _ask(self, question: Question[A]) -> A:
        return await ask_through_restarts(self.store, question)
