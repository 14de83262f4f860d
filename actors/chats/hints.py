"""Hints to the surfaces that their outbox has something; nothing here waits."""

from collections.abc import Mapping

import trio
from attrs import define

from protocols.ids import RoomId, RowId, SurfaceName, surface_of
from protocols.surfaces import Deliver, Surface


@define
class DeliveryHints:
    """Tells surfaces to deliver; a hint that finds a full mailbox waits in a task of its own.

    Neither the directory nor a session waits for a surface: a surface may be asking the
    directory, and a session must hear ``/stop`` also while its surface hangs.
    """

    surfaces: Mapping[SurfaceName, Surface]
    nursery: trio.Nursery
    _waiting: frozenset[Deliver] = frozenset()  # takes no memory where nothing waits

    def deliver(self, room: RoomId, row_done: RowId | None = None) -> None:
        """Hint that *room* has outgoing messages."""
        surface = self.surfaces.get(surface_of(room))
        hint = Deliver(room, row_done)
        if surface is None or hint in self._waiting or surface.address.try_send(hint):
            return
        self._waiting |= {hint}
        self.nursery.start_soon(self._send, surface, hint)

    async def _send(self, surface: Surface, hint: Deliver) -> None:
        await surface.address.send(hint)
        self._waiting -= {hint}
