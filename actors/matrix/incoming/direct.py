"""Which rooms are direct chats: as the account's ``m.direct`` says, or its own invitation.

The number of members says nothing: a group may be small, and somebody may join a direct chat.
"""

from functools import partial
from math import inf
from typing import assert_never

import structlog
import trio
from attrs import define, field

from actors.matrix.api.homeserver import Homeserver
from actors.matrix.api.patience import insist
from actors.matrix.api.replies import Done, Limited, Refused, Reply, TokenRefused, Unreachable
from actors.matrix.api.status import Status
from actors.matrix.incoming.requests import (
    fetch_direct,
    fetch_event,
    fetch_membership,
    put_direct,
)
from actors.matrix.incoming.shapes import name_in
from actors.matrix.places import Places
from actors.surfaces.shapes import Json, table

log = structlog.get_logger("matrix.direct")

_MOST_STEPS = 10
"""How far back our own membership is followed: each new name of ours is a step of it."""


@define
class Direct:
    """The account's direct chats, which all its clients know by the same list."""

    server: Homeserver
    status: Status
    places: Places
    _me: str = ""
    _listed: set[str] = field(factory=set)
    _noted: set[str] = field(factory=set)
    _groups: set[str] = field(factory=set)
    _line: trio.Lock = field(factory=trio.Lock)
    """The list is read and written as a whole."""

    async def begin(self, me: str) -> bool:
        """Read the list of *me*; False if our session has ended."""
        self._me = me
        match await insist(self.status, partial(fetch_direct, self.server, me), most_strange=inf):
            case Done(body):
                self.learn(body)
            case Refused():
                pass  # there is none yet
            case TokenRefused():
                return False
        return True

    def learn(self, content: Json) -> None:
        """The list is *content* by now."""
        self._listed = {room for rooms in content.values() for room in _rooms_in(rooms)}

    async def add(self, user_id: str, room: str) -> bool:
        """Have *room* be the direct chat with *user_id*, durably; tried once.

        False if the server may take it later.
        """
        async with self._line:
            found = await fetch_direct(self.server, self._me)
            match found:
                case Done(content):
                    found = await self._put(content, user_id, room)
                case Refused(_, "M_NOT_FOUND"):
                    found = await self._put({}, user_id, room)
                case _:
                    pass  # a list that we cannot read is not replaced
        match found:
            case Done():
                self._note(room)
                return True
            case Refused(_, ""):
                return False  # not the homeserver's word
            case Refused(status, errcode):
                log.warning("direct.refused", room=room, status=status, errcode=errcode)
                self._note(room)
                return True
            case Limited() | Unreachable() | TokenRefused():
                return False
            case _:
                assert_never(found)

    async def is_direct(self, room: str) -> bool | None:
        """Whether *room* is a direct chat; None if our session has ended."""
        known = self._listed | self._noted
        if not known.isdisjoint((room, self.places.oldest(room), self.places.newest(room))):
            return True
        if room in self._groups:
            return False
        # An earlier version of ours took invitations without keeping what they were for.
        inviter = await self._inviter(room)
        if inviter is None:
            return None
        if inviter:
            if not await self.add(inviter, room):
                self._note(room)
            return True
        self._groups.add(room)
        return False

    async def _put(self, content: Json, user_id: str, room: str) -> Reply:
        rooms = _rooms_in(content.get(user_id))
        if room in rooms:
            return Done({})
        return await put_direct(self.server, self._me, {**content, user_id: [*rooms, room]})

    def _note(self, room: str) -> None:
        self._noted.add(room)
        self._groups.discard(room)

    async def _inviter(self, room: str) -> str | None:
        """Who asked us into *room* for a direct chat; empty for nobody, None without a session."""
        ask = partial(fetch_membership, self.server, room, self._me)
        for _ in range(_MOST_STEPS):
            match await insist(self.status, ask, most_strange=inf):
                case Done(event) if inviter := _direct_inviter(event):
                    return inviter
                case Done(event) if before := _replaced(event):
                    # Before our join, or a new name of ours, came the invitation.
                    ask = partial(fetch_event, self.server, room, before, within=30.0)
                case Done() | Refused():
                    return ""
                case TokenRefused():
                    return None
        return ""


def _direct_inviter(event: Json) -> str:
    """Who asked us in by *event*, or by the one before it, if it was for a direct chat."""
    unsigned = table(event.get("unsigned"))
    if table(unsigned.get("prev_content")).get("is_direct") is True:
        return name_in(unsigned.get("prev_sender"), "@") or name_in(event.get("sender"), "@")
    if table(event.get("content")).get("is_direct") is True:
        return name_in(event.get("sender"), "@")
    return ""


def _replaced(event: Json) -> str:
    """The event before *event*, where that is our join; else empty."""
    if table(event.get("content")).get("membership") != "join":
        return ""
    return name_in(table(event.get("unsigned")).get("replaces_state"), "$")


def _rooms_in(found: object) -> list[str]:
    return [room for room in found if isinstance(room, str)] if isinstance(found, list) else []
