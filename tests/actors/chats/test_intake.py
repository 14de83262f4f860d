"""New rows, where sessions are quicker than the directory."""

from collections.abc import Callable
from typing import TypeVar, cast

import pytest
import trio
from attrs import define, field

from actors.chats.access import AccessPolicy
from actors.chats.hints import DeliveryHints
from actors.chats.intake import MOST_CONFLICTS, Intake, UndecidedRowError
from actors.kernel.mailbox import Mailbox
from actors.kernel.pool import Pool
from protocols.chats import SessionMessage
from protocols.ids import EventId, RemoteId, RunId, SlotId
from protocols.mail import Question
from protocols.store import (
    Arrival,
    Commit,
    Conflict,
    Journal,
    QueueRow,
    RewordRow,
    Row,
    RowState,
    StartRow,
)
from protocols.surfaces import Surface, SurfaceMessage
from tests.actors.chats.rows import a_row
from tests.actors.chats.world import MATRIX, ROOM
from tests.fakes import MemoryStoreAddress

A = TypeVar("A")


@define
class QuickerStore(MemoryStoreAddress):
    """A store in which somebody else is quicker than each of our commits."""

    quicker: Callable[[Commit], None] = lambda _: None
    is_stubborn: bool = False
    commits: list[Commit] = field(factory=list)

    async def ask(self, question: Question[A], /, *, within: float = 10.0) -> A:
        if isinstance(question, Commit):
            self.commits.append(question)
            self.quicker(question)
            if self.is_stubborn:
                return cast("A", Conflict(MESSAGE.id, None))
        return await super().ask(question, within=within)

    def apply(self, *changes: QueueRow | StartRow) -> None:
        self.tell(Commit(changes))


@define
class IdleSession:
    """Does nothing; the journal shows what it would do."""

    key: str
    inbox: Mailbox[SessionMessage]

    async def run(self) -> None:
        await trio.sleep_forever()


def journaled(store: QuickerStore, *rows: Row) -> None:
    for row in rows:
        arrival = Arrival(
            event_id=EventId(f"${row.id}"),
            room=row.room,
            sender=row.sender,
            sender_name=row.sender_name,
            text=row.text,
            sent_at=0.0,
            trace=row.trace,
            message_id=row.message_id,
            edits=row.edits,
        )
        store.tell(Journal(MATRIX, (arrival,)))


async def take(store: QuickerStore) -> None:
    """Sort what *store* has, for a surface with buttons."""
    mailbox = Mailbox[SurfaceMessage]("matrix", capacity=64)
    surfaces = {MATRIX: Surface(MATRIX, mailbox.address, has_buttons=True)}
    async with trio.open_nursery() as nursery:
        intake = Intake(
            store,
            Pool[SessionMessage]("sessions", IdleSession),
            surfaces,
            DeliveryHints(surfaces, nursery),
            lambda *_: None,
            policy=AccessPolicy("open"),
            tree=str,
            clock=lambda: 0.0,
            make_code=str,
        )
        await intake.load_access()
        await intake.take_new()


MESSAGE = a_row(1, message_id=RemoteId("m"))
EDIT = a_row(2, "better", message_id=RemoteId("m"), edits=RemoteId("m"))


async def test_an_edit_that_comes_a_moment_too_late_is_offered_instead() -> None:
    def start_first(commit: Commit) -> None:
        if any(isinstance(change, RewordRow) for change in commit.changes):
            store.apply(StartRow(MESSAGE.id))

    store = QuickerStore(quicker=start_first)
    journaled(store, MESSAGE)
    store.apply(QueueRow(MESSAGE.id, SlotId("C1"), RunId("r")))
    journaled(store, EDIT)
    await take(store)

    rows = list(store.journal.rows.values())
    assert (rows[0].text, rows[0].state) == ("hello", RowState.RUNNING)
    assert rows[1].state is RowState.ANSWERED
    assert [out.keyboard[0][0].action for out in store.journal.outbox.values()] == ["anew:2"]


async def test_a_row_that_conflicts_for_ever_crashes_rather_than_spins() -> None:
    store = QuickerStore(is_stubborn=True)
    journaled(store, MESSAGE)

    with pytest.raises(ExceptionGroup) as caught:
        await take(store)

    assert caught.group_contains(UndecidedRowError)
    assert len(store.commits) == 1 + MOST_CONFLICTS
    assert ROOM not in str(caught.value)
