"""Brings the files that people sent to this machine's disk, each one once.

A row's files lie in a folder of its own until its turn is over.
"""

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import assert_never

import structlog
import trio
from attrs import define, field

from actors.disk import (
    InThread,
    Part,
    Whole,
    numbered_folders,
    remove_folder,
    safe_name,
    whole_at,
)
from actors.kernel.asking import ask_until_answered
from actors.kernel.backoff import Backoff
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
from actors.telegram.outgoing.posting import Hindrance, NotNow, Post
from protocols.files import FileMissing, LocalFile, Missing
from protocols.ids import RowId
from protocols.mail import Address, Reply
from protocols.store import UNFINISHED, FindRow, StoreMessage
from protocols.surfaces import FetchFile

log = structlog.get_logger("telegram.files")

LARGEST_BYTES = 20 * 2**20
"""Bot API, "getFile": bots can download files of up to 20 MB."""

TOO_LARGE = FileMissing(Missing.TOO_LARGE, LARGEST_BYTES)

_AT_ONCE = 16
_AT_ONCE_IN_CHAT = 2
_MOST_TRIES = 5
_LONGEST_TRY = 120.0  # all tries together are far below what a session waits
_TROUBLE = Backoff(first=1.0, longest=30.0, jitter=0.25)


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
    _chats: dict[int | None, trio.Semaphore] = field(factory=dict)

    @asynccontextmanager
    async def one_for(self, chat: int | None) -> AsyncIterator[None]:
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
class _Sink:
    """Takes what comes, as long as the disk does."""

    part: Part
    in_thread: InThread
    fault: OSError | None = None

    async def take(self, chunk: bytes) -> bool:
        try:
            return await self.in_thread(self.part.write, chunk)
        except OSError as error:
            self.fault = error
            return False


@define
class FilesIn:
    """The way of a file from Telegram to the disk; all of it runs in *nursery*.

    Args:
        folder: Where the rows' folders are; absolute.
        within: What a transfer may take, in seconds; one try here never takes more than 120.
    """

    store: Address[StoreMessage]
    post: Post
    nursery: trio.Nursery
    folder: Path
    within: float
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
        if isinstance(answer, FileMissing):
            self.post.tally.count("files missing")
            log.info("file.missed", row=question.row, why=answer.why)
        else:
            self.post.tally.count("files fetched")
            log.info("file.fetched", row=question.row)
        for asker in fetch.askers:
            asker.send(answer)

    async def _bring(self, question: FetchFile) -> LocalFile | FileMissing:
        file = question.file
        name = f"{question.number}-{safe_name(file.name)}"
        path = self.folder / str(question.row) / name
        try:
            found = await self.in_thread(whole_at, path)
        except OSError as error:
            return _no_room(error)
        if found is None:
            target = self.post.targets.find(question.room)
            async with self._slots.one_for(None if target is None else target.chat):
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
            # A penalty says nothing of the file, and the gate waits until it is over.
            while isinstance(found := await self._try(handle, path), NotNow):
                pass
            if found is not None:
                return found
        return FileMissing(Missing.UNREACHABLE)

    async def _try(self, handle: str, path: Path) -> Whole | FileMissing | NotNow | None:
        """The file, or why it will never be there; None: there was trouble on the way."""
        try:
            part = await self.in_thread(Part.begun, path, LARGEST_BYTES)
        except OSError as error:
            return _no_room(error)
        sink = _Sink(part, self.in_thread)
        try:
            ask = partial(self._download, handle, sink)
            return await _ended(await self.post.aside(Urgency.NOTICE, ask), sink)
        finally:
            with trio.move_on_after(5, shield=True):
                await self.in_thread(part.discard)

    async def _download(self, handle: str, sink: _Sink) -> Done | Failure:
        with trio.move_on_after(min(self.within, _LONGEST_TRY)):
            return await self.post.bot.download(handle, sink.take)
        return Ambiguous("the file came too slowly")


async def _ended(outcome: Done | Hindrance, sink: _Sink) -> Whole | FileMissing | NotNow | None:
    match outcome:
        case Done() if sink.part.is_too_large:
            return TOO_LARGE
        case Done() if sink.fault is not None:
            return _no_room(sink.fault)
        case Done():
            try:
                return await sink.in_thread(sink.part.finish)
            except OSError as error:
                return _no_room(error)
        case Refused(why=Refusal.FILE_TOO_LARGE):
            return TOO_LARGE
        case Refused() | Forbidden():
            return FileMissing(Missing.GONE)
        case NotNow():
            return outcome
        case Unreachable() | Ambiguous():
            return None
        case _:
            assert_never(outcome)


def _no_room(error: OSError) -> FileMissing:
    log.warning("disk.refused", errno=error.errno)
    return FileMissing(Missing.NO_ROOM)
