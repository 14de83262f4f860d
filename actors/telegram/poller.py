"""The receiving half of Telegram: getUpdates into the journal, and only then the next poll."""

import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from math import inf

import structlog
import trio
from attrs import define, field

from actors.kernel.child import ParkedError, beat, ready
from actors.metrics import ROUND_TRIPS
from actors.telegram.api.client import TelegramClient, open_client
from actors.telegram.api.outcomes import Failure, Me, RateLimited, Unauthorized, Updates
from actors.telegram.incoming.albums import AlbumWatch
from actors.telegram.incoming.decode import ALLOWED_UPDATES
from actors.telegram.incoming.meaning import Reader
from actors.telegram.incoming.news import News, news_in
from actors.telegram.incoming.status import Patience
from actors.telegram.incoming.taking import Taker
from actors.telegram.settings import TelegramSettings
from protocols.chats import DirectoryMessage
from protocols.ids import TELEGRAM
from protocols.mail import Address
from protocols.store import StoreMessage
from protocols.surfaces import SurfaceMessage

log = structlog.get_logger("telegram.poller")

WRONG_TOKEN = "Telegram refused the token: set TELEGRAM_BOT_TOKEN"  # noqa: S105  # words

_BATCH = 100
_LEAST_ROUND = 1.0
"""The same offset within half a second is punished by Telegram with batches of one."""


@define
class TelegramPoller:
    """Reads one bot's updates into the journal.

    Args:
        sender: Told where the gateway itself has something to say.
        clock: Seconds since the epoch.
    """

    store: Address[StoreMessage]
    chats: Address[DirectoryMessage]
    sender: Address[SurfaceMessage]
    settings: TelegramSettings
    connect: Callable[[TelegramSettings], AbstractAsyncContextManager[TelegramClient]] = open_client
    clock: Callable[[], float] = time.time

    async def run(self) -> None:
        """Poll for ever, each connection for as long as it is good.

        Raises:
            ParkedError: The token is wrong.
        """
        ready()
        taker = Taker(self.store, self.chats, self.sender)
        polling = _Polling(self.settings, taker, Patience(self.clock), self.clock)
        polling.patience.begin()
        await polling.sit_out()
        while not polling.is_refused:
            async with self.connect(self.settings) as client:
                await polling.follow(client)
        raise ParkedError(WRONG_TOKEN)


@define
class _Polling:
    """How far we have read, over all connections of one life.

    Args:
        came_back_at: When we began to catch up; None while we are up to date.
    """

    settings: TelegramSettings
    taker: Taker
    patience: Patience
    clock: Callable[[], float]
    offset: int | None = None
    came_back_at: float | None = None
    is_refused: bool = False
    _albums: AlbumWatch = field(factory=AlbumWatch)
    _was_away: bool = True
    _is_stalled: bool = False

    async def sit_out(self) -> None:
        """Wait out what is left of a penalty of an earlier life."""
        left = await self.taker.penalty_left(self.clock())
        if left > 0:
            await self.patience.pause(RateLimited(left))

    async def follow(self, client: TelegramClient) -> None:
        """Take batch after batch, until the server refuses us or is silent for too long."""
        self._is_stalled = False
        me = await self._identity(client)
        while me is not None and not (self.is_refused or self._is_stalled):
            await self._poll(client, me)

    async def _identity(self, client: TelegramClient) -> Me | None:
        """Who we are; None if the server does not say."""
        while not (self.is_refused or self._is_stalled):
            found = await client.get_me()
            if isinstance(found, Me):
                self.patience.answered()
                return found
            await self._fail(found)
        return None

    async def _poll(self, client: TelegramClient, me: Me) -> None:
        offset = self.offset = await self._start(me) if self.offset is None else self.offset
        asked_at, began = self.clock(), trio.current_time()
        # The rest of an album is there already, or it never comes; and a first poll that is not
        # held says at once whether all is well.
        is_held = not (self._albums.is_waiting or self._was_away)
        wait = self.settings.pace.poll if is_held else 0.0
        found = await client.get_updates(offset, ALLOWED_UPDATES, wait=wait, limit=_BATCH)
        news = news_in(found.items, offset) if isinstance(found, Updates) else found
        if isinstance(news, Failure):
            await self._fail(news)
            return
        self.patience.polled(is_held=is_held)
        beat()
        ROUND_TRIPS.labels(TELEGRAM).inc()
        if self._was_away:
            self._was_away, self.came_back_at = False, asked_at
        await self._take(news, me)
        if self._albums.is_waiting:
            await self.patience.wait_for_album(_LEAST_ROUND)
        elif self.offset == offset:
            await trio.sleep(max(0.0, began + _LEAST_ROUND - trio.current_time()))

    async def _take(self, news: News, me: Me) -> None:
        """Take what is complete, and confirm it with the next poll."""
        is_full = len(news.updates) >= _BATCH
        complete = self._albums.complete(news, is_full=is_full)
        if complete.updates:
            before, now = self._backlog_before(is_full=is_full), self.clock()
            reader = Reader(me, self.settings.group_mode, before, now)
            await self.taker.take(complete, reader)
        self.offset = complete.offset
        self.taker.tell()
        if not (is_full or self._albums.is_waiting):
            self.came_back_at = None

    async def _start(self, me: Me) -> int:
        offset = await self.taker.begin(me.id)
        self.taker.tell()
        log.info("polling.started", bot_id=me.id, offset=offset)
        return offset

    def _backlog_before(self, *, is_full: bool) -> float:
        """What was sent earlier was waiting for us when we came back."""
        if self.came_back_at is None:
            return 0.0
        return inf if is_full else self.came_back_at

    async def _fail(self, failure: Failure) -> None:
        self._was_away = True
        if isinstance(failure, Unauthorized):
            self.is_refused = True
            return
        if isinstance(failure, RateLimited):
            await self.taker.remember_penalty(self.clock(), failure.retry_after)
        await self.patience.pause(failure)
        if self.patience.silent_for() > 2 * self.settings.pace.poll:
            log.warning("session.renewed", silent_for=self.patience.silent_for())
            self.patience.answered()
            self._is_stalled = True
