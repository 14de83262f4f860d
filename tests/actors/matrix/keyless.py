"""A vault without keys: it knows which rooms are encrypted, and nothing goes there."""

from typing import Any

from attrs import define, field

from actors.matrix.api.client import Homeserver, Session
from actors.matrix.api.login import LoginRefused
from actors.matrix.api.status import Status
from actors.matrix.crypto.port import Broken, KeyMissing, NotSealed, Opened, Sealed
from actors.matrix.settings import MatrixSettings

Json = dict[str, Any]


@define
class Keyless:
    """Stands in until the crypto store is there; the lead deletes it with the merge."""

    server: Homeserver
    settings: MatrixSettings
    status: Status
    _encrypted: set[str] = field(factory=set)

    async def open(self, session: Session) -> LoginRefused | None:  # noqa: ARG002
        """Open nothing."""
        return None

    async def receive(self, page: Json) -> None:
        """Take nothing."""

    def unseal(self, room: str, event: Json) -> Opened | KeyMissing | Broken:  # noqa: ARG002
        """Read nothing."""
        return Broken("there are no keys")

    def take_new_keys(self) -> frozenset[str]:
        """None came."""
        return frozenset()

    def saw_encryption(self, room: str) -> None:
        """*room* is encrypted."""
        self._encrypted.add(room)

    def is_encrypted(self, room: str) -> bool:
        """Whether it was seen to be."""
        return room in self._encrypted

    async def seal(self, room: str, kind: str, content: Json) -> Sealed | NotSealed:  # noqa: ARG002
        """Encrypt nothing."""
        return NotSealed("there are no keys")

    async def run(self) -> None:
        """Keep nothing."""

    def close(self) -> None:
        """Let go of nothing."""
