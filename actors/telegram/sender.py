"""The sending half of the Telegram surface: one worker per room, one budget for the bot.

What has an order in its room goes to ``rooms``, everything else to ``errands``.
"""

import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import assert_never

import trio
from attrs import define

from actors.kernel.child import ready
from actors.kernel.mailbox import Mailbox
from actors.surfaces.disk import InThread
from actors.surfaces.leftovers import Leftovers
from actors.telegram.api.bot import Bot
from actors.telegram.api.client import open_client
from actors.telegram.errands.errands import errands
from actors.telegram.outgoing.gate import Gate
from actors.telegram.outgoing.limits import Budget
from actors.telegram.outgoing.posting import Post
from actors.telegram.outgoing.rooms import Rooms
from actors.telegram.outgoing.tally import Tally
from actors.telegram.outgoing.targets import Targets
from actors.telegram.settings import TelegramSettings
from protocols.mail import Address
from protocols.store import StoreMessage
from protocols.surfaces import (
    AnswerPress,
    Deliver,
    FetchFile,
    OpenRoom,
    ShowDraft,
    ShowTyping,
    SurfaceMessage,
)

Connect = Callable[[TelegramSettings], AbstractAsyncContextManager[Bot]]


@define
class TelegramSender:
    """Says in Telegram's chats what the outbox holds, and shows answers while they grow.

    The inbox is read all the time, whatever Telegram does, so that nobody waits for us.

    Args:
        clock: Seconds since the epoch.
        in_thread: Does what blocks.
    """

    inbox: Mailbox[SurfaceMessage]
    store: Address[StoreMessage]
    settings: TelegramSettings
    connect: Connect = open_client
    clock: Callable[[], float] = time.time
    in_thread: InThread = trio.to_thread.run_sync

    async def run(self) -> None:
        """Work until the inbox is closed, then deliver what is pending."""
        async with self.connect(self.settings) as bot, trio.open_nursery() as nursery:
            post = self._post(bot)
            folder = self.settings.files.absolute()
            leftovers = Leftovers(self.store, folder, self.clock, self.in_thread)
            rooms = Rooms(self.store, post, self.settings, leftovers)
            beside = errands(post, nursery, settings=self.settings, leftovers=leftovers)
            drained = trio.Event()
            nursery.start_soon(post.gate.run)
            nursery.start_soon(rooms.run, drained)
            beside.begin()
            ready()
            async for message in self.inbox:
                match message:
                    case AnswerPress() | FetchFile() | OpenRoom():
                        beside.take(message)
                    case Deliver() | ShowDraft() | ShowTyping():
                        rooms.take(message)
                        beside.note(message)
                    case _:
                        assert_never(message)
            rooms.close()
            with trio.move_on_after(self.settings.pace.drain):
                await drained.wait()
            nursery.cancel_scope.cancel(reason="the surface is stopped")

    def _post(self, bot: Bot) -> Post:
        gate, tally = Gate(Budget.fresh(trio.current_time())), Tally(self.clock)
        return Post(bot, gate, self.store, Targets(), tally, self.clock)
