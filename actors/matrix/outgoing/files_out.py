"""Sends the agent's files: each is brought to the server first, then its message is sent.

In encrypted rooms the server gets only what is sealed. What cannot be sent is named in a line.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, assert_never

import structlog
import trio
from attrs import define, evolve, field

from actors.matrix.api.limits import FILE_LIMIT_BYTES
from actors.matrix.api.media import media_limit
from actors.matrix.api.patience import insist, pause
from actors.matrix.api.replies import Done, Limited, Refused, TokenRefused, Unreachable
from actors.matrix.crypto.attachments import encrypted
from actors.matrix.outgoing.file_contents import file_content, mime_type_of
from actors.matrix.outgoing.outcomes import Posted, PostOutcome, PostRefused, TooLarge
from actors.matrix.outgoing.pictures import Picture, picture_of
from actors.matrix.outgoing.posting import Post
from actors.matrix.outgoing.render import whole
from actors.matrix.outgoing.rooms import Closed, Encrypted
from actors.matrix.outgoing.texts import Job
from actors.surfaces.disk import InThread
from actors.surfaces.names import file_name
from actors.words import Word, say, size_text
from protocols.files import FileKind, LocalFile
from protocols.ids import RemoteId
from protocols.journal import Voice

log = structlog.get_logger("matrix.files")

Json = dict[str, Any]

_SEALED_TYPE = "application/octet-stream"
_TOO_LARGE = 413
"""Proxies say so too, and without a word."""

_MOST_TRIES = 4
_AT_ONCE = 2
"""So many files are in the memory at once."""


@define
class FilesOut:
    """The way of a file into its room.

    Args:
        within: What the largest upload may take, in seconds.
    """

    post: Post
    in_thread: InThread
    within: float = 600.0
    seal: Callable[[bytes], tuple[bytes, Json]] = encrypted
    _limit_bytes: int = 0
    _slots: trio.CapacityLimiter = field(factory=lambda: trio.CapacityLimiter(_AT_ONCE))

    async def send(self, job: Job, number: int, *, is_first: bool) -> RemoteId | PostRefused:
        """What file *number* of the message became: an event that has it, or a line about it.

        A file that is sent again after a kill is brought to the server once more at most; its
        message is the same event.
        """
        file, txn = job.row.files[number], f"{job.row.uid}-f{number}"
        content = await self._content(job.room, file)
        if isinstance(content, PostRefused):
            return content
        if not isinstance(content, Word):
            outcome = await self._post(job, txn, content, is_first=is_first)
            if isinstance(outcome, Posted):
                return outcome.event_id
            content, txn = Word.SENDING_REFUSED, f"{txn}-line"
        log.warning("file.not_sent", outbox_id=job.row.id, number=number, word=content.name)
        line = whole(await self._line(job, file, content), Voice.GATEWAY)
        match await self._post(job, txn, line, is_first=is_first):
            case Posted(event_id):
                return event_id
            case TooLarge():
                return PostRefused("the homeserver finds a line too large")
            case refused:
                return refused

    async def _post(self, job: Job, txn: str, content: Json, *, is_first: bool) -> PostOutcome:
        tied = job.tie.first(content) if is_first else job.tie.further(content)
        return await self.post.deliver(job.room, txn, tied)

    async def _content(self, room: str, file: LocalFile) -> Json | Word | PostRefused:
        """The content for *file*, brought as *room* wants it; a word for what cannot be sent."""
        if file.size_bytes > await self._limit():
            return Word.SENDING_TOO_LARGE
        while True:
            manner = await self.post.manner(room)
            if isinstance(manner, Closed):
                return PostRefused(manner.reason)
            is_sealed = isinstance(manner, Encrypted)
            async with self._slots:
                content = await self._brought(file, is_sealed=is_sealed)
            # What was brought in the open is not for a room that is encrypted by now.
            if content is None:
                return Word.SENDING_REFUSED
            if is_sealed or not isinstance(await self.post.manner(room), Encrypted):
                return content

    async def _brought(self, file: LocalFile, *, is_sealed: bool) -> Json | None:
        """The content for *file* after it was brought to the server; None if it cannot be."""
        data = await self.in_thread(_bytes_of, file)
        if data is None:
            return None
        picture: Picture | None = None
        if file.kind is FileKind.PHOTO:
            picture = await self.in_thread(picture_of, data)
        source = await self._bring(
            data, mime_type_of(file, picture), file.name, is_sealed=is_sealed
        )
        if source is None:
            return None
        thumbnail = None if picture is None else picture.thumbnail
        small = None
        if thumbnail is not None:
            small = await self._bring(thumbnail.data, thumbnail.mime_type, "", is_sealed=is_sealed)
        return file_content(evolve(file, size_bytes=len(data)), picture, source, small)

    async def _bring(
        self, data: bytes, mime_type: str, name: str, *, is_sealed: bool
    ) -> Json | None:
        """Where *data* is on the server by now; None if the server does not take it."""
        if not is_sealed:
            url = await self._upload(data, mime_type, name)
            return None if url is None else {"url": url}
        sealed, opener = await self.in_thread(self.seal, data)
        url = await self._upload(sealed, _SEALED_TYPE, "")
        return None if url is None else {"file": {**opener, "url": url}}

    async def _upload(self, data: bytes, mime_type: str, name: str) -> str | None:
        tries = 0
        while tries < _MOST_TRIES:
            await self.post.silence()
            reply = await self.post.server.upload(data, mime_type, name, within=self.within)
            match reply:
                case Done({"content_uri": str(url)}):
                    return url
                case Limited(wait):
                    await self.post.punish(wait)
                case Refused(status) if reply.is_strange and status != _TOO_LARGE:
                    tries += 1
                    await self._reach(f"{status} without a reason", tries)
                case Refused(status, errcode):
                    log.warning("upload.refused", status=status, errcode=errcode)
                    return None
                case Unreachable(reason):
                    tries += 1
                    await self._reach(reason, tries)
                case Done():
                    tries += 1
                    await self._reach("an upload without its address", tries)
                case TokenRefused():
                    await self._reach("the session has ended", 1)
                case _:
                    assert_never(reply)
        return None

    async def _reach(self, reason: str, streak: int) -> None:
        """Wait until the server answers again, so that the next try is worth it."""
        await pause(self.post.status, reason, streak)
        await insist(self.post.status, self.post.server.versions)

    async def _limit(self) -> int:
        """The largest file that both we and the server take, in bytes."""
        if not self._limit_bytes:
            said = await media_limit(self.post.server)
            if said is None:
                return FILE_LIMIT_BYTES
            self._limit_bytes = min(said, FILE_LIMIT_BYTES)
        return self._limit_bytes

    async def _line(self, job: Job, file: LocalFile, word: Word) -> str:
        language = job.row.language
        sizes = (file.size_bytes, await self._limit())
        size, limit = (size_text(of, language) for of in sizes)
        return say(word, language, name=file_name(file), size=size, limit=limit)


def _bytes_of(file: LocalFile) -> bytes | None:
    """What is on the disk, in full; None where that is not the file."""
    try:
        data = Path(file.path).read_bytes()
    except OSError:
        return None
    return data if len(data) <= FILE_LIMIT_BYTES else None
