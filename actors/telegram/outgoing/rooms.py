"""All rooms' desks: what each waits for, and the worker that does one thing of it at a time."""

from typing import assert_never

import trio
from attrs import define, field

from actors.kernel.asking import ask_until_answered
from actors.surfaces.desks import Rest, SendAnswers, WaitUntil
from actors.surfaces.leftovers import Leftovers
from actors.surfaces.workers import Workers
from actors.telegram.incoming.batch import MOVED_PREFIX
from actors.telegram.outgoing.delivery import Delivery
from actors.telegram.outgoing.drafts import Drafts
from actors.telegram.outgoing.limits import Urgency
from actors.telegram.outgoing.posting import Post
from actors.telegram.outgoing.reactions import Reactions
from actors.telegram.outgoing.turns import Desk, SetMark, SetTyping, ShowNow, next_step
from actors.telegram.settings import Pace, TelegramSettings
from protocols.ids import TELEGRAM, RoomId
from protocols.mail import Address
from protocols.store import FindKeys, OutgoingRooms, StoreMessage
from protocols.surfaces import Deliver, RoomMessage


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
    _workers: Workers[Desk] = field(init=False)

    def __attrs_post_init__(self) -> None:
        is_on, began_at = self.settings.has_reactions, self.post.clock()
        self.reactions = Reactions(self.store, self.post, is_on, began_at)
        self.delivery = Delivery(
            self.store, self.post, self.settings, self.reactions, self.leftovers
        )
        self.drafts = Drafts(self.store, self.post, self.settings)
        self._workers = Workers(Desk, self._serve)

    @property
    def pace(self) -> Pace:
        """How patient we are."""
        return self.settings.pace

    def take(self, message: RoomMessage) -> None:
        """Note what *message* asks for; never waits."""
        if self._workers.is_closed:
            return  # the outbox has it, for the next start
        room = message.room
        self._workers.desk(room).take(message, trio.current_time(), self.pace)
        # What waits to be sent gives way to the answer, and typing to everything.
        least = Urgency.DRAFT if isinstance(message, Deliver) else Urgency.TYPING
        self.post.withdraw(room, least)
        self._workers.call(room)

    async def run(self, drained: trio.Event) -> None:
        """Send until ``close``, then what is still there."""
        await self.post.remember()
        await self.delivery.remember()
        moved = await ask_until_answered(self.store, FindKeys(MOVED_PREFIX))
        self.post.targets.learn(moved)
        for room in await ask_until_answered(self.store, OutgoingRooms(TELEGRAM)):
            self.take(Deliver(room))
        await self._workers.run()
        drained.set()

    def close(self) -> None:
        """Deliver what is pending and end; nothing is taken any more."""
        for room, desk in self._workers.desks.items():
            desk.end_turns()
            self.post.withdraw(room, Urgency.DRAFT)
        self._workers.close()

    async def _serve(self, room: RoomId, desk: Desk) -> None:
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
                    await self._workers.wait(room, at)
                case Rest():
                    return
                case never:
                    assert_never(never)
