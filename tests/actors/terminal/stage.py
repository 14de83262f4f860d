"""A store and an agent around one terminal surface, just large enough for its tests."""

import time
from collections.abc import Callable
from typing import TypeVar, cast
from uuid import uuid4

import trio
from attrs import Factory, define, evolve

from actors.kernel.mailbox import Mailbox
from actors.terminal.opening import Terminal
from actors.terminal.surface import HERE, OWNER, TerminalSurface
from protocols.changes import SentOutgoing
from protocols.chats import DirectoryMessage
from protocols.ids import EventId, OutboxId, RoomId, RowId, TraceId
from protocols.journal import UNFINISHED, OutboxRow, OutboxState, Row, RowState, Voice
from protocols.mail import CalleeDiedError, Question
from protocols.store import (
    Commit,
    Committed,
    FindRow,
    Journal,
    Journaled,
    Outgoing,
    StoreMessage,
    UnsortedRows,
    WaitingRows,
)
from protocols.surfaces import Deliver, SurfaceMessage

A = TypeVar("A")


@define
class StageStore:
    """The journal in lists; ``deaths`` questions fail, ``lost_batches`` are kept unanswered."""

    rows: list[Row] = Factory(list)
    outbox: list[OutboxRow] = Factory(list)
    deaths: int = 0
    lost_batches: int = 0
    reader: str = "store"

    async def ask(self, question: Question[A], /, *, within: float = 10.0) -> A:
        await trio.lowlevel.checkpoint()
        if self.deaths:
            self.deaths -= 1
            raise CalleeDiedError(f"store: crashed, {within} s")
        answer = self._answer(question)
        if self.lost_batches and isinstance(question, Journal):
            self.lost_batches -= 1
            raise CalleeDiedError("store: crashed after the commit")
        return cast("A", answer)

    async def send(self, message: StoreMessage, /) -> None:
        raise NotImplementedError

    def try_send(self, message: StoreMessage, /) -> bool:
        raise NotImplementedError

    def unfinished(self) -> list[Row]:
        return [row for row in self.rows if row.state in UNFINISHED]

    def put_row(
        self, text: str, *, state: RowState = RowState.RECEIVED, room: RoomId = HERE
    ) -> Row:
        """A row of an earlier run."""
        row = Row(
            id=RowId(len(self.rows) + 1),
            event_id=EventId(uuid4().hex),
            room=room,
            sender=OWNER,
            sender_name="owner",
            text=text,
            sent_at=1.0,
            received_at=1.0,
            trace=TraceId(""),
            state=state,
        )
        self.rows.append(row)
        return row

    def put_answer(
        self, text: str, *, row: RowId | None = None, voice: Voice = Voice.AGENT
    ) -> OutboxRow:
        answer = OutboxRow(
            id=OutboxId(len(self.outbox) + 1),
            uid=uuid4().hex,
            room=HERE,
            row=row,
            voice=voice,
            text=text,
            is_final=row is not None,
            reply_to_event=None,
            shown_id=None,
            created_at=time.time(),
        )
        self.outbox.append(answer)
        return answer

    def finish(self, row: RowId, text: str, voice: Voice = Voice.AGENT) -> None:
        self.rows[row - 1] = evolve(self.rows[row - 1], state=RowState.ANSWERED)
        self.put_answer(text, row=row, voice=voice)

    def _answer(self, question: object) -> object:
        match question:
            case Journal():
                return self._journal(question)
            case UnsortedRows(after=after, limit=limit):
                return self._rows_after(after, limit, {RowState.RECEIVED}, None)
            case WaitingRows(room=room, after=after, limit=limit):
                return self._rows_after(after, limit, {RowState.QUEUED, RowState.RUNNING}, room)
            case Outgoing(room=room, limit=limit):
                pending = [o for o in self.outbox if o.state is OutboxState.PENDING]
                return tuple([o for o in pending if o.room == room][:limit])
            case FindRow(row=row):
                return self.rows[row - 1] if 0 < row <= len(self.rows) else None
            case Commit(changes=(SentOutgoing(outbox=sent, remote_id=remote),)):
                self.outbox[sent - 1] = evolve(
                    self.outbox[sent - 1], state=OutboxState.SENT, remote_id=remote
                )
                return Committed()
            case _:
                raise NotImplementedError(type(question))

    def _journal(self, batch: Journal) -> Journaled:
        known = {row.event_id for row in self.rows}
        new = [
            evolve(
                self.put_row(arrival.text),
                event_id=arrival.event_id,
                sent_at=arrival.sent_at,
                received_at=time.time(),
                is_backlog=arrival.is_backlog,
            )
            for arrival in batch.arrivals
            if arrival.event_id not in known
        ]
        for row in new:
            self.rows[row.id - 1] = row
        return Journaled(tuple(new))

    def _rows_after(
        self, after: RowId, limit: int, states: set[RowState], room: RoomId | None
    ) -> tuple[Row, ...]:
        found = [r for r in self.rows if r.id > after and r.state in states]
        return tuple([r for r in found if room in (None, r.room)][:limit])


Agent = Callable[[Row], str | None]


def echo(row: Row) -> str | None:
    """An answer to every row; None would leave it open."""
    return f"You said: {row.text}"


@define
class StageChats:
    """Answers every row as soon as it hears of it."""

    store: StageStore
    surface: Mailbox[SurfaceMessage]
    agent: Agent = echo
    reader: str = "chats"

    async def ask(self, question: Question[A], /, *, within: float = 10.0) -> A:
        raise NotImplementedError

    async def send(self, message: DirectoryMessage, /) -> None:
        raise NotImplementedError

    def try_send(self, message: DirectoryMessage, /) -> bool:  # noqa: ARG002  # always RowsArrived
        self.answer_all()
        return True

    def answer_all(self) -> None:
        for row in self.store.unfinished():
            words = self.agent(row)
            if words is not None:
                self.store.finish(row.id, words)
                self.surface.address.try_send(Deliver(HERE, row_done=row.id))


@define
class Stage:
    """One surface with everything around it."""

    store: StageStore
    inbox: Mailbox[SurfaceMessage]
    chats: StageChats
    terminal: Terminal

    def surface(self) -> TerminalSurface:
        """A new life."""
        return TerminalSurface(
            inbox=self.inbox, store=self.store, chats=self.chats, terminal=self.terminal
        )


def stage_for(terminal: Terminal, agent: Agent = echo, store: StageStore | None = None) -> Stage:
    store = store or StageStore()
    inbox = Mailbox[SurfaceMessage]("terminal")
    return Stage(store, inbox, StageChats(store, inbox, agent), terminal)
