"""What becomes of a row, decided without any store."""

from typing import Literal

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from actors.chats.access import AccessPolicy
from actors.chats.decisions import DescribeTurn, Errand, ShowSettings, StopTurnHere
from actors.chats.flood import MOST_WORDS
from actors.chats.notes import TurnContext, put_context
from actors.chats.replies import MOST_WAITING
from actors.chats.sorting import Sorter
from protocols.changes import AddOutgoing, DecideRow, FinishRow, PutKey, QueueRow
from protocols.ids import EventId, PersonId, RowId, SlotId, run_id_for
from protocols.journal import Row, RowState
from tests.actors.chats.rows import a_page, a_row
from tests.actors.chats.world import BOSS, ME, ROOM, YOU

ROW = a_row()


def sorter(policy: AccessPolicy | None = None, failed: Row | None = None, many: int = 0) -> Sorter:
    return Sorter(a_page(policy, failed=failed, many=many))


def test_a_message_is_queued_in_its_slot_with_a_run_of_its_own() -> None:
    decision = sorter().decide(ROW)

    queued = decision.changes[0]
    assert queued == QueueRow(ROW.id, SlotId("C1"), run_id_for(ROOM, ROW.event_id))
    assert decision.is_work
    assert not decision.spoken_in


def test_a_retry_runs_the_old_words_in_the_old_slot_as_a_new_run() -> None:
    failed = a_row(7, "old words", slot=SlotId("C7"), state=RowState.FAILED)

    decision = sorter(failed=failed).decide(evolve(ROW, event_id=EventId("$2"), text="!retry"))

    run_id = run_id_for(ROOM, EventId("$2"))
    queued = QueueRow(ROW.id, SlotId("C7"), run_id, "old words")
    noted = put_context(ROOM, ROW.id, TurnContext(is_rerun=True))
    assert decision.changes[:3] == (queued, DecideRow(failed.id, "retry"), noted)


def test_a_retry_of_a_row_without_a_slot_gets_one() -> None:
    failed = a_row(7, "old words", state=RowState.FAILED)

    decision = sorter(failed=failed).decide(evolve(ROW, text="!retry"))

    assert isinstance(decision.changes[0], QueueRow)
    assert decision.changes[0].slot == "C1"


@pytest.mark.parametrize(
    ("text", "errand"),
    [("/stop", StopTurnHere()), ("!status", DescribeTurn()), ("/settings", ShowSettings())],
)
def test_a_command_that_asks_somebody_else_is_an_errand(text: str, errand: Errand) -> None:
    decision = sorter().decide(evolve(ROW, text=text))

    assert (decision.errand, decision.changes) == (errand, ())


def test_the_twenty_second_unfinished_message_is_too_many() -> None:
    desk = sorter(many=MOST_WAITING)

    states = [desk.decide(evolve(ROW, id=RowId(number))).is_work for number in (1, 2)]

    assert states == [True, False]
    assert desk.decide(evolve(ROW, is_backlog=True)).is_work


def test_a_full_queue_does_not_flood_its_room_with_refusals() -> None:
    desk = sorter(many=100)

    decisions = [desk.decide(evolve(ROW, id=RowId(number))) for number in range(1, 200)]

    assert sum(bool(decision.spoken_in) for decision in decisions) == MOST_WORDS + 1
    assert all(isinstance(decision.changes[0], FinishRow) for decision in decisions)


def test_a_stop_is_heard_also_in_a_flood() -> None:
    desk = sorter(many=1)
    for number in range(1, 200):
        desk.decide(evolve(ROW, id=RowId(number), text="/help"))

    assert desk.decide(evolve(ROW, text="/stop")).errand == StopTurnHere()


TEXTS = st.one_of(
    st.text(max_size=20),
    st.sampled_from(["/new", "/chats", "/retry", "/stop", "/status", "/archive", "!x", "/", "hi"]),
)


@given(
    st.sampled_from(["pairing", "allowlist", "open"]),
    st.lists(st.tuples(st.sampled_from([ME, YOU, BOSS]), TEXTS), max_size=100),
)
def test_every_row_gets_one_way(
    mode: Literal["pairing", "allowlist", "open"], written: list[tuple[PersonId, str]]
) -> None:
    desk = sorter(evolve(AccessPolicy(admins=(BOSS,)), mode=mode))
    for number, (sender, text) in enumerate(written, start=1):
        row = evolve(ROW, id=RowId(number), sender=sender, text=text)
        decision = desk.decide(row)

        ways = [c for c in decision.changes if isinstance(c, QueueRow | FinishRow)]
        words = [c for c in decision.changes if isinstance(c, AddOutgoing)]
        assert len(ways) + (decision.errand is not None) == 1
        assert all(c.row == row.id for c in (*ways, *words))
        ends = [c for c in ways if isinstance(c, FinishRow) and c.state is not RowState.IGNORED]
        assert len(words) == len(ends)
        others = set(decision.changes) - {*ways, *words}
        assert all(isinstance(c, PutKey) for c in others)
