"""``GET /files/…``: files for a platform that fetches them itself, by addresses that expire."""

import os
import re
import stat
import time
from collections.abc import AsyncGenerator, Callable
from functools import partial
from pathlib import Path
from typing import BinaryIO

import trio
from attrs import define, field
from starlette.requests import Request
from starlette.responses import Response

from actors.ops.web.problems import problem
from actors.ops.web.streams import Streamed
from protocols.file_links import FileLinks

_PIECE_BYTES = 64 * 1024
_EXPIRY = re.compile(r"\d{1,11}", re.ASCII)
_MOST_AT_ONCE = 16
_HEADERS = {
    "Cache-Control": "private, no-store",
    "Content-Disposition": "attachment",
    "Content-Security-Policy": "default-src 'none'; sandbox",
}


@define
class SharedFiles:
    """The files below *folder* whose addresses *links* gave out.

    Args:
        clock: Seconds since the epoch.
    """

    folder: Path
    links: FileLinks = field(repr=False)
    clock: Callable[[], float] = time.time
    _in_hand: int = 0

    async def give(self, request: Request) -> Response:
        """The file, or 404 for whatever is wrong with the address."""
        name, query = request.path_params["name"], request.query_params
        if not self._is_good(name, query.get("exp", ""), query.get("sig", "")):
            return problem(404)
        if self._in_hand >= _MOST_AT_ONCE:
            return problem(503, "too many files at once", headers={"Retry-After": "2"})
        opened = await trio.to_thread.run_sync(open_inside, self.folder, name)
        if opened is None:
            return problem(404)
        size_bytes = os.fstat(opened.fileno()).st_size
        self._in_hand += 1
        return Streamed(
            _pieces(opened, size_bytes),
            partial(self._done, opened),
            media_type="application/octet-stream",
            headers=_HEADERS | {"Content-Length": str(size_bytes)},
        )

    def _is_good(self, name: str, expires_at: str, signature: str) -> bool:
        return bool(_EXPIRY.fullmatch(expires_at)) and self.links.is_good(
            name, expires_at=int(expires_at), signature=signature, now=self.clock()
        )

    def _done(self, opened: BinaryIO) -> None:
        self._in_hand -= 1
        opened.close()


async def _pieces(opened: BinaryIO, size_bytes: int) -> AsyncGenerator[bytes, None]:
    """What was promised and no more, should the file grow meanwhile."""
    left = size_bytes
    while left > 0:
        piece = await trio.to_thread.run_sync(opened.read, min(left, _PIECE_BYTES))
        if not piece:
            return
        left -= len(piece)
        yield piece


def open_inside(folder: Path, name: str) -> BinaryIO | None:
    """The regular file *name* below *folder*, open; None for anything else. Blocks.

    Each step of the way is opened by itself and none may be a symbolic link, so that nothing can
    be put in the place of a step between a look at it and its use.
    """
    steps = name.split("/")
    if not name or "\0" in name or any(step in {"", ".", ".."} for step in steps):
        return None
    try:
        return _walked(folder, steps)
    except (OSError, ValueError):
        return None


def _walked(folder: Path, steps: list[str]) -> BinaryIO | None:
    inside = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for step in steps[:-1]:
            flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
            deeper = os.open(step, flags, dir_fd=inside)
            os.close(inside)
            inside = deeper
        # A pipe without a writer would hold the thread for ever.
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
        opened = os.fdopen(os.open(steps[-1], flags, dir_fd=inside), "rb")
    finally:
        os.close(inside)
    if _is_regular(opened):
        return opened
    opened.close()
    return None


def _is_regular(opened: BinaryIO) -> bool:
    return stat.S_ISREG(os.fstat(opened.fileno()).st_mode)
