"""What buttons ask for, and who may have it, decided without any store."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.chats.confirms import LIFE, Confirm
from actors.chats.display import Extra
from actors.chats.presses import (
    ASKED_BACK,
    CHATS_SHOWN,
    EDIT_OFFERED,
    SETTINGS_SHOWN,
    AnewPress,
    ChatPress,
    ChoicePress,
    Chosen,
    DisplayPress,
    Pressed,
    RetryPress,
    SkillPress,
    StopPress,
    action_of,
    chosen,
    read_press,
    why_refused,
)
from actors.words import Word
from protocols.ids import PersonId, RemoteId, RoomId, RowId, RunId, SlotId
from protocols.journal import Row, RowState, stop_action
from tests.actors.chats.rows import a_press, a_row

ROW = RowId(7)
C1 = SlotId("C1")
YOU = PersonId("matrix:@you:s")

PRESSED: list[Pressed] = [
    StopPress(ROW),
    RetryPress(ROW),
    ChoicePress(ROW, 2),
    AnewPress(ROW),
    SkillPress(ROW, is_on=True, skill="web:search"),
    SkillPress(ROW, is_on=False, skill=""),
    DisplayPress(ROW, is_on=True, extra=Extra.USAGE),
    DisplayPress(ROW, is_on=False, extra=Extra.REASONING),
    ChatPress(ROW, SlotId("C12")),
]


@pytest.mark.parametrize("pressed", PRESSED)
def test_what_a_button_asks_for_is_read_as_it_was_meant(pressed: Pressed) -> None:
    assert read_press(action_of(pressed)) == pressed


def test_the_stop_button_of_a_surface_is_read() -> None:
    assert read_press(stop_action(ROW)) == StopPress(ROW)


@pytest.mark.parametrize(
    "action",
    [
        "",
        "stop",
        "stop:",
        "stop:x",
        "stop:-1",
        "stop:7:",
        "stop:7:8",
        "STOP:7",
        "stop: 7",
        "stop:7\n",
        "stop:\u0667",
        f"stop:{'9' * 19}",
        "retry:7:1",
        "anew:7:1",
        "confirm:7",
        "confirm:7:",
        "confirm:7:-1",
        "confirm:7:1000",
        "confirm:7:yes",
        "set:7",
        "set:7:2:code",
        "set:7:1",
        "show:7:1",
        "show:7:2:usage",
        "show:7:1:prices",
        "chat:7",
        "chat:7:C0",
        "chat:7:c1",
        "chat:7:C1:2",
        "delete:7",
        "\x00",
        "\ud800",
        "🔁",
    ],
)
def test_what_no_button_of_ours_asks_for_is_nothing(action: str) -> None:
    assert read_press(action) is None


@given(st.text(max_size=70))
def test_no_invented_action_is_read_as_another_one(action: str) -> None:
    pressed = read_press(action)

    assert pressed is None or action_of(pressed).partition(":")[0] == action.partition(":")[0]


FITTING: list[tuple[Pressed, Row]] = [
    (StopPress(ROW), a_row(7, state=RowState.RUNNING, run_id=RunId("r"))),
    (StopPress(ROW), a_row(7, state=RowState.ANSWERED, run_id=RunId("r"))),
    (RetryPress(ROW), a_row(7, state=RowState.FAILED)),
    (RetryPress(ROW), a_row(7, state=RowState.STOPPED)),
    (RetryPress(ROW), a_row(7, state=RowState.SET_ASIDE)),
    (ChoicePress(ROW, 0), a_row(7, state=RowState.ANSWERED, reason=ASKED_BACK)),
    (AnewPress(ROW), a_row(7, edits=RemoteId("m"), reason=EDIT_OFFERED)),
    (SkillPress(ROW, is_on=True, skill="code"), a_row(7, reason=SETTINGS_SHOWN)),
    (DisplayPress(ROW, is_on=True, extra=Extra.USAGE), a_row(7, reason=SETTINGS_SHOWN)),
    (ChatPress(ROW, C1), a_row(7, reason=CHATS_SHOWN)),
]


@pytest.mark.parametrize(("pressed", "target"), FITTING)
def test_whoever_was_asked_may_press(pressed: Pressed, target: Row) -> None:
    assert why_refused(pressed, a_press(action_of(pressed)), target) is None


@pytest.mark.parametrize(("pressed", "target"), FITTING)
def test_nobody_else_may_press(pressed: Pressed, target: Row) -> None:
    press = a_press(action_of(pressed), sender=YOU)

    assert why_refused(pressed, press, target) is Word.PRESS_NOT_YOURS


@pytest.mark.parametrize(("pressed", "target"), FITTING)
def test_a_button_works_only_in_its_room(pressed: Pressed, target: Row) -> None:
    press = a_press(action_of(pressed), room=RoomId("matrix/!q:s"))

    assert why_refused(pressed, press, target) is Word.PRESS_UNKNOWN


@pytest.mark.parametrize("pressed", PRESSED)
def test_a_row_without_such_a_button_is_not_pressed(pressed: Pressed) -> None:
    for target in (None, a_row(7), a_row(7, state=RowState.ANSWERED, reason="/help")):
        assert why_refused(pressed, a_press(""), target) is Word.PRESS_UNKNOWN
    assert why_refused(None, a_press(""), a_row(7)) is Word.PRESS_UNKNOWN


@pytest.mark.parametrize(("pressed", "target"), FITTING)
def test_what_works_once_says_that_it_was_decided(pressed: Pressed, target: Row) -> None:
    decided = a_row(
        7,
        state=target.state,
        reason=target.reason,
        run_id=target.run_id,
        edits=target.edits,
        decided="retry",
    )
    works_once = isinstance(pressed, RetryPress | ChoicePress | AnewPress)

    word = why_refused(pressed, a_press(""), decided)

    assert word is (Word.PRESS_DECIDED if works_once else None)


def question(**facts: Any) -> Confirm:
    usual: dict[str, Any] = {"row": ROW, "slot": C1, "asked_at": 0.0, "expires_at": LIFE}
    return Confirm("i-1", ("yes", "no"), **(usual | facts))


@pytest.mark.parametrize(
    ("number", "open_one", "at", "outcome"),
    [
        (0, question(), 1.0, Chosen(question(), "yes")),
        (1, question(), 1.0, Chosen(question(), "no")),
        (2, question(), 1.0, Word.PRESS_UNKNOWN),
        (0, question(), LIFE, Word.PRESS_EXPIRED),
        (0, question(row=RowId(8)), 1.0, Word.PRESS_EXPIRED),
        (0, None, 1.0, Word.PRESS_EXPIRED),
    ],
)
def test_a_choice_counts_while_its_question_is_open(
    number: int, open_one: Confirm | None, at: float, outcome: Chosen | Word
) -> None:
    assert chosen(ChoicePress(ROW, number), open_one, at) == outcome
