"""The buttons below outcomes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.chats.display import Display, Extra
from actors.chats.keyboards import (
    LONGEST_LABEL,
    MOST_BUTTONS,
    anew_keyboard,
    buttoned_skills,
    chats_keyboard,
    choice_keyboard,
    retry_keyboard,
    skills_keyboard,
    with_extras,
)
from actors.chats.manner import Manner
from actors.chats.presses import LONGEST_ACTION_BYTES, read_press
from actors.chats.slots import Chat, slot_with
from protocols.ids import Language, RowId
from protocols.journal import Button, Keyboard
from tests.actors.chats.world import ROOM

ROW = RowId(7)
ENGLISH = Manner(Language("en"), "/", has_buttons=True)
RUSSIAN = Manner(Language("ru"), "/", has_buttons=True)
PLAIN = Manner(Language("en"), "/")


def buttons(keyboard: Keyboard) -> list[Button]:
    return [button for line in keyboard for button in line]


def test_yes_and_no_are_said_in_the_person_s_language_and_others_as_the_agent_says() -> None:
    english = choice_keyboard(ROW, ("yes", "No", "later"), ENGLISH)
    russian = choice_keyboard(ROW, ("yes", "No", "later"), RUSSIAN)

    assert [button.label for button in english[0]] == ["Yes", "No", "later"]
    assert [button.label for button in russian[0]] == ["Да", "Нет", "later"]


def test_approve_and_reject_are_said_in_the_person_s_language() -> None:
    english = choice_keyboard(ROW, ("approve", "reject"), ENGLISH)
    russian = choice_keyboard(ROW, ("Approve", "reject"), RUSSIAN)

    assert [button.label for button in english[0]] == ["Approve", "Reject"]
    assert [button.label for button in russian[0]] == ["Разрешить", "Отклонить"]


def test_a_skill_that_the_catalogue_knows_is_said_in_the_person_s_language() -> None:
    skills = {"concise": False, "step_by_step": True, "web_search": True}

    english = [button.label for button in buttons(skills_keyboard(ROW, skills, ENGLISH))]
    russian = [button.label for button in buttons(skills_keyboard(ROW, skills, RUSSIAN))]

    assert english == ["⬜ Short answers", "✅ Step by step", "✅ web_search"]
    assert russian == ["⬜ Краткие ответы", "✅ Объяснять по шагам", "✅ web_search"]


def test_our_switches_stand_below_the_skills_and_each_turns_itself_over() -> None:
    skills = skills_keyboard(ROW, {"web": True}, ENGLISH)

    keyboard = with_extras(skills, ROW, Display(frozenset({Extra.USAGE})), ENGLISH)

    assert keyboard == (
        (Button("✅ web", "set:7:0:web"),),
        (Button("✅ Show token usage", "show:7:0:usage"),),
        (Button("⬜ Show reasoning", "show:7:1:reasoning"),),
    )
    assert with_extras(keyboard, ROW, Display(), ENGLISH) == with_extras(
        skills, ROW, Display(), ENGLISH
    )


def test_many_skills_leave_room_for_our_switches() -> None:
    skills = {f"skill{number}": True for number in range(MOST_BUTTONS)}

    keyboard = with_extras(skills_keyboard(ROW, skills, ENGLISH), ROW, Display(), ENGLISH)

    assert len(keyboard) == MOST_BUTTONS


def test_long_choices_have_a_line_each() -> None:
    keyboard = choice_keyboard(ROW, ("keep all of it", "throw all of it away"), ENGLISH)

    assert [len(line) for line in keyboard] == [1, 1]


def test_a_choice_without_a_visible_name_has_no_button_and_the_others_keep_their_numbers() -> None:
    keyboard = choice_keyboard(ROW, (" ", "a\nb"), ENGLISH)

    assert keyboard == ((Button("a b", "confirm:7:1"),),)


def test_a_question_without_choices_has_no_buttons() -> None:
    assert choice_keyboard(ROW, (), ENGLISH) == ()


def test_skills_are_sorted_and_each_button_turns_its_skill_over() -> None:
    keyboard = skills_keyboard(ROW, {"web": True, "code": False}, ENGLISH)

    assert keyboard == (
        (Button("⬜ code", "set:7:1:code"),),
        (Button("✅ web", "set:7:0:web"),),
    )


def test_a_skill_whose_name_fits_no_button_is_left_out() -> None:
    longest = "x" * (LONGEST_ACTION_BYTES - len("set:7:1:"))

    assert list(buttoned_skills(ROW, {longest: True, f"{longest}x": True})) == [longest]


@pytest.mark.parametrize(
    "keyboard",
    [
        retry_keyboard(ROW, PLAIN),
        anew_keyboard(ROW, PLAIN),
        choice_keyboard(ROW, ("yes", "no"), PLAIN),
        skills_keyboard(ROW, {"web": True}, PLAIN),
        with_extras((), ROW, Display(), PLAIN),
        chats_keyboard(ROW, [Chat(slot_with(1), ROOM)], PLAIN),
    ],
)
def test_where_there_are_no_buttons_there_is_no_keyboard(keyboard: Keyboard) -> None:
    assert keyboard == ()


@given(
    st.integers(1, 10**18 - 1).map(RowId),
    st.lists(st.text(max_size=70), max_size=50),
    st.dictionaries(st.text(max_size=70), st.booleans(), max_size=50),
)
def test_every_button_has_a_label_and_an_action_that_telegram_takes_and_we_read(
    row: RowId, choices: list[str], skills: dict[str, bool]
) -> None:
    chats = [Chat(slot_with(number), ROOM, name) for number, name in enumerate(choices, start=1)]
    keyboards = (
        retry_keyboard(row, ENGLISH),
        anew_keyboard(row, RUSSIAN),
        choice_keyboard(row, tuple(choices), RUSSIAN),
        chats_keyboard(row, chats, ENGLISH),
        with_extras(skills_keyboard(row, skills, ENGLISH), row, Display(), RUSSIAN),
    )

    for keyboard in keyboards:
        assert len(buttons(keyboard)) <= MOST_BUTTONS
        for button in buttons(keyboard):
            assert button.label.strip()
            assert len(button.label) <= LONGEST_LABEL
            assert 1 <= len(button.action.encode()) <= LONGEST_ACTION_BYTES
            assert read_press(button.action) is not None
