"""The store's actor: it drains its inbox, commits, and only then answers."""

import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import ParamSpec, TypeVar

import structlog
import trio
from attrs import define, field

from actors.kernel.mailbox import Mailbox
from actors.metrics import STORE_BATCH
from actors.store.backup import make_backup
from actors.store.batch import commit_batch
from actors.store.connection import Connection
from actors.store.database import open_database
from actors.store.errors import trouble_named
from actors.store.pruning import DAY, prune
from protocols.store import Backup, StoreMessage

P = ParamSpec("P")
T = TypeVar("T")

log = structlog.get_logger("store.actor")

_LARGEST_BATCH = 500
_PRUNED_AT_ONCE = 200
_PRUNE_EVERY = 60.0
_PRUNE_AGAIN = 0.25
"""While there is more to prune; a step takes a few milliseconds."""


@define
class StoreActor:
    """The only code that opens the database.

    What is answered is durable. A message that cannot be handled is not answered: the rest of its
    batch is, and then the actor crashes with that message's error.

    Args:
        keep_days: How long finished rows and dead letters are kept.
        clock: Seconds since the epoch.
    """

    inbox: Mailbox[StoreMessage]
    path: Path
    keep_days: float = 30
    clock: Callable[[], float] = time.time
    _thread: trio.CapacityLimiter = field(init=False, factory=lambda: trio.CapacityLimiter(1))
    _prune_at: float = field(init=False, default=0.0)

    async def run(self) -> None:
        """Serve until the inbox is closed and empty.

        Raises:
            StoreFileError: The file cannot be used; the text is one line that says what to do.
        """
        db = await self._in_thread(open_database, self.path)
        try:
            await self._serve(db)
        finally:
            with trio.CancelScope(shield=True):
                await self._in_thread(db.close)

    async def _serve(self, db: Connection) -> None:
        while True:
            messages: list[StoreMessage] | None = None
            with trio.move_on_at(self._prune_at):
                messages = await self.inbox.receive_batch(_LARGEST_BATCH)
            if messages:
                await self._handle(db, messages)
            elif messages is not None:
                return
            if trio.current_time() >= self._prune_at:
                await self._prune(db)

    async def _handle(self, db: Connection, messages: Sequence[StoreMessage]) -> None:
        questions = [message for message in messages if not isinstance(message, Backup)]
        batch = await self._in_thread(commit_batch, db, questions, self.path, self.clock())
        STORE_BATCH.observe(len(messages))
        for deliver in batch.deliveries:
            deliver()
        for message in messages:
            if isinstance(message, Backup):
                made = await self._in_thread(make_backup, db, Path(message.path))
                message.reply_to.send(made)
        if batch.fault is not None:
            raise batch.fault

    async def _prune(self, db: Connection) -> None:
        older_than = self.clock() - self.keep_days * DAY
        with trouble_named(self.path):
            pruned = await self._in_thread(prune, db, older_than=older_than, limit=_PRUNED_AT_ONCE)
        if pruned:
            log.debug("journal.pruned", rows=pruned)
        has_more = pruned >= _PRUNED_AT_ONCE
        self._prune_at = trio.current_time() + (_PRUNE_AGAIN if has_more else _PRUNE_EVERY)

    async def _in_thread(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Do *work* where the connection lives; what has begun is not cancelled."""
        return await trio.to_thread.run_sync(partial(work, *args, **kwargs), limiter=self._thread)
