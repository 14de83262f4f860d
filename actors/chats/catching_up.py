"""Messages that waited while we were away: held back, asked about, and taken up again."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from attrs import define, field

from actors.chats.asking import ask_through_restarts
from actors.chats.backlog import Backlog, read_notes
from actors.chats.catch_up_choices import question
from actors.chats.hints import DeliveryHints
from actors.chats.manner import manner_for
from protocols.ids import RoomId, SurfaceName, surface_of
from protocols.journal import Row, RowState
from protocols.mail import Address, Question
from protocols.store import HELD_BACK, Commit, FindKeys, FindRow, StoreMessage
from protocols.surfaces import Surface

A = TypeVar("A")


@define
class CatchingUp:
    """Keeps the backlog and what is durable of it together.

    Args:
        ask_after: Seconds; as ``Backlog`` has it.
    """

    store: Address[StoreMessage]
    surfaces: Mapping[SurfaceName, Surface]
    hints: DeliveryHints
    clock: Callable[[], float]
    ask_after: float = 0.0
    backlog: Backlog = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.backlog = Backlog(self.ask_after)

    async def begin(self) -> None:
        """Know what earlier lives have asked."""
        self.backlog.load(read_notes(await self._ask(FindKeys(HELD_BACK))))

    async def began(self) -> None:
        """Forget the questions about which nothing was found in the journal."""
        if idle := self.backlog.idle_notes(self.surfaces):
            await self._ask(Commit(idle))

    async def settle(self) -> Sequence[Row]:
        """Ask people about what waited long; gives the rest that waited with it, to be decided."""
        now = self.clock()
        settled = self.backlog.settle(now)
        for rows in settled.asked:
            manner = manner_for(rows[-1], self.surfaces[surface_of(rows[-1].room)])
            # Where the answer is lost the second try conflicts: the question stands there.
            await self._ask(Commit(question(rows, manner, now)))
            self.hints.deliver(rows[-1].room)
        return settled.rest

    async def look_at(self, room: RoomId) -> None:
        """Know what of that which is held back in *room* was decided without our knowing."""
        held = [rows for (where, _), rows in self.backlog.held().items() if where == room]
        for id_ in [id_ for rows in held for id_ in rows]:
            now = await self._ask(FindRow(id_))
            if now is None or now.state is not RowState.RECEIVED:
                self.backlog.forget(id_)
                self.backlog.repeats = True

    async def _ask(self, question: Question[A]) -> A:
        return await ask_through_restarts(self.store, question)
