"""Fetches what ``/sync`` left out of a room: it shows the newest events only."""

from collections.abc import Sequence
from functools import partial
from math import inf
from typing import assert_never

import structlog
from attrs import define, field, frozen

from actors.matrix.api.homeserver import Homeserver
from actors.matrix.api.patience import insist, pause
from actors.matrix.api.replies import Done, Refused, TokenRefused
from actors.matrix.api.status import Status
from actors.matrix.incoming.pages import (
    History,
    JoinedRoom,
    has_invite,
    is_known,
    read_history,
    since_invited,
)
from actors.surfaces.shapes import Json
from protocols.journal import Row

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


@frozen
class _Path:
    """The way back through a room's past, from the token *start*."""

    room: str
    start: str
    since: str | Row
    is_new: bool
    continues: bool

    @property
    def to(self) -> str:
        """The token where it ends; empty for none."""
        return self.since if isinstance(self.since, str) and not self.is_new else ""


@define
class Gaps:
    """Pages back from where a timeline begins to what we have read before."""

    server: Homeserver
    status: Status
    me: str

    async def close(
        self, joined: JoinedRoom, since: str | Row, *, continues: bool = False
    ) -> WholeRoom | None:
        """*joined* with everything that came after *since*, and after we were asked in.

        *since* is a sync token or, where the server does not know ours any more, the newest row.
        A room that *continues* one of ours is ours from its beginning.
        None if our session has ended meanwhile: then the page has to be read again.
        """
        older: list[Json] = []
        names, path = dict(joined.names), self._path(joined, since, continues=continues)
        if path is not None and not await self._page_back(path, older, names):
            return None
        events = (*reversed(older), *joined.events)
        ours = None if continues else since_invited(events, self.me)
        if isinstance(since, Row):
            ours = _behind(events if ours is None else ours, since)
        skipped = 0 if ours is None else len(events) - len(ours)
        return WholeRoom(joined.room, events[skipped:], max(0, len(older) - skipped), names)

    def _path(self, joined: JoinedRoom, since: str | Row, *, continues: bool) -> _Path | None:
        """The way back from *joined*; None where there is nothing behind it for us."""
        if not joined.is_limited or (not continues and has_invite(joined.events, self.me)):
            return None
        is_new = continues or since_invited(joined.events, self.me) is not None
        return _Path(joined.room, joined.prev_batch, since, is_new, continues)

    async def _page_back(self, path: _Path, older: list[Json], names: dict[str, str]) -> bool:
        """Fill *older*, newest first, and *names*; False if our session has ended."""
        start, pages = path.start, 0
        while start and not (path.is_new and pages >= _PAGES_BEFORE_JOIN):
            found = await self._history(path.room, start, path.to)
            match found:
                case History(events, end, more):
                    older += events
                    names.update({**more, **names})
                    is_done = end == start or self._is_end(path, events)
                    start, pages = "" if is_done else end, pages + 1
                case Refused(status, errcode):
                    # We were put out of the room: what we have is what there is.
                    log.warning("gap.left_open", room=path.room, status=status, errcode=errcode)
                    return True
                case TokenRefused():
                    return False
                case _:
                    assert_never(found)
        return True

    def _is_end(self, path: _Path, events: Sequence[Json]) -> bool:
        """Whether nothing behind *events* is for us."""
        if not path.continues and has_invite(events, self.me):
            return True
        return len(_behind(events[::-1], path.since)) < len(events)

    async def _history(self, room: str, start: str, end: str) -> History | Refused | TokenRefused:
        streak = 0
        while True:
            ask = partial(self.server.messages, room, start, end)
            reply = await insist(self.status, ask, most_strange=inf)
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
