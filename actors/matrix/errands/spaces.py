"""One space for each person, in which all their rooms are; a room does well without it.

What is to be filed is remembered before, so that a stop only puts it off.
"""

import json
from functools import partial
from typing import Protocol

import structlog
import trio
from attrs import define, evolve, field, frozen

from actors.kernel.asking import ask_until_answered
from actors.matrix.api.replies import Done, Json, Refused, path_to
from actors.matrix.errands.creation import child_path, parent_path, server_of, space_body
from actors.matrix.errands.lines import Line, pause
from actors.matrix.errands.making import Maker
from protocols.changes import Change, DeleteKey, PutKey
from protocols.mail import Address
from protocols.store import Commit, FindKeys, GetKey, StoreMessage

log = structlog.get_logger("matrix.spaces")

SPACE_PREFIX = "matrix_space:"
"""The keys that say which space a person has, and what is in it."""

FILING_PREFIX = "matrix_filing:"
"""The keys that say which room has to be filed yet."""

_MOST_TRIES = 5


class Direct(Protocol):
    """The account's list of direct chats."""

    async def add(self, user_id: str, room: str) -> bool:
        """Have *room* be a direct chat with *user_id*; False: later."""


@frozen
class Filing:
    """A *room* that belongs to *person*.

    Args:
        is_own: It is theirs alone, and says itself that it is in their space.
        is_new: We have made it for them.
    """

    room: str
    person: str
    is_own: bool = True
    is_new: bool = False

    def kept(self) -> PutKey:
        """Remember it."""
        facts = {"person": self.person, "own": self.is_own, "new": self.is_new}
        return PutKey(FILING_PREFIX + self.room, json.dumps(facts))

    @classmethod
    def read(cls, key: str, text: str) -> "Filing":
        """What was remembered."""
        facts = json.loads(text)
        room = key.removeprefix(FILING_PREFIX)
        return cls(room, facts["person"], is_own=facts["own"], is_new=facts["new"])


@frozen
class _Space:
    """A person's space and the rooms in it."""

    person: str
    room: str
    filed: tuple[str, ...] = ()

    def kept(self) -> PutKey:
        facts = {"room": self.room, "filed": self.filed}
        return PutKey(SPACE_PREFIX + self.person, json.dumps(facts))


@define
class Spaces:
    """Files rooms; one at a time."""

    maker: Maker
    store: Address[StoreMessage]
    line: Line
    direct: Direct
    _lock: trio.Lock = field(factory=trio.Lock)

    async def resume(self) -> None:
        """File what an earlier life did not come to."""
        await self.line.account.opened.wait()
        for key, text in await ask_until_answered(self.store, FindKeys(FILING_PREFIX)):
            await self.file(Filing.read(key, text))

    async def file(self, filing: Filing) -> None:
        """File it, and forget that it was to be; after trouble, the next start tries again."""
        async with self._lock:
            if await self._is_over(filing):
                await self._commit(DeleteKey(FILING_PREFIX + filing.room))

    async def _is_over(self, filing: Filing) -> bool:
        if filing.is_new and not await self._is_direct(filing):
            return False
        space = await self._space(filing.person)
        if not isinstance(space, _Space):
            return space is not None
        if filing.room in space.filed:
            return True
        is_filed = await self._put(child_path(space.room, filing.room), {})
        if not is_filed:
            return is_filed is not None
        if filing.is_own and not await self._is_named_in(filing.room, space):
            return False
        await self._commit(evolve(space, filed=(*space.filed, filing.room)).kept())
        log.info("room.filed", room=filing.room, space=space.room)
        return True

    async def _is_named_in(self, room: str, space: _Space) -> bool:
        """Whether *room* says what it is in, or we may not say so there; False: later."""
        return await self._put(parent_path(room, space.room), {"canonical": True}) is not None

    async def _is_direct(self, filing: Filing) -> bool:
        for streak in range(1, _MOST_TRIES + 1):
            await pause(streak)
            if await self.direct.add(filing.person, filing.room):
                return True
        return False

    async def _put(self, path: str, content: Json) -> bool | None:
        """Whether it is said there; None for trouble that does not pass."""
        body = {"via": [server_of(self.line.account.me)], **content}
        match await self.line.insist(partial(self.maker.server.request, "PUT", path, body)):
            case Done():
                return True
            case Refused(status, errcode):
                # Ordinary in a room that the person has made: we may not change its state.
                log.info("filing.refused", status=status, errcode=errcode)
                return False
            case None:
                return None

    async def _space(self, person: str) -> _Space | Refused | None:
        """The space of *person*, who is asked in when it is made, and never again."""
        text = await ask_until_answered(self.store, GetKey(SPACE_PREFIX + person))
        if text is not None:
            facts = json.loads(text)
            return _Space(person, facts["room"], tuple(facts["filed"]))
        alias = await self.maker.alias("space", person)
        room = await self.maker.make(space_body(person, await self._our_name(), alias=alias))
        if not isinstance(room, str):
            return room
        space = _Space(person, room)
        await self._commit(space.kept())
        return space

    async def _our_name(self) -> str:
        me = self.line.account.me
        ask = partial(self.maker.server.request, "GET", path_to("profile", me, "displayname"))
        match await self.line.ask(ask):
            case Done({"displayname": str(name)}) if name.strip():
                return name
            case _:
                return me.removeprefix("@").partition(":")[0]

    async def _commit(self, *changes: Change) -> None:
        await ask_until_answered(self.store, Commit(changes))
