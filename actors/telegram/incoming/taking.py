"""Makes a batch of updates durable together with its offset, and tells who has to know."""

from collections import deque
from typing import TypeVar

import structlog
import trio
from attrs import define, evolve, field

from actors.kernel.asking import ask_until_answered
from actors.metrics import PENALTIES
from actors.surfaces.penalties import penalty_left, penalty_text
from actors.telegram.incoming.aliases import Aliases
from actors.telegram.incoming.batch import MOVED_PREFIX, Batch, aliases_in, read_batch
from actors.telegram.incoming.meaning import Reader
from actors.telegram.incoming.news import News
from actors.telegram.incoming.origin import Album
from protocols.changes import PutKey
from protocols.chats import DirectoryMessage, RoomGone, RowsArrived
from protocols.ids import TELEGRAM, RoomId
from protocols.journal import Cursor
from protocols.mail import Address, NoAnswerError, Question
from protocols.store import (
    Commit,
    FindKeys,
    GetKey,
    Journal,
    ReadCursor,
    StoreMessage,
    WaitingRooms,
)
from protocols.surfaces import SurfaceMessage

log = structlog.get_logger("telegram.taking")

A = TypeVar("A")

PENALTY_KEY = "telegram_poll_penalty"

_FIRST_DELAY = 0.1
_LONGEST_DELAY = 5.0


@define
class Taker:
    """Takes what Telegram hands over; what is taken need not be handed over again."""

    store: Address[StoreMessage]
    chats: Address[DirectoryMessage]
    sender: Address[SurfaceMessage]
    _aliases: Aliases = field(factory=Aliases)
    _albums: deque[Album] = field(factory=lambda: deque(maxlen=64))
    # An earlier life may have died between the journal and its hint.
    _for_chats: list[DirectoryMessage] = field(factory=lambda: [RowsArrived()])
    _for_sender: list[SurfaceMessage] = field(factory=list)

    async def begin(self, bot_id: int) -> int:
        """The number from which on nothing is in the journal yet; 0 for a new bot."""
        moved = await self._ask(FindKeys(MOVED_PREFIX))
        self._aliases = aliases_in(moved)
        cursor = await self._ask(ReadCursor(_cursor_name(bot_id)))
        return int(cursor.value) if cursor is not None else 0

    async def take(self, news: News, reader: Reader) -> None:
        """Make *news* durable; only then may the next poll confirm it."""
        reader = evolve(reader, aliases=self._aliases)
        batch = read_batch(news.updates, reader, self._albums)
        cursor = Cursor(_cursor_name(reader.me.id), str(news.offset))
        await self._journal(batch, cursor)
        self._albums.extend(batch.albums)
        self._aliases = batch.aliases
        if batch.arrivals and RowsArrived() not in self._for_chats:
            self._for_chats.append(RowsArrived())
        self._for_sender.extend(batch.answers)
        for lost in batch.lost:
            self._for_chats.extend(await self._gone(lost.room, lost.reason))

    async def remember_penalty(self, now: float, wait: float) -> None:
        """Telegram wants silence for *wait* seconds from *now*, also of the next life."""
        PENALTIES.labels(TELEGRAM).inc()
        await self._ask(Commit((PutKey(PENALTY_KEY, penalty_text(now, wait)),)))

    async def penalty_left(self, now: float) -> float:
        """Seconds that are left at *now* of the silence that Telegram wanted."""
        return penalty_left(await self._ask(GetKey(PENALTY_KEY)), now)

    def tell(self) -> None:
        """Pass on what is known; what a full mailbox does not take, the next time."""
        while self._for_chats and self.chats.try_send(self._for_chats[0]):
            self._for_chats.pop(0)
        while self._for_sender and self.sender.try_send(self._for_sender[0]):
            self._for_sender.pop(0)

    async def _gone(self, room: RoomId, reason: str) -> list[DirectoryMessage]:
        """The chat itself, and those of its topics that wait for an answer."""
        waiting = await self._ask(WaitingRooms())
        topics = [other for other in waiting if other.startswith(f"{room}/")]
        return [RoomGone(gone, reason) for gone in (room, *topics)]

    async def _journal(self, batch: Batch, cursor: Cursor) -> None:
        arrivals, extra = tuple(batch.arrivals), tuple(batch.extra)
        delay = _FIRST_DELAY
        while True:
            try:
                await self.store.ask(Journal(TELEGRAM, arrivals, cursor, extra))
            except NoAnswerError:
                # It may be durable all the same, and its extra changes must not come twice.
                if await self._ask(ReadCursor(cursor.name)) == cursor:
                    break
                await trio.sleep(delay)
                delay = min(_LONGEST_DELAY, 2 * delay)
            else:
                break
        log.debug(
            "batch.journaled", arrivals=len(arrivals), changes=len(extra), ignored=batch.ignored
        )

    async def _ask(self, question: Question[A]) -> A:
        return await ask_until_answered(self.store, question)


def _cursor_name(bot_id: int) -> str:
    return f"telegram:{bot_id}"
