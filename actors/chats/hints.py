"""Hints to the surfaces: their outbox has something, a press is decided; nothing here waits."""

from collections import deque
from collections.abc import Mapping
from typing import assert_never

import trio
from attrs import define, field

from protocols.ids import RoomId, RowId, SurfaceName, surface_of
from protocols.journal import Row
from protocols.surfaces import AnswerPress, Deliver, Surface

LONGEST_ANSWER = 200
"""Characters that a surface shows whoever pressed a button."""


MOST_PRESSES = 200
"""Answers that wait for one surface; an older press than these is over in its app anyway."""


@define
class _Waiting:
    """What waits for one surface with a full mailbox, in order."""

    deliveries: dict[Deliver, None] = field(factory=dict)
    presses: deque[AnswerPress] = field(factory=lambda: deque(maxlen=MOST_PRESSES))

    def put(self, hint: Deliver | AnswerPress) -> None:
        """Let *hint* wait; a delivery that waits already does so once."""
        match hint:
            case Deliver():
                self.deliveries[hint] = None
            case AnswerPress():
                self.presses.append(hint)
            case _:
                assert_never(hint)

    def take(self) -> tuple[Deliver | AnswerPress, ...]:
        """The next delivery and the next press; nothing where nothing waits."""
        taken: list[Deliver | AnswerPress] = []
        if self.deliveries:
            delivery = next(iter(self.deliveries))
            del self.deliveries[delivery]
            taken.append(delivery)
        if self.presses:
            taken.append(self.presses.popleft())
        return tuple(taken)


@define
class DeliveryHints:
    """Tells surfaces to deliver; a task for each waits where its mailbox is full.

    Neither the directory nor a session waits for a surface: a surface may be asking the
    directory, and a session must hear ``/stop`` also while its surface hangs.
    """

    surfaces: Mapping[SurfaceName, Surface]
    nursery: trio.Nursery
    _waiting: dict[SurfaceName, _Waiting] = field(factory=dict)
    """Those with a task; what is in the task's hand is not in it."""

    def deliver(self, room: RoomId, row_done: RowId | None = None) -> None:
        """Hint that *room* has outgoing messages."""
        self._tell(Deliver(room, row_done))

    def answer_press(self, row: Row, text: str = "", *, is_refused: bool = False) -> None:
        """Let the app of whoever sent *row* stop waiting, where that is a press."""
        if row.press is not None and row.press.id:
            self._tell(AnswerPress(row.room, row.press.id, text[:LONGEST_ANSWER], is_refused))

    def _tell(self, hint: Deliver | AnswerPress) -> None:
        surface = self.surfaces.get(surface_of(hint.room))
        if surface is None:
            return
        waiting = self._waiting.get(surface.name)
        if waiting is not None:
            waiting.put(hint)
        elif not surface.address.try_send(hint):
            waiting = self._waiting[surface.name] = _Waiting()
            waiting.put(hint)
            self.nursery.start_soon(self._send, surface, waiting)

    async def _send(self, surface: Surface, waiting: _Waiting) -> None:
        while hints := waiting.take():
            for hint in hints:
                await surface.address.send(hint)
        del self._waiting[surface.name]
