"""The desk at which people's files are fetched to this machine's disk, each one once.

A row's files lie in a folder of its own until its turn is over. How a file is fetched is its
surface's to know; how often, how many at once and for how long is decided here.
"""

import random
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol

import structlog
import trio
from attrs import define, field, frozen

from actors.kernel.asking import ask_until_answered
from actors.kernel.backoff import Backoff
from actors.surfaces.disk import (
    InThread,
    Part,
    Whole,
    numbered_folders,
    remove_folder,
    safe_name,
    whole_at,
)
from protocols.files import FileMissing, LocalFile, Missing
from protocols.ids import RoomId, RowId
from protocols.journal import UNFINISHED
from protocols.mail import Address, Reply
from protocols.store import FindRow, StoreMessage
from protocols.surfaces import FetchFile

log = structlog.get_logger("files")

LONGEST_TRY = 120.0
"""Seconds; all tries together are far below what a session waits."""

_AT_ONCE = 16
_AT_ONCE_IN_CHAT = 2
_MOST_TRIES = 5
_TROUBLE = Backoff(first=1.0, longest=30.0, jitter=0.25)


@frozen
class Later:
    """It was not the time to ask; that says nothing of the file."""


Tried = Whole | FileMissing | Later | None
"""The file, or why it will never be there; None: there was trouble on the way."""


class Source(Protocol):
    """A surface's way to a file."""

    def chat_of(self, room: RoomId) -> Hashable:
        """What shares its downloads with *room*."""

    async def attempt(self, handle: str, path: Path) -> Tried:
        """Bring what *handle* names to *path*, once, and not before the surface may be asked."""

    def settle(self, row: RowId, answer: LocalFile | FileMissing) -> None:
        """A file of *row* was fetched or was missed."""


@define(eq=False)
class _Fetch:
    """One file under way, and who waits for it."""

    question: FetchFile
    askers: list[Reply[LocalFile | FileMissing]]
    scope: trio.CancelScope = field(factory=trio.CancelScope)
    over: trio.Event = field(factory=trio.Event)


@define
class _Slots:
    """Who may download: so many over all, and so few of one chat that none holds up another."""

    _all: trio.Semaphore = field(factory=lambda: trio.Semaphore(_AT_ONCE))
    _chats: dict[Hashable, trio.Semaphore] = field(factory=dict)

    @asynccontextmanager
    async def one_for(self, chat: Hashable) -> AsyncIterator[None]:
        """Wait for a slot, and hold it."""
        own = self._chats.setdefault(chat, trio.Semaphore(_AT_ONCE_IN_CHAT))
        try:
            async with own, self._all:
                yield
        finally:
            # A semaphore hands over to who waits: when all is free, nobody does.
            if own.value == _AT_ONCE_IN_CHAT:
                self._chats.pop(chat, None)


@define
class Sink:
    """Takes what comes of a file, as long as the disk does and it is not too much."""

    part: Part
    in_thread: InThread
    _fault: OSError | None = None

    async def take(self, chunk: bytes) -> bool:
        """Add *chunk*; False for: no more."""
        try:
            return await self.in_thread(self.part.write, chunk)
        except OSError as error:
            self._fault = error
            return False

    async def end(self) -> Whole | FileMissing:
        """Nothing more comes: the file is whole, unless we had enough of it."""
        if self.part.is_too_large:
            return FileMissing(Missing.TOO_LARGE, self.part.limit_bytes)
        if self._fault is not None:
            return no_room(self._fault)
        try:
            return await self.in_thread(self.part.finish)
        except OSError as error:
            return no_room(error)


async def write_part(
    path: Path,
    fill: Callable[[Sink], Awaitable[Tried]],
    *,
    limit_bytes: int,
    in_thread: InThread,
) -> Tried:
    """What *fill* comes to, which writes at most *limit_bytes*; a part of it never stays."""
    try:
        part = await in_thread(Part.begun, path, limit_bytes)
    except OSError as error:
        return no_room(error)
    try:
        return await fill(Sink(part, in_thread))
    finally:
        with trio.move_on_after(5, shield=True):
            await in_thread(part.discard)


@define
class FetchDesk:
    """The way of a file from its surface to the disk; all of it runs in *nursery*.

    Args:
        folder: Where the rows' folders are, of this surface alone; absolute.
    """

    store: Address[StoreMessage]
    source: Source
    nursery: trio.Nursery
    folder: Path
    in_thread: InThread
    _under_way: dict[tuple[RowId, int], _Fetch] = field(factory=dict)
    _rows: set[RowId] = field(factory=set)
    _slots: _Slots = field(factory=_Slots)

    def take(self, question: FetchFile) -> None:
        """Fetch what *question* asks for; never waits."""
        key = question.row, question.number
        if (fetch := self._under_way.get(key)) is not None:
            fetch.askers.append(question.reply_to)
            return
        self._rows.add(question.row)
        fetch = self._under_way[key] = _Fetch(question, [question.reply_to])
        self.nursery.start_soon(self._serve, fetch)

    def forget(self, row: RowId) -> None:
        """The turn of *row* is over, and so are its files; never waits."""
        if row in self._rows:
            self._rows.discard(row)
            self.nursery.start_soon(self._remove, row)

    async def tidy(self) -> None:
        """Remove what rows left behind that were over before this life."""
        for number in await self.in_thread(numbered_folders, self.folder):
            row = RowId(number)
            found = await ask_until_answered(self.store, FindRow(row))
            if found is not None and found.state in UNFINISHED:
                self._rows.add(row)
            else:
                await self._remove(row)

    async def _remove(self, row: RowId) -> None:
        under_way = [fetch for (of, _), fetch in self._under_way.items() if of == row]
        for fetch in under_way:
            fetch.scope.cancel(reason="the turn is over")
        for fetch in under_way:
            await fetch.over.wait()
        await self.in_thread(remove_folder, self.folder / str(row))

    async def _serve(self, fetch: _Fetch) -> None:
        question = fetch.question
        answer: LocalFile | FileMissing = FileMissing(Missing.GONE)
        with fetch.scope:
            answer = await self._bring(question)
        del self._under_way[question.row, question.number]
        fetch.over.set()
        self.source.settle(question.row, answer)
        for asker in fetch.askers:
            asker.send(answer)

    async def _bring(self, question: FetchFile) -> LocalFile | FileMissing:
        file = question.file
        name = f"{question.number}-{safe_name(file.name)}"
        path = self.folder / str(question.row) / name
        try:
            found = await self.in_thread(whole_at, path)
        except OSError as error:
            return no_room(error)
        if found is None:
            async with self._slots.one_for(self.source.chat_of(question.room)):
                fetched = await self._fetch(file.handle, path)
            if isinstance(fetched, FileMissing):
                return fetched
            found = fetched
        return LocalFile(
            file.kind, file.name, file.mime_type, found.size_bytes, str(path), found.sha256
        )

    async def _fetch(self, handle: str, path: Path) -> Whole | FileMissing:
        for streak in range(1, _MOST_TRIES + 1):
            delay = _TROUBLE.delay_before(streak, draw=random.random())  # noqa: S311  # no secret
            await trio.sleep(delay)
            # A penalty says nothing of the file, and the source waits until it is over.
            while isinstance(found := await self.source.attempt(handle, path), Later):
                pass
            if found is not None:
                return found
        return FileMissing(Missing.UNREACHABLE)


def no_room(error: OSError) -> FileMissing:
    """The disk does not take it."""
    log.warning("disk.refused", errno=error.errno)
    return FileMissing(Missing.NO_ROOM)
