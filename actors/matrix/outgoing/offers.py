"""Puts the buttons of a message below it, as reactions of ours that people click.

A message is settled together with the buttons that it owes, and they are put there afterwards:
who clicks the first one while the others are on their way presses a button that we know.
"""

import json

from attrs import define, evolve, field, frozen

from actors.kernel.asking import ask_until_answered
from actors.matrix.api.limits import MOST_OFFERS
from actors.matrix.buttons import emoji_of
from actors.matrix.outgoing.outcomes import Posted, Reaction, Redaction
from actors.matrix.outgoing.posting import Post
from actors.matrix.outgoing.whereabouts import Whereabouts
from protocols.changes import Change, DeleteKey, PutKey
from protocols.ids import RemoteId, RoomId
from protocols.journal import OutboxRow
from protocols.mail import Address
from protocols.store import Commit, FindKeys, FindOutgoing, GetKey, StoreMessage

OFFERS_PREFIX = "matrix_offers:"
"""The keys that say which reactions of ours stand below an event, or should."""


@frozen
class _Offer:
    """What stands below the event *place* of *room*: emoji → event id.

    Args:
        is_owed: The buttons of the newest message that stands there are not all there yet.
    """

    room: RoomId
    place: RemoteId
    standing: dict[str, str] = field(factory=dict)
    is_owed: bool = True

    def kept(self) -> PutKey:
        facts = {"room": self.room, "standing": self.standing, "owed": self.is_owed}
        return PutKey(OFFERS_PREFIX + self.place, json.dumps(facts, ensure_ascii=False))

    @classmethod
    def read(cls, key: str, text: str) -> "_Offer":
        facts = json.loads(text)
        place = RemoteId(key.removeprefix(OFFERS_PREFIX))
        return cls(RoomId(facts["room"]), place, facts["standing"], facts["owed"])


@define
class Offers:
    """The reactions below our messages. What cannot be put there can be pressed all the same."""

    store: Address[StoreMessage]
    post: Post
    whereabouts: Whereabouts
    _unpaid: dict[RoomId, list[tuple[OutboxRow, RemoteId]]] = field(factory=dict)

    async def begin(self) -> tuple[RoomId, ...]:
        """The rooms where an earlier life owes buttons; what the journal forgot is forgotten."""
        for key, text in await ask_until_answered(self.store, FindKeys(OFFERS_PREFIX)):
            offer = _Offer.read(key, text)
            row = await ask_until_answered(self.store, FindOutgoing(offer.room, offer.place))
            if row is None:
                await self._commit(DeleteKey(key))
            elif offer.is_owed:
                self._unpaid.setdefault(offer.room, []).append((row, offer.place))
        return tuple(self._unpaid)

    async def resume(self, room: RoomId) -> None:
        """Put what an earlier life owes in *room*."""
        for row, place in self._unpaid.pop(room, ()):
            await self.pay(row, place)

    async def owed(self, row: OutboxRow, place: RemoteId) -> tuple[Change, ...]:
        """What to remember before *row*, which stands at *place*, is settled."""
        offer = await self._offer_at(place)
        if offer is None and not row.keyboard:
            return ()
        return (evolve(offer or _Offer(row.room, place), is_owed=True).kept(),)

    async def pay(self, row: OutboxRow, place: RemoteId) -> None:
        """Leave just the buttons of *row* below *place*."""
        offer = await self._offer_at(place)
        if offer is None:
            return
        if not await self.whereabouts.has(row.room, place):
            standing = {}  # left behind in a room that was upgraded
        else:
            room = self.whereabouts.places.find(row.room).room
            standing = await self._standing(room, row, offer)
        paid = evolve(offer, standing=standing, is_owed=False)
        await self._commit(paid.kept() if standing else DeleteKey(OFFERS_PREFIX + place))

    async def _standing(self, room: str, row: OutboxRow, offer: _Offer) -> dict[str, str]:
        wanted = [emoji for emoji, _ in emoji_of(row.keyboard)][:MOST_OFFERS]
        # Numbers of all that there was, and may be again: the same ones after a kill.
        for number, (emoji, reaction) in enumerate(sorted(offer.standing.items())):
            if emoji not in wanted:
                gone = Redaction(RemoteId(reaction))
                await self.post.deliver(room, f"{row.uid}-x{number}", gone, is_urgent=False)
        standing = {}
        for number, emoji in enumerate(wanted):
            reaction = offer.standing.get(emoji) or await self._put(
                room, f"{row.uid}-r{number}", Reaction(offer.place, emoji)
            )
            if reaction:
                standing[emoji] = reaction
        return standing

    async def _put(self, room: str, txn: str, reaction: Reaction) -> str:
        outcome = await self.post.deliver(room, txn, reaction, is_urgent=False)
        return outcome.event_id if isinstance(outcome, Posted) else ""

    async def _offer_at(self, place: RemoteId) -> _Offer | None:
        key = OFFERS_PREFIX + place
        text = await ask_until_answered(self.store, GetKey(key))
        return None if text is None else _Offer.read(key, text)

    async def _commit(self, *changes: Change) -> None:
        await ask_until_answered(self.store, Commit(changes))
