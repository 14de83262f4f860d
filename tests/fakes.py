"""The store's memory twin: the same messages, the same answers, nothing on a disk."""

import time
from collections import Counter
from collections.abc import Callable, Iterable
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any, Generic, TypeVar, assert_never, cast
from uuid import uuid4

import trio
from attrs import define, evolve, field, fields

from actors.kernel.mailbox import Mailbox
from protocols.changes import (
    AddDeadLetter,
    AddOutgoing,
    Change,
    DecideRow,
    DeleteDeadLetter,
    DeleteKey,
    FailedOutgoing,
    FinishRow,
    MoveSlot,
    PutKey,
    QueueRow,
    RepeatRow,
    RequeueRow,
    RewordRow,
    SentOutgoing,
    ShowRow,
    StartRow,
    TakeKey,
)
from protocols.ids import PLATFORM, EventId, OutboxId, RoomId, RowId, SurfaceName, surface_of
from protocols.journal import (
    UNFINISHED,
    Arrival,
    Cursor,
    DeadLetter,
    Exchange,
    OutboxRow,
    OutboxState,
    Row,
    RowState,
    Voice,
)
from protocols.mail import Question
from protocols.store import (
    HELD_BACK,
    Backup,
    BackupMade,
    BackupRefused,
    Commit,
    Committed,
    Conflict,
    DeadLetters,
    FinalOutgoing,
    FindEvent,
    FindKeys,
    FindMessage,
    FindOutgoing,
    FindRow,
    GetKey,
    History,
    Journal,
    Journaled,
    JournalSummary,
    LastFinished,
    Outgoing,
    OutgoingRooms,
    ReadCursor,
    RecentRows,
    StoreMessage,
    SummariseJournal,
    UnsortedRows,
    WaitingRooms,
    WaitingRows,
)

A = TypeVar("A")

_RowChange = QueueRow | StartRow | RequeueRow | FinishRow | RewordRow | DecideRow | ShowRow
_NamedQuestion = FindRow | FindEvent | FindMessage
_PastQuestion = LastFinished | RecentRows | History
_RowsQuestion = UnsortedRows | WaitingRows | WaitingRooms | _NamedQuestion | _PastQuestion
_OutgoingQuestion = Outgoing | OutgoingRooms | FinalOutgoing | FindOutgoing
_OtherQuestion = ReadCursor | GetKey | FindKeys | DeadLetters | SummariseJournal

_WAITING = frozenset({RowState.QUEUED, RowState.RUNNING})
_RETRYABLE = frozenset({RowState.FAILED, RowState.STOPPED, RowState.SET_ASIDE})

_STARTS_FROM: dict[type[Change], frozenset[RowState]] = {
    QueueRow: frozenset({RowState.RECEIVED}),
    StartRow: _WAITING,
    RequeueRow: frozenset({RowState.RUNNING}),
    FinishRow: UNFINISHED,
    RewordRow: frozenset({RowState.RECEIVED, RowState.QUEUED}),
    DecideRow: frozenset(RowState),
    ShowRow: UNFINISHED,
}


@define
class MemoryJournal:
    """What a store remembers. Hand the same one to the next life of a ``MemoryStore``.

    Args:
        clock: Seconds since the epoch.
    """

    clock: Callable[[], float] = time.time
    rows: dict[RowId, Row] = field(factory=dict)
    outbox: dict[OutboxId, OutboxRow] = field(factory=dict)
    keys: dict[str, str] = field(factory=dict)
    cursors: dict[str, Cursor] = field(factory=dict)
    letters: dict[int, DeadLetter] = field(factory=dict)
    seen: dict[tuple[SurfaceName, EventId], RowId] = field(factory=dict)
    letters_made: int = 0

    def handle(self, message: StoreMessage) -> None:
        """Answer one message, as the store would."""
        match message:
            case Journal():
                message.reply_to.send(self._journal(message))
            case Commit(changes):
                message.reply_to.send(self._commit(changes))
            case Backup(path):
                message.reply_to.send(_backup(Path(path)))
            case Outgoing() | OutgoingRooms() | FinalOutgoing() | FindOutgoing():
                self._look_up_outgoing(message)
            case ReadCursor() | GetKey() | FindKeys() | DeadLetters() | SummariseJournal():
                self._look_up(message)
            case _:
                self._look_up_rows(message)

    def _look_up_rows(self, question: _RowsQuestion) -> None:
        match question:
            case UnsortedRows(after, limit):
                question.reply_to.send(self._rows_in({RowState.RECEIVED}, after, limit))
            case WaitingRows(room, after, limit):
                question.reply_to.send(self._rows_in(_WAITING, after, limit, room))
            case WaitingRooms():
                waiting = self._rows_in(_WAITING, RowId(0), len(self.rows))
                question.reply_to.send(tuple(dict.fromkeys(row.room for row in waiting)))
            case FindRow() | FindEvent() | FindMessage():
                question.reply_to.send(self._named(question))
            case LastFinished() | RecentRows() | History():
                self._look_up_past(question)
            case _:
                assert_never(question)

    def _look_up_past(self, question: _PastQuestion) -> None:
        match question:
            case LastFinished():
                question.reply_to.send(self._last_finished(question))
            case RecentRows(limit, room):
                newest = [row for row in self._newest() if room in {None, row.room}]
                question.reply_to.send(tuple(newest[: max(0, limit)]))
            case History():
                question.reply_to.send(self._history(question))
            case _:
                assert_never(question)

    def _look_up_outgoing(self, question: _OutgoingQuestion) -> None:
        pending = [out for out in self.outbox.values() if out.state is OutboxState.PENDING]
        match question:
            case Outgoing(room, limit):
                there = [self._with_row(out) for out in pending if out.room == room]
                question.reply_to.send(tuple(there[: max(0, limit)]))
            case OutgoingRooms(surface):
                rooms = (out.room for out in pending if surface_of(out.room) == surface)
                question.reply_to.send(tuple(dict.fromkeys(rooms)))
            case FinalOutgoing(row):
                final = self._final(row)
                question.reply_to.send(None if final is None else self._with_row(final))
            case FindOutgoing(room, remote_id):
                newest = (
                    out
                    for out in reversed(self.outbox.values())
                    if (out.room, out.remote_id) == (room, remote_id)
                )
                question.reply_to.send(next(map(self._with_row, newest), None))
            case _:
                assert_never(question)

    def _look_up(self, question: _OtherQuestion) -> None:
        match question:
            case ReadCursor(name):
                question.reply_to.send(self.cursors.get(name))
            case GetKey(key):
                question.reply_to.send(self.keys.get(key))
            case FindKeys(prefix):
                found = (pair for pair in self.keys.items() if pair[0].startswith(prefix))
                question.reply_to.send(tuple(sorted(found)))
            case DeadLetters(limit):
                newest = tuple(reversed(self.letters.values()))
                question.reply_to.send(newest[: max(0, limit)])
            case SummariseJournal():
                question.reply_to.send(self._summary())
            case _:
                assert_never(question)

    def _rows_in(
        self, states: AbstractSet[RowState], after: RowId, limit: int, room: RoomId | None = None
    ) -> tuple[Row, ...]:
        found = [
            row
            for row in self.rows.values()
            if row.state in states and row.id > after and room in {None, row.room}
        ]
        return tuple(found[: max(0, limit)])

    def _newest(self) -> Iterable[Row]:
        return reversed(self.rows.values())

    def _named(self, question: _NamedQuestion) -> Row | None:
        match question:
            case FindRow(row):
                return self.rows.get(row)
            case FindEvent(surface, event_id):
                seen = self.seen.get((surface, event_id))
                return None if seen is None else self.rows[seen]
            case FindMessage():
                return self._message(question)
            case _:
                assert_never(question)

    def _message(self, question: FindMessage) -> Row | None:
        found = (
            row
            for row in self._newest()
            if row.message_id
            and (row.room, row.message_id) == (question.room, question.message_id)
            and row.edits is None
            and row.press is None
            and row.redacts is None
        )
        return next(found, None)

    def _last_finished(self, question: LastFinished) -> Row | None:
        found = (
            row
            for row in self._newest()
            if row.state in _RETRYABLE
            and (row.room, row.sender) == (question.room, question.sender)
        )
        return next(found, None)

    def _final(self, row: RowId) -> OutboxRow | None:
        finals = (out for out in self.outbox.values() if out.row == row and out.is_final)
        return next(finals, None)

    def _history(self, question: History) -> tuple[Exchange, ...]:
        now = self.rows.get(question.row)
        if now is None or now.slot is None:
            return ()
        past = [row for row in self._newest() if _is_before(row, now)]
        answers = [(row.text, self._final(row.id)) for row in past]
        kept: list[Exchange] = []
        left = question.most_chars
        for asked, answer in answers:
            if answer is None or answer.voice is not Voice.AGENT:
                continue
            left -= len(asked) + len(answer.text)
            if left < 0:
                break
            kept.append(Exchange(asked, answer.text))
        return tuple(reversed(kept))

    def _with_row(self, out: OutboxRow) -> OutboxRow:
        row = None if out.row is None else self.rows.get(out.row)
        if row is None:
            return out
        return evolve(
            out,
            reply_to_event=row.event_id,
            shown_id=row.shown_id,
            reply_to_id=row.message_id,
            language=row.language,
            thread_id=row.thread_id,
        )

    def _waits_for_others(self, row: Row) -> bool:
        is_held_back = f"{HELD_BACK}{row.room} {row.sender}" in self.keys
        is_task = surface_of(row.room) == PLATFORM
        waits_in = {RowState.RECEIVED: is_held_back, RowState.RUNNING: is_task}
        return waits_in.get(row.state, False)

    def _summary(self) -> JournalSummary:
        unfinished = (
            row.received_at
            for row in self.rows.values()
            if row.state in UNFINISHED and not self._waits_for_others(row)
        )
        return JournalSummary(
            rows=dict(Counter(row.state.value for row in self.rows.values())),
            outgoing=dict(Counter(out.state.value for out in self.outbox.values())),
            dead_letters=len(self.letters),
            oldest_unfinished_at=min(unfinished, default=None),
        )

    # Writing.

    def _journal(self, batch: Journal) -> Journaled:
        added = tuple(
            self._add(batch.surface, arrival)
            for arrival in batch.arrivals
            if (batch.surface, arrival.event_id) not in self.seen
        )
        if batch.cursor is not None:
            self.cursors[batch.cursor.name] = batch.cursor
        for change in batch.extra:
            self._apply(change)
        return Journaled(added)

    def _add(self, surface: SurfaceName, arrival: Arrival) -> Row:
        id_ = self.seen[surface, arrival.event_id] = RowId(max(self.rows, default=0) + 1)
        row = Row(
            id=id_,
            event_id=arrival.event_id,
            room=arrival.room,
            sender=arrival.sender,
            sender_name=arrival.sender_name,
            text=arrival.text,
            sent_at=arrival.sent_at,
            received_at=self.clock(),
            trace=arrival.trace,
            is_backlog=arrival.is_backlog,
            message_id=arrival.message_id,
            language=arrival.language,
            files=arrival.files,
            edits=arrival.edits,
            press=arrival.press,
            redacts=arrival.redacts,
            thread_id=arrival.thread_id,
            is_shared=arrival.is_shared,
        )
        self.rows[row.id] = row
        return row

    def _commit(self, changes: tuple[Change, ...]) -> Committed | Conflict:
        before = self.rows.copy(), self.outbox.copy(), self.keys.copy(), self.letters.copy()
        seen = self.seen.copy()
        letters_made = self.letters_made
        added: list[OutboxId] = []
        for change in changes:
            match self._apply(change):
                case Conflict() as conflict:
                    self.rows, self.outbox, self.keys, self.letters = before
                    self.seen = seen
                    self.letters_made = letters_made
                    return conflict
                case None:
                    pass
                case outbox:
                    added.append(outbox)
        return Committed(tuple(added))

    def _apply(self, change: Change) -> OutboxId | Conflict | None:
        match change:
            case (QueueRow() | StartRow() | RequeueRow() | FinishRow()) | (
                RewordRow() | DecideRow() | ShowRow()
            ):
                return self._move(change)
            case AddOutgoing():
                return self._add_outgoing(change)
            case SentOutgoing(outbox, remote_id):
                self._settle(outbox, state=OutboxState.SENT, remote_id=remote_id)
            case FailedOutgoing(outbox, reason):
                self._settle(outbox, state=OutboxState.FAILED, reason=reason)
            case PutKey(key, value):
                self.keys[key] = value
            case DeleteKey(key):
                self.keys.pop(key, None)
            case TakeKey():
                return self._take_key(change)
            case RepeatRow() | MoveSlot():
                return self._rewrite(change)
            case _:
                self._take_down(change)
        return None

    def _take_key(self, change: TakeKey) -> Conflict | None:
        if self.keys.get(change.key) != change.value:
            row = self.rows.get(change.row)
            return Conflict(change.row, None if row is None else row.state)
        del self.keys[change.key]
        return None

    def _rewrite(self, change: RepeatRow | MoveSlot) -> Conflict | None:
        match change:
            case RepeatRow(id_, event_id):
                row = self.rows.get(id_)
                surface = next((it for (it, _), seen in self.seen.items() if seen == id_), None)
                if row is None or surface is None or (surface, event_id) in self.seen:
                    return Conflict(id_, None if row is None else row.state)
                again = {one.name: getattr(row, one.name) for one in fields(Arrival)}
                again |= {"event_id": event_id, "is_backlog": True}
                added = self._add(surface, Arrival(**again))
                self.rows[added.id] = evolve(added, received_at=row.received_at)
            case MoveSlot(room, sender, was, now):
                for row in list(self.rows.values()):
                    if (row.room, row.sender, row.slot) == (room, sender, was):
                        self.rows[row.id] = evolve(row, slot=now)
            case _:
                assert_never(change)
        return None

    def _take_down(self, change: AddDeadLetter | DeleteDeadLetter) -> None:
        match change:
            case AddDeadLetter(source, kind, reason, body):
                self.letters_made += 1
                id_ = self.letters_made
                self.letters[id_] = DeadLetter(id_, source, kind, reason, self.clock(), body)
            case DeleteDeadLetter(id_):
                self.letters.pop(id_, None)
            case _:
                assert_never(change)

    def _move(self, change: _RowChange) -> Conflict | None:
        row = self.rows.get(change.row)
        if row is None or row.state not in _STARTS_FROM[type(change)]:
            return Conflict(change.row, None if row is None else row.state)
        if isinstance(change, DecideRow) and row.decided:
            return Conflict(change.row, row.state)
        self.rows[row.id] = self._moved(row, change)
        return None

    def _moved(self, row: Row, change: _RowChange) -> Row:
        match change:
            case QueueRow(_, slot, run_id, text):
                text = row.text if text is None else text
                return evolve(row, state=RowState.QUEUED, slot=slot, run_id=run_id, text=text)
            case StartRow():
                return evolve(row, state=RowState.RUNNING, attempts=row.attempts + 1)
            case RequeueRow():
                return evolve(row, state=RowState.QUEUED, attempts=row.attempts - 1)
            case FinishRow(_, state, reason):
                if state in UNFINISHED:
                    raise ValueError(f"a row cannot end as {state}")
                return evolve(row, state=state, reason=reason, finished_at=self.clock())
            case RewordRow(_, text):
                return evolve(row, text=text)
            case DecideRow(_, decision):
                return evolve(row, decided=decision)
            case ShowRow(_, shown_id):
                return evolve(row, shown_id=shown_id)
            case _:
                assert_never(change)

    def _add_outgoing(self, change: AddOutgoing) -> OutboxId:
        id_ = OutboxId(len(self.outbox) + 1)
        self.outbox[id_] = OutboxRow(
            id=id_,
            uid=uuid4().hex,
            room=change.room,
            row=change.row,
            voice=change.voice,
            text=change.text,
            is_final=change.is_final,
            reply_to_event=None,
            shown_id=None,
            created_at=self.clock(),
            keyboard=change.keyboard,
            files=change.files,
            amends=change.amends,
            footer=change.footer,
            folded=change.folded,
        )
        return id_

    def _settle(self, outbox: OutboxId, **settled: Any) -> None:
        out = self.outbox.get(outbox)
        if out is not None and out.state is OutboxState.PENDING:
            self.outbox[outbox] = evolve(out, **settled)


def _is_before(row: Row, now: Row) -> bool:
    same_chat = (row.room, row.sender, row.slot) == (now.room, now.sender, now.slot)
    return same_chat and row.id < now.id and row.decided != "retry"


def _backup(path: Path) -> BackupMade | BackupRefused:
    if path.exists() or not path.parent.is_dir():
        return BackupRefused("name a new file in a folder that exists")
    path.touch(0o600)
    return BackupMade(str(path), 0)


@define
class MemoryStore:
    """An actor that answers as ``StoreActor`` does, from memory."""

    inbox: Mailbox[StoreMessage]
    journal: MemoryJournal = field(factory=MemoryJournal)

    async def run(self) -> None:
        """Answer until the inbox is closed and empty."""
        async for message in self.inbox:
            self.journal.handle(message)


@define
class _OnePlace(Generic[A]):
    answers: list[A] = field(factory=list)

    def send(self, answer: A, /) -> None:
        self.answers.append(answer)


@define
class MemoryStoreAddress:
    """An ``Address[StoreMessage]`` that answers at once: for tests that run no store."""

    journal: MemoryJournal = field(factory=MemoryJournal)
    reader: str = "store"

    async def send(self, message: StoreMessage, /) -> None:
        await trio.lowlevel.checkpoint()
        self.try_send(message)

    def try_send(self, message: StoreMessage, /) -> bool:
        self.journal.handle(message)
        return True

    async def ask(self, question: Question[A], /, *, within: float = 10.0) -> A:
        with trio.fail_after(within):
            await trio.lowlevel.checkpoint()
        return self.tell(question)

    def tell(self, question: Question[A]) -> A:
        """Ask without waiting: to look at the journal, or to set it up."""
        place = _OnePlace[A]()
        object.__setattr__(question, "reply_to", place)  # as ``Address.ask`` does
        self.journal.handle(cast("StoreMessage", question))
        return place.answers[0]


async def at_once(function: Callable[..., A], /, *args: Any) -> A:
    """What blocks is done in no thread, of which a mock clock would know nothing."""
    await trio.lowlevel.checkpoint()
    return function(*args)
