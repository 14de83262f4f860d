"""Removes the agent's files that were sent, and those that nobody will send any more."""

from collections.abc import Callable, Sequence
from pathlib import Path

import structlog
from attrs import define

from actors.kernel.asking import ask_until_answered
from actors.surfaces.disk import InThread, remove_files, remove_old
from protocols.files import LocalFile
from protocols.ids import MATRIX, TELEGRAM, TERMINAL
from protocols.mail import Address
from protocols.store import Outgoing, OutgoingRooms, StoreMessage

log = structlog.get_logger("files.leftovers")

MADE = "made"
"""The folder in which the agent's files lie."""

_DAY = 86_400.0
_ALL = 1_000_000


@define
class Leftovers:
    """What is left of files on their way out.

    Args:
        folder: Nothing outside of it is touched; absolute.
        clock: Seconds since the epoch.
    """

    store: Address[StoreMessage]
    folder: Path
    clock: Callable[[], float]
    in_thread: InThread

    async def remove(self, files: Sequence[LocalFile]) -> None:
        """Remove *files*: their message is settled."""
        if files:
            paths = [file.path for file in files]
            await self.in_thread(remove_files, paths, self.folder)

    async def sweep(self) -> None:
        """Remove what is older than a day and in no message that waits, on whatever surface."""
        waiting = {
            file.path
            for surface in (TELEGRAM, MATRIX, TERMINAL)
            for room in await ask_until_answered(self.store, OutgoingRooms(surface))
            for row in await ask_until_answered(self.store, Outgoing(room, limit=_ALL))
            for file in row.files
        }
        before = self.clock() - _DAY
        if removed := await self.in_thread(remove_old, self.folder / MADE, before, waiting):
            log.info("files.swept", number=removed)
