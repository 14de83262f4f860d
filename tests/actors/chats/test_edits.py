"""What an edit comes to, decided without any store."""

from typing import Any

import pytest

from actors.chats.commands import typed
from actors.chats.edits import (
    REPEATED,
    AsMessage,
    Edited,
    LeaveIt,
    Offer,
    Reword,
    edited,
)
from protocols.ids import PersonId, RemoteId, RowId, RunId
from protocols.journal import Row, RowState
from tests.actors.chats.fake_surface import photo
from tests.actors.chats.rows import a_row


def message(state: RowState = RowState.QUEUED, **facts: Any) -> Row:
    return a_row(1, "old", state=state, **({"run_id": RunId("r")} | facts))


def outcome(
    text: str = "new",
    original: Row | None = None,
    *,
    newest: int = 1,
    has_buttons: bool = True,
    offered: str | None = None,
    **facts: Any,
) -> Edited:
    edit = a_row(5, text, edits=RemoteId("m1"), **facts)
    words = typed(text, ("/",))
    return edited(
        edit, words, original, offered=offered, newest=RowId(newest), has_buttons=has_buttons
    )


def test_before_its_turn_a_message_gets_the_new_words() -> None:
    assert outcome("n\x00ew", message()) == Reword(message(), "new")


@pytest.mark.parametrize(
    "state", [RowState.RUNNING, RowState.ANSWERED, RowState.FAILED, RowState.STOPPED]
)
def test_once_its_turn_has_begun_a_new_answer_is_offered(state: RowState) -> None:
    assert outcome("new", message(state)) == Offer(message(state))


@pytest.mark.parametrize("state", [RowState.REFUSED, RowState.IGNORED])
def test_the_edit_of_what_was_not_taken_is_a_message(state: RowState) -> None:
    assert outcome("new", message(state, run_id=None)) == AsMessage()


def test_the_edit_of_what_was_never_journaled_is_a_message_in_a_group() -> None:
    assert outcome("@bot hello", is_shared=True) == AsMessage()


def test_the_edit_of_something_unknown_in_private_is_left() -> None:
    assert outcome("hello") == LeaveIt("edit of an unknown message")


@pytest.mark.parametrize(
    ("original", "text", "reason"),
    [
        (message(sender=PersonId("matrix:@you:s")), "new", "edit of another person's message"),
        (message(RowState.ANSWERED, run_id=None), "new", "edit of a command"),
        (message(RowState.RECEIVED, run_id=None), "new", "edit of a command"),
        (message(), "", "edit without words"),
        (message(), " \u200b\n", "edit without words"),
        (message(), "/stop", "edit into a command"),
        (message(), "/nonsense", "edit into a command"),
        (message(), "old", "edit that changes no words"),
        (message(RowState.ANSWERED, id=RowId(0)), "new", "edit of an older message"),
    ],
)
def test_any_other_edit_is_left_with_a_reason(original: Row, text: str, reason: str) -> None:
    assert outcome(text, original) == LeaveIt(reason)


def test_words_that_were_offered_are_not_offered_again() -> None:
    assert outcome("n\x00ew", message(RowState.ANSWERED), offered="new") == REPEATED
    assert isinstance(outcome("newer", message(RowState.ANSWERED), offered="new"), Offer)


def test_a_picture_may_lose_its_caption() -> None:
    original = message(files=(photo(),))

    assert outcome("", original) == Reword(original, "")


def test_without_buttons_nothing_is_offered() -> None:
    late = outcome("new", message(RowState.RUNNING), has_buttons=False)

    assert late == LeaveIt("edit after its turn had begun")


def test_a_person_s_words_are_not_in_the_repr() -> None:
    assert "secret" not in repr(outcome("secret", message()))
