"""The updates that wait for the bot, as ``getUpdates`` hands them out.

Source:
    telegram-bot-api, ``Client::do_get_updates``: at most 100 at once, a poll of at most 50 s, an
    update is kept a day from its message's date, and a newer poll ends the older one.
"""

from typing import Any

import trio
from attrs import define, field, frozen

from tests.rigs.telegram_faults import CONFLICT, RefusedError

DAY = 86_400.0
MAX_TIMEOUT = 50
MAX_LIMIT = 100
_FIRST_ID = 700_000_001
# Kinds that a bot gets only if it asks for them by name.
_UNASKED = frozenset({"chat_member", "message_reaction", "message_reaction_count"})


@frozen
class Queued:
    """An update as the bot gets it; *raw* is any JSON."""

    update_id: int
    raw: Any = field(repr=False)
    until: float


@define
class _Poll:
    """A poll that waits for updates."""

    wake: trio.Event = field(factory=trio.Event)
    is_ended: bool = False


@define
class UpdateQueue:
    """Updates in the order of their ids.

    Args:
        confirmed: What the bot will not get again, unless it is told otherwise.
        expired: What nobody fetched in time.
    """

    pending: list[Queued] = field(factory=list)
    confirmed: list[Queued] = field(factory=list)
    expired: list[Queued] = field(factory=list)
    allowed: frozenset[str] = frozenset()
    next_id: int = _FIRST_ID
    confirmations_to_lose: int = 0
    _again: list[Queued] = field(factory=list)
    _poll: _Poll | None = None
    _last_offset: int = 0
    _last_start: float = -DAY

    @property
    def is_polled(self) -> bool:
        """Whether a poll waits right now."""
        return self._poll is not None

    def put(self, raw: Any, *, until: float, has_id: bool = True) -> int:
        """Queue any JSON; an object gets its ``update_id`` unless it has one or must not."""
        update_id, self.next_id = self.next_id, self.next_id + 1
        if isinstance(raw, dict) and has_id:
            raw = {"update_id": update_id, **raw}
        self.pending.append(Queued(update_id, raw, until))
        self._wake()
        return update_id

    def wants(self, kind: str) -> bool:
        """Whether the bot asked for this kind of update."""
        return kind in self.allowed if self.allowed else kind not in _UNASKED

    def redeliver(self, number: int) -> None:
        """Let the next poll get the last *number* confirmed updates again, whatever its offset."""
        self._again = self.confirmed[-number:] if number else []
        self._wake()

    def drop(self) -> None:
        """Forget everything that waits."""
        self.confirmed += self.pending
        self.pending = []

    def end_poll(self) -> None:
        """Answer the poll that waits with a conflict."""
        if self._poll is not None:
            self._poll.is_ended = True
            self._poll.wake.set()
            self._poll = None

    async def get(self, offset: int, *, limit: int, timeout: float) -> list[Any]:  # noqa: ASYNC109  # Telegram's own parameter
        """What one poll gets; it waits at most *timeout* for the first update."""
        self.end_poll()
        limit = self._limit(offset, limit)
        self._confirm(offset)
        found = self._found(limit)
        if not found and timeout > 0:
            found = await self._awaited(limit, timeout)
        return found

    async def _awaited(self, limit: int, seconds: float) -> list[Any]:
        poll = self._poll = _Poll()
        try:
            with trio.move_on_after(seconds):
                await self._until_found(poll)
        finally:
            if self._poll is poll:
                self._poll = None
        if poll.is_ended:
            raise RefusedError(409, CONFLICT)
        return self._found(limit)

    async def _until_found(self, poll: _Poll) -> None:
        while not (poll.is_ended or self._again or self.pending):
            poll.wake = trio.Event()
            await poll.wake.wait()

    def _limit(self, offset: int, limit: int) -> int:
        """The same offset again within half a second gets one update at a time."""
        now = trio.current_time()
        is_hasty = offset == self._last_offset and now < self._last_start + 0.5
        self._last_offset, self._last_start = offset, now
        return 1 if is_hasty else min(max(limit, 1), MAX_LIMIT)

    def _confirm(self, offset: int) -> None:
        """Forget what is expired or before *offset*."""
        now = trio.current_time()
        self.expired += [one for one in self.pending if one.until <= now]
        self.pending = [one for one in self.pending if one.until > now]
        if offset < 0:
            offset = self.pending[offset:][0].update_id if self.pending else 0
        before = [one for one in self.pending if one.update_id < offset]
        if before and self.confirmations_to_lose:
            self.confirmations_to_lose -= 1
            self._again = before
        self.confirmed += before
        self.pending = self.pending[len(before) :]

    def _found(self, limit: int) -> list[Any]:
        """The answer: what comes again, then what waits."""
        found = (self._again + self.pending)[:limit]
        self._again = self._again[limit:]
        return [one.raw for one in found]

    def _wake(self) -> None:
        if self._poll is not None:
            self._poll.wake.set()
