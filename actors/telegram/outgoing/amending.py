"""Changes a message of ours that stands in a chat: what became of the press of its button."""

from attrs import define

from actors.kernel.asking import ask_until_answered
from actors.telegram.api.outcomes import Forbidden, Refused
from actors.telegram.outgoing.contents import amended
from actors.telegram.outgoing.limits import Urgency
from actors.telegram.outgoing.placing import Unfit
from actors.telegram.outgoing.posting import Post
from actors.telegram.outgoing.targets import message_number
from protocols.mail import Address
from protocols.store import Amends, FinalOutgoing, OutboxRow, StoreMessage


@define
class Amending:
    """The way of a change into the message that it changes."""

    store: Address[StoreMessage]
    post: Post

    async def amend(self, row: OutboxRow, amends: Amends) -> int | Forbidden | Refused | Unfit:
        """The id of the message that was changed."""
        place = message_number(amends.place)
        if place is None:
            return Unfit("what it amends is no message of Telegram's")
        original = await ask_until_answered(self.store, FinalOutgoing(amends.row))
        piece = amended(original, row)
        if piece is None:
            return Unfit("there is nothing to show")
        outcome = await self.post.edit(row.room, place, piece, Urgency.NOTICE)
        return outcome if isinstance(outcome, Forbidden | Refused) else place
