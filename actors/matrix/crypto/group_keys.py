"""Keys of rooms: under which we seal, and which open what others sealed."""

from typing import Any

from attrs import field, frozen

Json = dict[str, Any]


@frozen
class InboundKey:
    """A key that opens events of a room."""

    sender_key: str
    _session: Any = field(repr=False, eq=False)

    @property
    def first_index(self) -> int:
        """The earliest message that it opens."""
        return int(self._session.first_known_index)

    def read(self, ciphertext: str) -> str | None:
        """What is in *ciphertext*; None if it is not of this session."""
        try:
            return str(self._session.decrypt(ciphertext)[0])
        except ValueError:
            return None


@frozen
class GroupKey:
    """The key under which we seal a room's events for a while."""

    _session: Any = field(repr=False, eq=False)

    @property
    def session_id(self) -> str:
        """Its name for everybody."""
        return str(self._session.id)

    @property
    def is_used_up(self) -> bool:
        """Whether it was used often or long enough."""
        return bool(self._session.expired)

    def content(self, room: str) -> Json:
        """What those need who shall read what is sealed from now on."""
        return {
            "algorithm": "m.megolm.v1.aes-sha2",
            "room_id": room,
            "session_id": self.session_id,
            "session_key": self._session.session_key,
        }

    def seal(self, words: str) -> str:
        """*words*, for whoever has the key."""
        return str(self._session.encrypt(words))
