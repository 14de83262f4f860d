"""Changes a message of ours that stands in a chat: what became of the press of its button."""

from attrs import define

from actors.kernel.asking import ask_until_answered
from actors.surfaces.disk import InThread
from actors.telegram.api.outcomes import Forbidden, Refusal, Refused
from actors.telegram.outgoing.contents import amended
from actors.telegram.outgoing.limits import Urgency
from actors.telegram.outgoing.placing import Moot, Unfit
from actors.telegram.outgoing.posting import Post
from actors.telegram.outgoing.targets import message_number
from protocols.journal import Amends, OutboxRow
from protocols.mail import Address
from protocols.store import FinalOutgoing, StoreMessage


@define
class Amending:
    """The way of a change into the message that it changes."""

    store: Address[StoreMessage]
    post: Post
    in_thread: InThread

    async def amend(
        self, row: OutboxRow, amends: Amends
    ) -> int | Forbidden | Refused | Moot | Unfit:
        """The id of the message that was changed."""
        original = await ask_until_answered(self.store, FinalOutgoing(amends.row))
        place = message_number(amends.place)
        if place is None or original is None or not self._is_there(original, row, amends):
            return Moot("this is not the message that it amends")
        piece = await self.in_thread(amended, original, row)
        if piece is None:
            return Unfit("there is nothing to show")
        outcome = await self.post.edit(row.room, place, piece, Urgency.NOTICE)
        if isinstance(outcome, Refused) and outcome.why is Refusal.MESSAGE_GONE:
            # Whoever deleted the message has no more use for what became of its button.
            return Moot("the message was deleted")
        return outcome if isinstance(outcome, Forbidden | Refused) else place

    def _is_there(self, original: OutboxRow, row: OutboxRow, amends: Amends) -> bool:
        """Whether *original* stands where it is to be changed.

        A press says itself what its button and its message were, and an app may say anything.
        """
        there, here = (self.post.targets.find(room) for room in (original.room, row.room))
        is_here = there is not None and here is not None and there.chat == here.chat
        return is_here and original.remote_id == amends.place
