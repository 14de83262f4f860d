"""Telegram's way to the files that people sent."""

from collections.abc import Hashable
from functools import partial
from pathlib import Path
from typing import assert_never

import structlog
import trio
from attrs import define

from actors.surfaces.disk import InThread
from actors.surfaces.fetching import LONGEST_TRY, Later, Sink, Tried, write_part
from actors.telegram.api.outcomes import (
    Ambiguous,
    Done,
    Failure,
    Forbidden,
    Refusal,
    Refused,
    Unreachable,
)
from actors.telegram.outgoing.limits import Urgency
from actors.telegram.outgoing.posting import NotNow, Post
from protocols.files import FileMissing, LocalFile, Missing
from protocols.ids import RoomId, RowId

log = structlog.get_logger("telegram.files")

LARGEST_BYTES = 20 * 2**20
"""Bot API, "getFile": bots can download files of up to 20 MB."""


@define
class FilesIn:
    """The way of a file from Telegram to the disk, for a ``FetchDesk``.

    Args:
        within: What a transfer may take, in seconds; one try here never takes more than 120.
    """

    post: Post
    within: float
    in_thread: InThread

    def chat_of(self, room: RoomId) -> Hashable:
        """The topics of a chat share its downloads."""
        target = self.post.targets.find(room)
        return None if target is None else target.chat

    async def attempt(self, handle: str, path: Path) -> Tried:
        """Ask Telegram once, when the limits allow it."""
        fill = partial(self._fill, handle)
        return await write_part(path, fill, limit_bytes=LARGEST_BYTES, in_thread=self.in_thread)

    def settle(self, row: RowId, answer: LocalFile | FileMissing) -> None:
        """Count it, and say so."""
        if isinstance(answer, FileMissing):
            self.post.tally.count("files missing")
            log.info("file.missed", row=row, why=answer.why)
        else:
            self.post.tally.count("files fetched")
            log.info("file.fetched", row=row)

    async def _fill(self, handle: str, sink: Sink) -> Tried:
        ask = partial(self._download, handle, sink)
        outcome = await self.post.aside(Urgency.NOTICE, ask)
        match outcome:
            case Done():
                return await sink.end()
            case Refused(why=Refusal.FILE_TOO_LARGE):
                return FileMissing(Missing.TOO_LARGE, LARGEST_BYTES)
            case Refused() | Forbidden():
                return FileMissing(Missing.GONE)
            case NotNow():
                return Later()
            case Unreachable() | Ambiguous():
                return None
            case _:
                assert_never(outcome)

    async def _download(self, handle: str, sink: Sink) -> Done | Failure:
        with trio.move_on_after(min(self.within, LONGEST_TRY)):
            return await self.post.bot.download(handle, sink.take)
        return Ambiguous("the file came too slowly")
