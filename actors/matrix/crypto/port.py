"""What the surface asks of its keys: the words between the crypto store and everything else."""

from typing import Any, Protocol

from attrs import field, frozen

from actors.matrix.api.homeserver import Session
from actors.matrix.api.login import LoginRefused

Json = dict[str, Any]


@frozen
class Sealed:
    """An ``m.room.encrypted`` content that everybody in the room can read."""

    content: Json = field(repr=False)


@frozen
class NotSealed:
    """Nothing may be sent yet: the keys could not be shared. Try again; *reason* says why.

    Args:
        wait: Seconds of silence that the server wants; 0 where it did not say.
    """

    reason: str
    wait: float = 0.0


@frozen
class Opened:
    """What was in an encrypted event: an event as if it had been sent in the open."""

    event: Json = field(repr=False)


@frozen
class KeyMissing:
    """The event's key is not here; it may come later.

    Args:
        session_id: Of the key, as ``Vault.take_new_keys`` names it when it has come.
        is_withheld: The sender's app said that it will not give the key to this device.
    """

    session_id: str
    is_withheld: bool = False


@frozen
class Broken:
    """The event will never be readable; *reason* says why, without a person's words."""

    reason: str


class Vault(Protocol):
    """The one owner of the crypto store: opens, seals, and keeps the keys of one session."""

    async def open(self, session: Session) -> LoginRefused | None:
        """Open the store of *session*'s device; once more where the session was renewed.

        A second process, or a store that is not of the device, is refused with a line that says
        what to do.
        """

    async def announced(self) -> None:
        """Wait until people's apps can give us their keys: they find our device, and trust it."""

    def lose_track(self) -> None:
        """The next page does not go on from the last one: ask again for people and devices."""

    async def receive(self, page: Json) -> None:
        """Take what an answer of ``/sync`` says of keys, devices and members.

        Before its events are read, and before the next answer is asked for.
        """

    def unseal(self, room: str, event: Json) -> Opened | KeyMissing | Broken:
        """Read the ``m.room.encrypted`` *event*."""

    def take_new_keys(self) -> frozenset[str]:
        """The sessions of which there is news since the last call.

        Their keys came, or somebody said that they will not: look again at what waits for them.
        """

    def saw_encryption(self, room: str) -> None:
        """*room* is encrypted, and stays so for ever, whatever the server says later."""

    def is_encrypted(self, room: str) -> bool:
        """Whether it was ever seen to be."""

    async def seal(self, room: str, kind: str, content: Json) -> Sealed | NotSealed:
        """Encrypt an event of type *kind* for everybody who is in *room* now."""

    async def run(self) -> None:
        """Keep the keys on the server in order; ends only by being cancelled."""

    def close(self) -> None:
        """Let go of the store."""
