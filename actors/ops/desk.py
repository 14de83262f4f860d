"""Answers requests: from the live tree, from the store, and from the directory of chats."""

import os
import time
from collections.abc import Callable, Sequence
from typing import assert_never

import structlog
import trio
from attrs import define

from actors.ops import words
from actors.ops.names import Unclear, actor_named
from actors.ops.picture import Picture, is_troubled
from actors.ops.words import Answer, Refused, Request
from protocols import chats as directory
from protocols import store as journal
from protocols.ids import RowId
from protocols.journal import Row
from protocols.lifecycle import ActorState, ActorView, Control, UnknownActorError
from protocols.mail import Address, NoAnswerError

log = structlog.get_logger("ops.desk")

_PATIENCE = 2.0
_TREE_PATIENCE = 0.5
"""A tree that is watched twice a second does not wait longer for its last line."""
_BACKUP_PATIENCE = 300.0
_ALIVE = {ActorState.STARTING, ActorState.UP, ActorState.STOPPING, ActorState.STUCK}
_VIEWS_A_PIECE = 500
"""Some 0.5 ms of work between two checkpoints."""


@define
class Desk:
    """Where the operator's requests are answered; every answer comes, whoever hangs."""

    control: Control
    store: Address[journal.StoreMessage]
    chats: Address[directory.DirectoryMessage]
    now: Callable[[], float] = time.time

    async def answer(self, request: Request) -> Answer:
        """Do what *request* wants; nothing waits between the deed and the answer."""
        try:
            return await self._answered(request)
        except NoAnswerError as error:
            return Refused(str(error))

    async def _answered(  # one case for each request
        self, request: Request
    ) -> Answer:
        match request:
            case words.ShowTree():
                return await self.tree()
            case words.RestartActor() | words.KillActor() | words.ShowStack():
                return await self._handle_actor(request)
            case words.ShowJournal(limit=limit):
                return await self._journal(limit)
            case words.ShowDeadLetters():
                return await self._dead_letters()
            case words.RetryFinished(id=row):
                return await self._retry(RowId(row))
            case words.ShowAccess():
                return await self._access()
            case words.LetIn(code=code):
                return await self._let_in(code)
            case words.MakeBackup(file=file):
                return await self._back_up(file)
            case _:
                assert_never(request)

    async def tree(self) -> words.Tree:
        """The live tree; it comes also where the store does not answer."""
        views = await self.control.census_in_chunks()
        picture = Picture()
        for start in range(0, len(views), _VIEWS_A_PIECE):
            picture.add(views[start : start + _VIEWS_A_PIECE])
            await trio.lowlevel.checkpoint()
        glance, problem = await self._glance_unless_stuck(views)
        return words.Tree(
            pid=os.getpid(),
            total=picture.total,
            undelivered=len(self.control.undelivered()),
            journal=glance,
            problem=problem,
            folded=picture.folded(),
            actors=picture.actors(),
        )

    async def _glance_unless_stuck(
        self, views: Sequence[ActorView]
    ) -> tuple[words.JournalGlance | None, str]:
        """Ask a store that works: a stuck one would only collect the questions of a watcher."""
        if any(view.path == self.store.reader and _is_stuck(view) for view in views):
            return None, f"{self.store.reader} does not answer"
        try:
            return await self._glance(within=_TREE_PATIENCE), ""
        except NoAnswerError as error:
            return None, str(error)

    async def _handle_actor(
        self, request: words.RestartActor | words.KillActor | words.ShowStack
    ) -> Answer:
        views = await self.control.census_in_chunks()
        found = actor_named(request.name, [view.path for view in views])
        if isinstance(found, Unclear):
            return Refused(f"{request.name}: {found.problem}", found.near)
        view = next(view for view in views if view.path == found.path)
        if isinstance(request, words.KillActor) and view.state not in _ALIVE:
            return Refused(f"{found.path}: nothing to kill, it is {view.state}")
        try:
            return self._handle(request, found.path)
        except UnknownActorError:
            return Refused(f"{found.path}: it has just ended")

    def _handle(
        self, request: words.RestartActor | words.KillActor | words.ShowStack, path: str
    ) -> Answer:
        match request:
            case words.RestartActor():
                log.info("actor.restart_asked", path=path)
                self.control.restart(path)
                return words.Restarted(path)
            case words.KillActor():
                log.info("actor.kill_asked", path=path)
                self.control.kill(path)
                return words.Killed(path)
            case words.ShowStack():
                return words.Stack(path, self.control.stack(path))
            case _:
                assert_never(request)

    async def _journal(self, limit: int) -> Answer:
        rows = await self.store.ask(journal.RecentRows(limit), within=_PATIENCE)
        return words.Journal(tuple(map(self._line, rows)), await self._glance(within=_PATIENCE))

    async def _dead_letters(self) -> Answer:
        mailed = [
            words.DeadLetterLine(
                one.reader, one.kind, one.reason, one.age, kept=False, trace=one.trace
            )
            for one in self.control.undelivered()[: words.MOST_ROWS]
        ]
        try:
            kept = await self.store.ask(journal.DeadLetters(words.MOST_ROWS), within=_PATIENCE)
        except NoAnswerError as error:
            return words.DeadLetters(tuple(mailed), str(error))
        now = self.now()
        stored = [
            words.DeadLetterLine(one.source, one.kind, one.reason, now - one.at, kept=True)
            for one in kept
        ]
        return words.DeadLetters(tuple(sorted(mailed + stored, key=lambda one: one.age)))

    async def _retry(self, row: RowId) -> Answer:
        match await self.chats.ask(directory.RetryRow(row), within=_PATIENCE):
            case directory.Requeued(row=requeued):
                log.info("row.retried", row=requeued)
                return words.Retried(requeued)
            case directory.RetryRefused(reason=reason):
                return Refused(reason)
            case outcome:
                assert_never(outcome)

    async def _access(self) -> Answer:
        access = await self.chats.ask(directory.ListAccess(), within=_PATIENCE)
        now = self.now()
        newest = sorted(access.strangers, key=lambda stranger: -stranger.last_at)
        shown = [
            words.StrangerLine(one.person, one.code, one.attempts, now - one.last_at)
            for one in newest[: words.MOST_ROWS]
        ]
        return words.Access(
            access.mode,
            tuple(access.admins),
            tuple(access.allowed),
            tuple(shown),
            left_out=len(newest) - len(shown),
        )

    async def _let_in(self, code: str) -> Answer:
        match await self.chats.ask(directory.Pair(code), within=_PATIENCE):
            case directory.Paired(person=person):
                return words.LetInDone(person)
            case directory.PairingRefused(reason=reason):
                return Refused(reason)
            case outcome:
                assert_never(outcome)

    async def _back_up(self, file: str) -> Answer:
        match await self.store.ask(journal.Backup(file), within=_BACKUP_PATIENCE):
            case journal.BackupMade(path=path, size_bytes=size_bytes):
                log.info("backup.made", size_bytes=size_bytes)
                return words.BackupDone(path, size_bytes)
            case journal.BackupRefused(reason=reason):
                return Refused(reason)
            case outcome:
                assert_never(outcome)

    def _line(self, row: Row) -> words.JournalLine:
        return words.JournalLine(
            id=row.id,
            age=self.now() - row.received_at,
            room=row.room,
            sender=row.sender,
            state=row.state,
            attempts=row.attempts,
            reason=row.reason,
            trace=row.trace,
        )

    async def _glance(self, *, within: float) -> words.JournalGlance:
        summary = await self.store.ask(journal.SummariseJournal(), within=within)
        oldest_at = summary.oldest_unfinished_at
        return words.JournalGlance(
            rows=dict(summary.rows),
            outgoing=dict(summary.outgoing),
            dead_letters=summary.dead_letters,
            oldest_unfinished_age=None if oldest_at is None else self.now() - oldest_at,
        )


def _is_stuck(view: ActorView) -> bool:
    slowest = max(view.oldest_age or 0.0, view.in_hand_age or 0.0)
    return is_troubled(view) or slowest > _TREE_PATIENCE
