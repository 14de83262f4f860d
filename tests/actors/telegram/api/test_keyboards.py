"""Buttons as Telegram takes them."""

from hypothesis import given
from hypothesis import strategies as st

from actors.telegram.api.keyboards import LARGEST_ACTION_BYTES, inline, stop_keyboard
from protocols.ids import Language, RowId
from protocols.journal import Button, Keyboard

ANY = st.lists(st.lists(st.builds(Button, st.text(), st.text()), max_size=3).map(tuple)).map(tuple)


def test_buttons_keep_their_lines() -> None:
    keyboard = (
        (Button("Yes", "confirm:7:0"), Button("No", "confirm:7:1")),
        (Button("🔁 Try again", "retry:7"),),
    )

    assert inline(keyboard) == {
        "inline_keyboard": [
            [
                {"text": "Yes", "callback_data": "confirm:7:0"},
                {"text": "No", "callback_data": "confirm:7:1"},
            ],
            [{"text": "🔁 Try again", "callback_data": "retry:7"}],
        ]
    }


def test_a_growing_answer_can_be_stopped() -> None:
    assert inline(stop_keyboard(RowId(17), Language("en"))) == {
        "inline_keyboard": [[{"text": "⏹ Stop", "callback_data": "stop:17"}]]
    }


def test_a_long_label_is_cut_and_its_lines_are_joined() -> None:
    found = inline(((Button(f"a\n{'b' * 100}", "x"),),))

    assert found == {"inline_keyboard": [[{"text": f"a {'b' * 61}…", "callback_data": "x"}]]}


def test_a_button_that_cannot_be_pressed_is_left_out() -> None:
    keyboard: Keyboard = ((Button("", "x"), Button("a", "")), (Button("b", "ж" * 33),))

    assert inline(keyboard) is None
    assert inline((*keyboard, (Button("c", "ж" * 32),))) is not None


def test_no_message_has_more_buttons_than_telegram_takes() -> None:
    found = inline(tuple((Button(str(n), "x"), Button(str(n), "y")) for n in range(200)))

    assert found is not None
    assert sum(map(len, found["inline_keyboard"])) == 100


@given(ANY)
def test_whatever_the_buttons_are_telegram_can_take_them(keyboard: Keyboard) -> None:
    found = inline(keyboard) or {"inline_keyboard": []}

    for line in found["inline_keyboard"]:
        assert line
        for button in line:
            assert 1 <= len(button["text"]) <= 64
            assert 1 <= len(button["callback_data"].encode()) <= LARGEST_ACTION_BYTES
