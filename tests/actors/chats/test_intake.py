"""New rows, where sessions are quicker than the directory."""

import pytest
import trio
from attrs import define

from actors.chats.access import AccessPolicy
from actors.chats.catching_up import CatchingUp
from actors.chats.hints import DeliveryHints
from actors.chats.intake import MOST_CONFLICTS, PAGE, Intake, UndecidedRowError
from actors.chats.task_lines import TaskLines
from actors.kernel.mailbox import Mailbox
from actors.kernel.pool import Pool
from protocols.changes import QueueRow, RewordRow, StartRow
from protocols.chats import SessionMessage
from protocols.ids import EventId, RemoteId, RunId, SlotId
from protocols.journal import Arrival, Row, RowState
from protocols.store import Commit, Journal, UnsortedRows
from protocols.surfaces import Surface, SurfaceMessage
from tests.actors.chats.quicker_store import QuickerStore
from tests.actors.chats.rows import a_row
from tests.actors.chats.world import MATRIX, ROOM


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


async def take(store: QuickerStore, *, is_careful: bool = False) -> None:
    """Sort what *store* has, for a surface with buttons."""
    mailbox = Mailbox[SurfaceMessage]("matrix", capacity=64)
    surfaces = {MATRIX: Surface(MATRIX, mailbox.address, has_buttons=True)}
    async with trio.open_nursery() as nursery:
        hints = DeliveryHints(surfaces, nursery)
        intake = Intake(
            store,
            Pool[SessionMessage]("sessions", IdleSession),
            surfaces,
            hints,
            lambda *_: None,
            policy=AccessPolicy("open"),
            tree=str,
            clock=lambda: 0.0,
            make_code=str,
            lines=TaskLines(store, surfaces, hints, lambda: 0.0),
            catching_up=CatchingUp(store, surfaces, hints, lambda: 0.0),
        )
        await intake.load_access()
        await intake.take_new(is_careful=is_careful)


MESSAGE = a_row(1, message_id=RemoteId("m"))
EDIT = a_row(2, "better", message_id=RemoteId("m"), edits=RemoteId("m"))


async def test_an_edit_that_comes_a_moment_too_late_is_offered_instead() -> None:
    def start_first(commit: Commit) -> None:
        if any(isinstance(change, RewordRow) for change in commit.changes):
            store.apply(StartRow(MESSAGE.id))

    store = QuickerStore(before=start_first)
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


@pytest.mark.parametrize(
    ("is_careful", "count", "pages"),
    [
        (False, 0, 1),
        (False, 1, 1),
        (False, PAGE, 2),
        (False, PAGE + 1, 2),
        # The life before may have taken the hint for what came with its last page.
        (True, 1, 2),
        (True, PAGE + 1, 3),
    ],
)
async def test_the_store_is_asked_for_no_page_after_a_short_one_but_at_the_start(
    *, is_careful: bool, count: int, pages: int
) -> None:
    store = QuickerStore()
    journaled(store, *(a_row(number) for number in range(1, count + 1)))

    await take(store, is_careful=is_careful)

    assert sum(isinstance(question, UnsortedRows) for question in store.asked) == pages
    assert all(row.state is not RowState.RECEIVED for row in store.journal.rows.values())


async def test_a_row_that_comes_while_the_first_page_is_sorted_needs_no_hint() -> None:
    def add_another(_: Commit) -> None:
        if 2 not in store.journal.rows:
            journaled(store, a_row(2))

    store = QuickerStore(after=add_another)
    journaled(store, a_row(1))
    await take(store, is_careful=True)

    assert [row.state for row in store.journal.rows.values()] == [RowState.QUEUED] * 2
