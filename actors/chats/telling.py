"""Words of the gateway that nobody asked for, to one person: where they are found."""

import json
from collections.abc import Mapping
from typing import TypeVar
from uuid import uuid4

from attrs import define

from actors.chats.asking import ask_through_restarts
from actors.chats.hints import DeliveryHints
from actors.chats.identities import first_identity
from actors.chats.lasts import last_key, private_room, read_last
from protocols.changes import AddOutgoing, PutKey, TakeKey
from protocols.ids import PersonId, RoomId, RowId, SurfaceName, surface_of
from protocols.journal import Voice
from protocols.mail import Address, Question
from protocols.store import Commit, GetKey, StoreMessage
from protocols.surfaces import Surface

A = TypeVar("A")

TELLING_KEY = "telling"
"""Where the word is noted that is being written to the outbox."""


@define
class Telling:
    """Puts words into the outbox for a person; only one of its methods may run at a time."""

    store: Address[StoreMessage]
    surfaces: Mapping[SurfaceName, Surface]
    hints: DeliveryHints

    async def tell(self, person: PersonId, text: str) -> bool:
        """Say *text* where *person* last talked with us alone; whether it is durably on its way."""
        room = await self._room_of(person)
        if room is None or surface_of(room) not in self.surfaces:
            return False
        # A commit whose answer is lost is asked for twice: then the note is taken already.
        note = json.dumps(uuid4().hex)
        await self._ask(Commit((PutKey(TELLING_KEY, note),)))
        words = AddOutgoing(room, Voice.GATEWAY, text, is_final=False)
        await self._ask(Commit((TakeKey(TELLING_KEY, note, RowId(0)), words)))
        self.hints.deliver(room)
        return True

    async def _room_of(self, person: PersonId) -> RoomId | None:
        first = await first_identity(self.store, person)
        last = read_last(await self._ask(GetKey(last_key(first))))
        if last is None or last.is_shared:  # it is for nobody else to read
            return private_room(person)
        return last.room

    async def _ask(self, question: Question[A]) -> A:
        return await ask_through_restarts(self.store, question)
