"""Read receipts: people see that what they wrote has been taken."""

import trio
from attrs import define, field

from actors.matrix.api.homeserver import Homeserver
from actors.matrix.api.replies import Limited
from actors.matrix.incoming.requests import mark_read


@define
class Receipts:
    """The newest event of each room that is safe with us; nobody waits for a receipt."""

    server: Homeserver
    _wanted: dict[str, str] = field(factory=dict)
    _changed: trio.Event = field(factory=trio.Event)

    def want(self, room: str, event_id: str) -> None:
        """Everything in *room* up to the event is in the journal."""
        self._wanted[room] = event_id
        self._changed.set()

    async def run(self) -> None:
        """Send each receipt once, at one go for all that came meanwhile."""
        while True:
            await self._changed.wait()
            self._changed = trio.Event()
            while self._wanted:
                room = next(iter(self._wanted))
                reply = await mark_read(self.server, room, self._wanted.pop(room))
                if isinstance(reply, Limited):
                    await trio.sleep(reply.wait)
