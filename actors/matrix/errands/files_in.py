"""Matrix' way to the files that people sent, encrypted ones too."""

import json
from collections.abc import Hashable
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import assert_never

import structlog
import trio
from attrs import define, field

from actors.matrix.api.homeserver import Homeserver
from actors.matrix.api.replies import Done, Json, Limited, Refused, TokenRefused, Unreachable
from actors.matrix.crypto.attachments import decrypted
from actors.matrix.errands.lines import Line
from actors.surfaces.disk import InThread, Part, Whole, remove_files
from actors.surfaces.fetching import LONGEST_TRY, Later, Sink, Tried, no_room, write_part
from protocols.files import FileMissing, LocalFile, Missing
from protocols.ids import RoomId, RowId, native_id

log = structlog.get_logger("matrix.files")

LARGEST_BYTES = 50 * 2**20
"""Ours alone: what our server takes says nothing of what others have."""

GONE = FileMissing(Missing.GONE)


@define
class FilesIn:
    """The way of a file from the homeserver to the disk, for a ``FetchDesk``."""

    server: Homeserver
    line: Line
    in_thread: InThread
    # A file is decrypted in memory, and twice there meanwhile.
    _decrypting: trio.Lock = field(factory=trio.Lock)

    def chat_of(self, room: RoomId) -> Hashable:
        """The threads of a room share its downloads."""
        return native_id(room).partition("/")[0]

    async def attempt(self, handle: str, path: Path) -> Tried:
        """Ask the homeserver once, when no penalty is left.

        *handle* is ``mxc://…``, or an ``EncryptedFile`` as JSON.
        """
        if not handle.startswith("{"):
            return await self._bring(handle, path)
        file = _read_file(handle)
        if file is None:
            return GONE
        sealed = path.with_name(f"{path.name}.sealed")
        try:
            found = await self._bring(file["url"], sealed)
            return await self._opened(sealed, path, file) if isinstance(found, Whole) else found
        finally:
            with trio.move_on_after(5, shield=True):
                await self.in_thread(remove_files, [str(sealed)], sealed.parent)

    def settle(self, row: RowId, answer: LocalFile | FileMissing) -> None:
        """Say so."""
        if isinstance(answer, FileMissing):
            log.info("file.missed", row=row, why=answer.why)
        else:
            log.info("file.fetched", row=row)

    async def _bring(self, mxc: str, path: Path) -> Tried:
        fill = partial(self._fill, mxc)
        return await write_part(path, fill, limit_bytes=LARGEST_BYTES, in_thread=self.in_thread)

    async def _fill(self, mxc: str, sink: Sink) -> Tried:
        ask = partial(self.server.download, mxc, sink.take, within=LONGEST_TRY)
        reply = await self.line.ask(ask)
        match reply:
            case Done():
                return await sink.end()
            case Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE) | Refused(errcode="M_TOO_LARGE"):
                return FileMissing(Missing.TOO_LARGE, LARGEST_BYTES)
            case Refused():
                return None if reply.is_strange else GONE
            case Limited():
                return Later()
            case Unreachable() | TokenRefused():
                return None  # a session that has ended is the reader's to mend
            case _:
                assert_never(reply)

    async def _opened(self, sealed: Path, path: Path, file: Json) -> Whole | FileMissing:
        async with self._decrypting:
            try:
                return await self.in_thread(_decrypt, sealed, path, file) or GONE
            except OSError as error:
                return no_room(error)


def _read_file(handle: str) -> Json | None:
    """The ``EncryptedFile`` that *handle* is, with an address at least."""
    try:
        file = json.loads(handle)
    except (ValueError, RecursionError):
        return None
    return file if isinstance(file, dict) and isinstance(file.get("url"), str) else None


def _decrypt(sealed: Path, path: Path, file: Json) -> Whole | None:
    """Put at *path* what is in *sealed*; None where its key or hash is wrong; blocks."""
    plain = decrypted(sealed.read_bytes(), file)
    if plain is None:
        return None
    part = Part.begun(path, LARGEST_BYTES)
    try:
        part.write(plain)
        return part.finish()
    finally:
        part.discard()
