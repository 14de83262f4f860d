"""Hints to the surfaces: their outbox has something, a press is decided; nothing here waits."""

from collections.abc import Mapping

import trio
from attrs import define

from protocols.ids import RoomId, RowId, SurfaceName, surface_of
from protocols.store import Row
from protocols.surfaces import AnswerPress, Deliver, Surface

LONGEST_ANSWER = 200
"""Characters that a surface shows whoever pressed a button."""


@define
class DeliveryHints:
    """Tells surfaces to deliver; a hint that finds a full mailbox waits in a task of its own.

    Neither the directory nor a session waits for a surface: a surface may be asking the
    directory, and a session must hear ``/stop`` also while its surface hangs.
    """

    surfaces: Mapping[SurfaceName, Surface]
    nursery: trio.Nursery
    _waiting: frozenset[Deliver | AnswerPress] = frozenset()
    """Takes no memory where nothing waits."""

    def deliver(self, room: RoomId, row_done: RowId | None = None) -> None:
        """Hint that *room* has outgoing messages."""
        self._tell(Deliver(room, row_done))

    def answer_press(self, row: Row, text: str = "") -> None:
        """Let the app of whoever sent *row* stop waiting, where that is a press."""
        if row.press is not None and row.press.id:
            self._tell(AnswerPress(row.room, row.press.id, text[:LONGEST_ANSWER]))

    def _tell(self, hint: Deliver | AnswerPress) -> None:
        surface = self.surfaces.get(surface_of(hint.room))
        if surface is None or hint in self._waiting or surface.address.try_send(hint):
            return
        self._waiting |= {hint}
        self.nursery.start_soon(self._send, surface, hint)

    async def _send(self, surface: Surface, hint: Deliver | AnswerPress) -> None:
        await surface.address.send(hint)
        self._waiting -= {hint}
