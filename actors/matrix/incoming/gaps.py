"""Fetches what ``/sync`` left out of a room: it shows the newest events only."""

from collections.abc import Sequence
from functools import partial
from typing import assert_never

import structlog
from attrs import define, field, frozen

from actors.matrix.api.client import Done, Homeserver, Refused, TokenRefused
from actors.matrix.api.patience import insist, pause
from actors.matrix.api.status import Status
from actors.matrix.incoming.decode import (
    History,
    JoinedRoom,
    Json,
    has_invite,
    is_known,
    read_history,
    since_invited,
)
from protocols.store import Row

log = structlog.get_logger("matrix.gaps")

_PAGES_BEFORE_JOIN = 10
"""A new room may have a long past that is not for us."""


@frozen
class WholeRoom:
    """All that is new in a room, oldest first; the first ``backfilled`` events came late."""

    room: str
    events: tuple[Json, ...] = field(repr=False)
    backfilled: int
    names: dict[str, str] = field(repr=False)


@define
class Gaps:
    """Pages back from where a timeline begins to what we have read before."""

    server: Homeserver
    status: Status
    me: str

    async def close(self, joined: JoinedRoom, since: str | Row) -> WholeRoom | None:
        """*joined* with everything that came after *since*, and after we were asked in.

        *since* is a sync token or, where the server does not know ours any more, the newest row.
        None if our session has ended meanwhile: then the page has to be read again.
        """
        older: list[Json] = []
        names = dict(joined.names)
        if joined.is_limited and not has_invite(joined.events, self.me):
            is_whole = await self._page_back(joined, since, older, names)
            if not is_whole:
                return None
        events = (*reversed(older), *joined.events)
        ours = since_invited(events, self.me)
        if isinstance(since, Row):
            ours = _behind(events if ours is None else ours, since)
        skipped = 0 if ours is None else len(events) - len(ours)
        return WholeRoom(joined.room, events[skipped:], max(0, len(older) - skipped), names)

    async def _page_back(
        self, joined: JoinedRoom, since: str | Row, older: list[Json], names: dict[str, str]
    ) -> bool:
        """Fill *older*, newest first, and *names*; False if our session has ended."""
        is_new = since_invited(joined.events, self.me) is not None
        to = since if isinstance(since, str) and not is_new else ""
        start, pages = joined.prev_batch, 0
        while start and not (is_new and pages >= _PAGES_BEFORE_JOIN):
            found = await self._history(joined.room, start, to)
            match found:
                case History(events, end, more):
                    older += events
                    names.update({**more, **names})
                    is_done = has_invite(events, self.me) or end == start
                    is_done = is_done or len(_behind(events[::-1], since)) < len(events)
                    start, pages = "" if is_done else end, pages + 1
                case Refused(status, errcode):
                    # We were put out of the room: what we have is what there is.
                    log.warning("gap.left_open", room=joined.room, status=status, errcode=errcode)
                    return True
                case TokenRefused():
                    return False
                case _:
                    assert_never(found)
        return True

    async def _history(self, room: str, start: str, end: str) -> History | Refused | TokenRefused:
        streak = 0
        while True:
            reply = await insist(self.status, partial(self.server.messages, room, start, end))
            if not isinstance(reply, Done):
                return reply
            if (history := read_history(reply.body)) is not None:
                return history
            streak += 1
            await pause(self.status, "an answer that is no history", streak)


def _behind(events: Sequence[Json], since: str | Row) -> Sequence[Json]:
    """The *events* that came after the row *since*; a token tells nothing of single events."""
    if isinstance(since, Row):
        for index in range(len(events) - 1, -1, -1):
            if is_known(events[index], since):
                return events[index + 1 :]
    return events
