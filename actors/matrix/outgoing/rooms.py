"""Which rooms may be written to: never one that is encrypted."""

from functools import partial
from typing import assert_never

import structlog
from attrs import define, field, frozen

from actors.matrix.api.client import Done, Homeserver, Refused, TokenRefused
from actors.matrix.api.patience import insist
from actors.matrix.api.status import Status

log = structlog.get_logger("matrix.rooms")

NO_ENCRYPTION = "I cannot read encrypted rooms yet. Please invite me to a room without encryption."


@frozen
class Open:
    """The room is there and not encrypted."""


@frozen
class Closed:
    """Nothing may be sent there; *reason* says why."""

    reason: str


@frozen
class Unknown:
    """Our session has ended: ask again with the next one."""


@define
class Rooms:
    """What is known of each room's encryption, valid while the sync runs without a gap."""

    server: Homeserver
    status: Status
    _open: set[str] = field(factory=set)
    _encrypted: set[str] = field(factory=set)
    _is_in_sight: bool = False

    def saw_encryption(self, room: str) -> None:
        """The room is encrypted: it stays so for ever."""
        self._open.discard(room)
        self._encrypted.add(room)

    def is_encrypted(self, room: str) -> bool:
        """Whether we have seen that it is."""
        return room in self._encrypted

    def lost_sight(self) -> None:
        """The sync is interrupted or waits for us: encryption may be switched on, unseen."""
        self._is_in_sight = False
        self._open.clear()

    def in_sight(self) -> None:
        """A sync was read to its end: whatever changes from now on, the next one shows."""
        self._is_in_sight = True

    async def check(self, room: str) -> Open | Closed | Unknown:
        """Whether *room* may be written to, asking the server where we do not know."""
        if room not in self._open and room not in self._encrypted:
            reply = await insist(self.status, partial(self.server.encryption, room))
            match reply:
                case Refused(errcode="M_NOT_FOUND"):
                    if self._is_in_sight:
                        self._open.add(room)
                case Done():
                    self.saw_encryption(room)
                case Refused(status, errcode):
                    return Closed(f"the homeserver refused: {status} {errcode}")
                case TokenRefused():
                    return Unknown()
                case _:
                    assert_never(reply)
        return Closed("the room is encrypted") if room in self._encrypted else Open()

    async def refuse(self, room: str) -> None:
        """Leave an encrypted room, or decline its invitation, with a line that says why."""
        log.info("room.refused", room=room)
        await insist(self.status, partial(self.server.leave, room, NO_ENCRYPTION))
