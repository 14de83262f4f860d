"""Asks for what is new, page after page, whatever the server does meanwhile."""

from http import HTTPStatus
from typing import assert_never

import structlog
import trio
from attrs import define, evolve

from actors.matrix.api.homeserver import Homeserver
from actors.matrix.api.patience import pause
from actors.matrix.api.replies import Done, Limited, Refused, TokenRefused, Unreachable
from actors.matrix.api.status import Status
from actors.matrix.incoming.pages import Page, read_page
from actors.matrix.outgoing.rooms import Rooms

log = structlog.get_logger("matrix.paging")

LONG_POLL = 30.0
_DOUBTS = 2
"""How often a server may say that it does not know our token before we believe it."""


@define
class Pages:
    """The answers of ``/sync``."""

    server: Homeserver
    status: Status
    rooms: Rooms
    me: str

    async def next(self, since: str, *, wait: float) -> Page | None:
        """What is new since *since*, however long it takes; None if our session has ended.

        A server that says again and again that it does not know *since* is asked for all there is.
        """
        streak, is_late, is_fresh = 0, False, False
        while True:
            reply = await self.server.sync(since, wait=wait)
            page = read_page(reply.body, self.me) if isinstance(reply, Done) else None
            if page is not None:
                return evolve(page, is_late=is_late, is_fresh=is_fresh)
            self.rooms.lost_sight()
            # At once: Synapse answers the same long poll again with what it had found before.
            is_late, wait = True, 0.0
            match reply:
                case TokenRefused():
                    return None
                case Limited(silence):
                    self.status.limited(silence)
                    await trio.sleep(silence)
                case Refused(HTTPStatus.BAD_REQUEST, str(word)) if (
                    word and since and streak >= _DOUBTS
                ):
                    log.warning("cursor.refused", errcode=word)
                    since, is_fresh = "", True
                case _:
                    streak += 1
                    await pause(self.status, _trouble(reply), streak)


def _trouble(reply: Done | Unreachable | Refused) -> str:
    match reply:
        case Done():
            return "an answer that is no sync"
        case Unreachable(reason):
            return reason
        case Refused(status, errcode):
            return f"{status} {errcode}"
        case _:
            assert_never(reply)
