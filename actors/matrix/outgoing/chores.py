"""Does what nobody waits for in a room: late signs, and words for a press that did nothing."""

from hashlib import sha256
from typing import assert_never

from attrs import define

from actors.matrix.outgoing.posting import Post
from actors.matrix.outgoing.reactions import Reactions
from actors.matrix.outgoing.render import whole
from actors.matrix.outgoing.ties import Tie
from actors.matrix.outgoing.turns import Chore, Ending
from actors.matrix.places import Places
from protocols.journal import Voice
from protocols.surfaces import AnswerPress


@define
class Chores:
    """Each is tried once."""

    post: Post
    places: Places
    reactions: Reactions

    async def do(self, chore: Chore) -> None:
        """Do *chore*, or leave it."""
        match chore:
            case Ending():
                await self.reactions.show(chore)
            case AnswerPress():
                await self._answer(chore)
            case _:
                assert_never(chore)

    async def _answer(self, press: AnswerPress) -> None:
        place = self.places.find(press.room)
        txn = f"press-{sha256(press.press_id.encode()).hexdigest()[:32]}"
        notice = Tie(place.thread).further(whole(press.text, Voice.GATEWAY))
        await self.post.attempt(place.room, txn, notice)
