"""Puts the buttons of a message below it, as reactions of ours that people click."""

import json

from attrs import define

from actors.kernel.asking import ask_until_answered
from actors.matrix.api.limits import MOST_OFFERS
from actors.matrix.buttons import emoji_of
from actors.matrix.outgoing.outcomes import Posted, Reaction, Redaction
from actors.matrix.outgoing.posting import Post
from protocols.ids import RemoteId
from protocols.mail import Address
from protocols.store import Change, DeleteKey, GetKey, OutboxRow, PutKey, StoreMessage

OFFERS_PREFIX = "matrix_offers:"
"""The keys that say which reactions of ours stand below an event: emoji → event id."""


@define
class Offers:
    """The reactions below our messages. What cannot be put there can be pressed all the same."""

    store: Address[StoreMessage]
    post: Post

    async def put(self, room: str, event_id: RemoteId, row: OutboxRow) -> tuple[Change, ...]:
        """Put the buttons of *row* below the new *event_id*; what to remember of that."""
        if not row.keyboard:
            return ()
        return await self._change(room, event_id, row, {})

    async def replace(self, room: str, event_id: RemoteId, row: OutboxRow) -> tuple[Change, ...]:
        """Leave only the buttons of *row* below *event_id*; what to remember of that."""
        text = await ask_until_answered(self.store, GetKey(OFFERS_PREFIX + event_id))
        return await self._change(room, event_id, row, json.loads(text) if text else {})

    async def _change(
        self, room: str, event_id: RemoteId, row: OutboxRow, there: dict[str, str]
    ) -> tuple[Change, ...]:
        wanted = [emoji for emoji, _ in emoji_of(row.keyboard)][:MOST_OFFERS]
        # Numbers of all that there was, and may be again: the same ones after a kill.
        for number, (emoji, reaction) in enumerate(sorted(there.items())):
            if emoji not in wanted:
                gone = Redaction(RemoteId(reaction))
                await self.post.deliver(room, f"{row.uid}-x{number}", gone, is_urgent=False)
        standing = {}
        for number, emoji in enumerate(wanted):
            reaction = there.get(emoji) or await self._offer(
                room, f"{row.uid}-r{number}", Reaction(event_id, emoji)
            )
            if reaction:
                standing[emoji] = reaction
        key = OFFERS_PREFIX + event_id
        if standing:
            return (PutKey(key, json.dumps(standing, ensure_ascii=False)),)
        return (DeleteKey(key),) if there else ()

    async def _offer(self, room: str, txn: str, offer: Reaction) -> str:
        outcome = await self.post.deliver(room, txn, offer, is_urgent=False)
        return outcome.event_id if isinstance(outcome, Posted) else ""
