"""What goes out: one worker per room that has something to say, so that no room waits for another.

The worker does one thing at a time, and the next thing is decided by ``turns.next_step``.
"""

from typing import assert_never

import trio
from attrs import define, field

from actors.kernel.asking import ask_until_answered
from actors.matrix.api.client import Homeserver
from actors.matrix.outgoing.answers import Answers
from actors.matrix.outgoing.drafts import Drafts
from actors.matrix.outgoing.posting import Post
from actors.matrix.outgoing.turns import (
    Desk,
    Rest,
    SendAnswers,
    SetTyping,
    ShowNow,
    WaitUntil,
    next_step,
)
from actors.matrix.settings import Pace
from protocols.files import FileMissing, Missing
from protocols.ids import RoomId, SurfaceName, native_id
from protocols.mail import Address
from protocols.store import OutgoingRooms, StoreMessage
from protocols.surfaces import (
    AnswerPress,
    Deliver,
    FetchFile,
    OpenRoom,
    RoomMessage,
    SurfaceMessage,
)

SURFACE = SurfaceName("matrix")


def _endless() -> tuple[trio.MemorySendChannel[RoomId], trio.MemoryReceiveChannel[RoomId]]:
    # Holds each room at most once.
    return trio.open_memory_channel[RoomId](float("inf"))


@define
class Sender:
    """All rooms' desks and the workers at them."""

    server: Homeserver
    store: Address[StoreMessage]
    post: Post
    pace: Pace
    answers: Answers
    drafts: Drafts
    _me: str = ""
    _is_closed: bool = False
    _opened: trio.Event = field(factory=trio.Event)
    _desks: dict[RoomId, Desk] = field(factory=dict)
    _working: set[RoomId] = field(factory=set)
    _wakes: dict[RoomId, trio.Event] = field(factory=dict)
    _rooms: tuple[trio.MemorySendChannel[RoomId], trio.MemoryReceiveChannel[RoomId]] = field(
        factory=_endless
    )

    def take(self, message: SurfaceMessage) -> None:
        """Note what *message* asks for; never waits."""
        match message:
            case AnswerPress():
                pass  # no button of ours is there yet
            case FetchFile():
                message.reply_to.send(FileMissing(Missing.GONE))
            case OpenRoom():
                message.reply_to.send(None)
            case _:
                self._take_for_room(message)

    def _take_for_room(self, message: RoomMessage) -> None:
        if self._is_closed:
            return  # the outbox has it, for the next start
        room = message.room
        self._desks.setdefault(room, Desk()).take(message, trio.current_time(), self.pace)
        if room in self._wakes:
            self._wakes[room].set()
        if room not in self._working:
            self._working.add(room)
            self._rooms[0].send_nowait(room)

    def open(self, me: str) -> None:
        """Send from now on: we are logged in as *me* and have seen what is new."""
        self._me = me
        self._opened.set()

    async def run(self) -> None:
        """Send until ``close``, then what is still there."""
        await self._opened.wait()
        if not self._me:
            return  # closed before we ever came in
        for room in await ask_until_answered(self.store, OutgoingRooms(SURFACE)):
            self.take(Deliver(room))
        async with trio.open_nursery() as workers:
            async for room in self._rooms[1]:
                workers.start_soon(self._serve, room)

    def close(self) -> None:
        """Deliver what is pending and end; nothing is taken any more."""
        self._is_closed = True
        for desk in self._desks.values():
            for turn in desk.turns.values():
                turn.end()
        for wake in self._wakes.values():
            wake.set()
        self._rooms[0].close()
        self._opened.set()

    async def _serve(self, room: RoomId) -> None:
        desk = self._desks[room]
        while True:
            now = trio.current_time()
            drafts_from = self.post.penalty.drafts_from
            match next_step(desk, now, self.pace, drafts_from=drafts_from):
                case SendAnswers():
                    await self.answers.deliver(room, desk)
                case ShowNow(turn):
                    await self.drafts.show(room, desk, turn)
                case SetTyping(is_typing):
                    desk.typing_since = now if is_typing else None
                    await self.server.typing(native_id(room), self._me, is_typing=is_typing)
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
