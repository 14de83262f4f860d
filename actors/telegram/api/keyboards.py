"""Buttons as Telegram takes them. Pure."""

from typing import Any

from actors.telegram.text.markup import clean
from actors.words import Word, say
from protocols.ids import Language, RowId
from protocols.journal import Button, Keyboard, stop_action

SPARE_UTF16 = 200
"""What a message with buttons leaves free: what becomes of a press is added below its text."""

LARGEST_ACTION_BYTES = 64
"""Bot API, "InlineKeyboardButton": ``callback_data`` is 1 to 64 bytes."""

_LONGEST_LABEL = 64
_MOST_BUTTONS = 100


def stop_keyboard(row: RowId, language: Language) -> Keyboard:
    """The button below an answer that grows."""
    return ((Button(say(Word.BUTTON_STOP, language), stop_action(row)),),)


def inline(keyboard: Keyboard) -> dict[str, Any] | None:
    """*keyboard* as the Bot API has it; None where nothing of it can be pressed.

    Telegram refuses the whole message for one button that is none, so that is left out.
    """
    left = _MOST_BUTTONS
    lines: list[list[dict[str, str]]] = []
    for line in keyboard:
        buttons = [button for button in line if _is_sound(button)][:left]
        left -= len(buttons)
        if buttons:
            lines.append([_button(button) for button in buttons])
    return {"inline_keyboard": lines} if lines else None


def _is_sound(button: Button) -> bool:
    size_bytes = len(button.action.encode(errors="replace"))
    return bool(button.label.strip()) and 1 <= size_bytes <= LARGEST_ACTION_BYTES


def _button(button: Button) -> dict[str, str]:
    label = clean(" ".join(button.label.split()))
    if len(label) > _LONGEST_LABEL:
        label = f"{label[: _LONGEST_LABEL - 1]}…"
    return {"text": label, "callback_data": clean(button.action)}
