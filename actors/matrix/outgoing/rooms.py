"""Which rooms may be written to, and how: in the open only where nothing says otherwise."""

from functools import partial
from http import HTTPStatus
from typing import assert_never

from attrs import define, field, frozen

from actors.matrix.api.homeserver import Homeserver
from actors.matrix.api.patience import insist
from actors.matrix.api.replies import Done, Refused, TokenRefused
from actors.matrix.api.status import Status
from actors.matrix.crypto.port import Vault


@frozen
class Open:
    """The room is there and not encrypted."""


@frozen
class Encrypted:
    """Words go there only sealed, from now on for ever."""


@frozen
class Closed:
    """Nothing may be sent there; *reason* says why."""

    reason: str


@frozen
class Unknown:
    """Our session has ended: ask again with the next one."""


@define
class Rooms:
    """What is known of each room's encryption.

    That a room is encrypted is known for ever, by the vault. That it is not is valid only while
    the sync runs without a gap, as anybody may switch it on.
    """

    server: Homeserver
    status: Status
    vault: Vault
    _open: set[str] = field(factory=set)
    _is_in_sight: bool = False

    def saw_encryption(self, room: str) -> None:
        """The room is encrypted: it stays so for ever."""
        self.vault.saw_encryption(room)

    def is_encrypted(self, room: str) -> bool:
        """Whether we have seen that it is."""
        return self.vault.is_encrypted(room)

    def lost_sight(self) -> None:
        """The sync is interrupted or waits for us: encryption may be switched on, unseen."""
        self._is_in_sight = False
        self._open.clear()

    def in_sight(self) -> None:
        """A sync was read to its end: whatever changes from now on, the next one shows."""
        self._is_in_sight = True

    async def check(self, room: str) -> Open | Encrypted | Closed | Unknown:
        """How *room* may be written to, asking the server where we do not know."""
        if self.is_encrypted(room):
            return Encrypted()
        if room in self._open:
            return Open()
        reply = await insist(self.status, partial(self.server.encryption, room))
        if self.is_encrypted(room):
            return Encrypted()  # the sync has shown it meanwhile
        match reply:
            case Refused(HTTPStatus.NOT_FOUND, "M_NOT_FOUND"):
                if self._is_in_sight:
                    self._open.add(room)
                return Open()
            case Done():
                self.saw_encryption(room)
                return Encrypted()
            case Refused(status, errcode):
                return Closed(f"the homeserver refused: {status} {errcode}")
            case TokenRefused():
                return Unknown()
            case _:
                assert_never(reply)
