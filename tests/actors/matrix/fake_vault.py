"""A vault whose encryption is only a wrapping, and whose keys come when a test gives them."""

from typing import Any

import trio
from attrs import define, field

from actors.matrix.api.homeserver import Session
from actors.matrix.api.login import LoginRefused
from actors.matrix.crypto.port import Broken, KeyMissing, NotSealed, Opened, Sealed

Json = dict[str, Any]


def sealed(
    content: Json, *, kind: str = "m.room.message", session: str = "s1", **more: Any
) -> Json:
    """The content of an ``m.room.encrypted`` with *content* in it."""
    inner = {"type": kind, "content": content, **more}
    relation = {key: content[key] for key in ("m.relates_to",) if key in content}
    return {"algorithm": "wrapped", "session_id": session, "ciphertext": inner, **relation}


def _set() -> trio.Event:
    event = trio.Event()
    event.set()
    return event


@define
class FakeVault:
    """The keys of one bot; a new life of the surface has the same.

    Args:
        keys: The sessions that can be read.
        broken: Those that never will be.
        withheld: Those whose senders do not give them.
    """

    keys: set[str] = field(factory=lambda: {"s1"})
    broken: set[str] = field(factory=set)
    withheld: set[str] = field(factory=set)
    encrypted: set[str] = field(factory=set)
    received: list[Json] = field(factory=list)
    coming: set[str] = field(factory=set)
    refusal: LoginRefused | None = None
    is_open: bool = False
    is_announced: trio.Event = field(factory=_set)
    losses: list[int] = field(factory=list)
    """After how many pages the trail was lost."""
    _new: set[str] = field(factory=set)

    def give(self, session: str) -> None:
        """The key of *session* comes with the next page."""
        self.coming.add(session)

    async def open(self, session: Session) -> LoginRefused | None:
        assert session.user_id
        await trio.lowlevel.checkpoint()
        self.is_open = self.refusal is None
        return self.refusal

    async def announced(self) -> None:
        await self.is_announced.wait()

    def lose_track(self) -> None:
        self.losses.append(len(self.received))

    async def receive(self, page: Json) -> None:
        await trio.lowlevel.checkpoint()
        self.received.append(page)
        self.keys |= self.coming
        self._new |= self.coming
        self.coming.clear()

    def unseal(self, room: str, event: Json) -> Opened | KeyMissing | Broken:
        assert room.startswith("!")
        session = str(event["content"].get("session_id"))
        inner = event["content"].get("ciphertext")
        if session in self.broken or not isinstance(inner, dict):
            return Broken("it does not hold together")
        if session not in self.keys:
            return KeyMissing(session, is_withheld=session in self.withheld)
        return Opened({**event, "room_id": room, **inner})

    def take_new_keys(self) -> frozenset[str]:
        new, self._new = self._new, set()
        return frozenset(new)

    def saw_encryption(self, room: str) -> None:
        self.encrypted.add(room)

    def is_encrypted(self, room: str) -> bool:
        return room in self.encrypted

    async def seal(self, room: str, kind: str, content: Json) -> Sealed | NotSealed:
        assert room in self.encrypted
        await trio.lowlevel.checkpoint()
        return Sealed(sealed(content, kind=kind))

    async def run(self) -> None:
        await trio.sleep_forever()

    def close(self) -> None:
        self.is_open = False
