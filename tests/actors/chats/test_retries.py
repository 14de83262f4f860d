"""What the operator may run again."""

import pytest
from attrs import evolve

from actors.chats.retries import RETRYABLE, retry_arrival, why_not
from protocols.ids import EventId, Language, RemoteId
from protocols.journal import RowState
from tests.actors.chats.fake_surface import photo
from tests.actors.chats.rows import a_row

ROW = a_row()


@pytest.mark.parametrize("state", RowState)
def test_only_what_failed_may_run_again(state: RowState) -> None:
    assert (why_not(evolve(ROW, state=state)) is None) is (state in RETRYABLE)


def test_a_message_arrives_again_as_an_event_of_its_own() -> None:
    again = retry_arrival(evolve(ROW, event_id=EventId("$1:r1")), 2, now=5.0)

    assert again.event_id == "$1:r2"
    assert (again.room, again.sender, again.text) == (ROW.room, ROW.sender, ROW.text)
    assert again.is_backlog


def test_a_message_arrives_again_with_its_files_its_language_and_its_place() -> None:
    row = a_row(
        files=(photo(),),
        language=Language("ru"),
        message_id=RemoteId("17"),
        thread_id=RemoteId("$root"),
        is_shared=True,
    )

    again = retry_arrival(row, 1, now=5.0)

    assert (again.files, again.language, again.message_id) == ((photo(),), "ru", "17")
    assert (again.thread_id, again.is_shared) == ("$root", True)
