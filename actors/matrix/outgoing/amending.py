"""Changes a message of ours that stands in a room: what became of the press of its button."""

from attrs import define

from actors.kernel.asking import ask_until_answered
from actors.matrix.outgoing.messages import amended
from actors.matrix.outgoing.offers import Offers
from actors.matrix.outgoing.outcomes import Moot, Posted, PostRefused, Said, TooLarge
from actors.matrix.outgoing.posting import Post
from actors.matrix.outgoing.ties import Tie
from actors.surfaces.disk import InThread
from protocols.journal import Amends, OutboxRow
from protocols.mail import Address
from protocols.store import FinalOutgoing, StoreMessage


@define
class Amending:
    """The way of a change into the message that it changes; it may be repeated."""

    store: Address[StoreMessage]
    post: Post
    offers: Offers
    in_thread: InThread

    async def amend(
        self, row: OutboxRow, amends: Amends, *, room: str
    ) -> Said | Moot | PostRefused:
        """Add *row* to the message of ours that it *amends*."""
        original = await ask_until_answered(self.store, FinalOutgoing(amends.row))
        if original is None or not _is_there(original, row, amends):
            return Moot("this is not the message that it amends")
        content = await self.in_thread(amended, original, row)
        if content is None:
            return PostRefused("there is nothing to show")
        edit = Tie().edit(content, amends.place)
        match await self.post.deliver(room, f"{row.uid}-0", edit):
            case Posted():
                return Said(amends.place, await self.offers.owed(row, amends.place))
            case TooLarge():
                return PostRefused("the homeserver finds the changed message too large")
            case refused:
                return refused


def _is_there(original: OutboxRow, row: OutboxRow, amends: Amends) -> bool:
    """Whether *original* stands where it is to be changed.

    A press says itself what its message was, and a person's app may say anything.
    """
    return original.room == row.room and original.remote_id == amends.place
