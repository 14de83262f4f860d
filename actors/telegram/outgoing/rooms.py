"""All rooms' desks: what each waits for, and the worker that does one thing of it at a time."""

from typing import assert_never

import trio
from attrs import define, field

from actors.kernel.asking import ask_until_answered
from actors.surfaces.leftovers import Leftovers
from actors.telegram.incoming.batch import MOVED_PREFIX
from actors.telegram.outgoing.delivery import Delivery
from actors.telegram.outgoing.drafts import Drafts
from actors.telegram.outgoing.limits import Urgency
from actors.telegram.outgoing.posting import Post
from actors.telegram.outgoing.reactions import Reactions
from actors.telegram.outgoing.turns import (
    Desk,
    Rest,
    SendAnswers,
    SetMark,
    SetTyping,
    ShowNow,
    WaitUntil,
    next_step,
)
from actors.telegram.settings import Pace, TelegramSettings
from protocols.ids import TELEGRAM, RoomId
from protocols.mail import Address
from protocols.store import FindKeys, OutgoingRooms, StoreMessage
from protocols.surfaces import Deliver, RoomMessage


def _endless() -> tuple[trio.MemorySendChannel[RoomId], trio.MemoryReceiveChannel[RoomId]]:
    # Holds each room at most once.
    return trio.open_memory_channel[RoomId](float("inf"))


@define
class Rooms:
    """All rooms' desks and the workers at them."""

    store: Address[StoreMessage]
    post: Post
    settings: TelegramSettings
    leftovers: Leftovers
    delivery: Delivery = field(init=False)
    drafts: Drafts = field(init=False)
    reactions: Reactions = field(init=False)
    _is_closed: bool = False
    _desks: dict[RoomId, Desk] = field(factory=dict)
    _working: set[RoomId] = field(factory=set)
    _wakes: dict[RoomId, trio.Event] = field(factory=dict)
    _queue: tuple[trio.MemorySendChannel[RoomId], trio.MemoryReceiveChannel[RoomId]] = field(
        factory=_endless
    )

    def __attrs_post_init__(self) -> None:
        is_on, began_at = self.settings.has_reactions, self.post.clock()
        self.reactions = Reactions(self.store, self.post, is_on, began_at)
        self.delivery = Delivery(
            self.store, self.post, self.settings, self.reactions, self.leftovers
        )
        self.drafts = Drafts(self.store, self.post, self.settings)

    @property
    def pace(self) -> Pace:
        """How patient we are."""
        return self.settings.pace

    def take(self, message: RoomMessage) -> None:
        """Note what *message* asks for; never waits."""
        if self._is_closed:
            return  # the outbox has it, for the next start
        room = message.room
        self._desks.setdefault(room, Desk()).take(message, trio.current_time(), self.pace)
        # What waits to be sent gives way to the answer, and typing to everything.
        least = Urgency.DRAFT if isinstance(message, Deliver) else Urgency.TYPING
        self._wake(room, least)
        if room not in self._working:
            self._working.add(room)
            self._queue[0].send_nowait(room)

    async def run(self, drained: trio.Event) -> None:
        """Send until ``close``, then what is still there."""
        await self.post.remember()
        await self.delivery.remember()
        moved = await ask_until_answered(self.store, FindKeys(MOVED_PREFIX))
        self.post.targets.learn(moved)
        for room in await ask_until_answered(self.store, OutgoingRooms(TELEGRAM)):
            self.take(Deliver(room))
        async with trio.open_nursery() as workers:
            async for room in self._queue[1]:
                workers.start_soon(self._serve, room)
        drained.set()

    def close(self) -> None:
        """Deliver what is pending and end; nothing is taken any more."""
        self._is_closed = True
        for room, desk in self._desks.items():
            for turn in desk.turns.values():
                turn.end()
            self._wake(room, Urgency.DRAFT)
        self._queue[0].close()

    def _wake(self, room: RoomId, least: Urgency) -> None:
        self.post.withdraw(room, least)
        if room in self._wakes:
            self._wakes[room].set()

    async def _serve(self, room: RoomId) -> None:
        desk = self._desks[room]
        while True:
            match next_step(desk, trio.current_time(), self.pace):
                case SendAnswers():
                    await self.delivery.deliver(room, desk)
                case ShowNow(turn):
                    await self.drafts.show(room, desk, turn)
                case SetMark(turn):
                    await self.reactions.take(room, turn)
                case SetTyping(turn):
                    await self.drafts.type(room, desk, turn)
                case WaitUntil(at):
                    await self._wait(room, at)
                case Rest():
                    # What was shown is in the journal; a turn that goes on begins anew from there.
                    self._working.discard(room)
                    del self._desks[room]
                    return
                case never:
                    assert_never(never)

    async def _wait(self, room: RoomId, at: float) -> None:
        self._wakes[room] = trio.Event()
        with trio.move_on_at(at):
            await self._wakes[room].wait()
        del self._wakes[room]
