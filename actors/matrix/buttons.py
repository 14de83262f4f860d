"""Buttons as Matrix has them: an emoji for each, which people put below the message; pure."""

from collections.abc import Iterable

from actors.words import CATALOGUES, Word, plain
from protocols.journal import Button, Keyboard

YES, NO = "✅", "❌"

_KEYCAP = "\N{VARIATION SELECTOR-16}\N{COMBINING ENCLOSING KEYCAP}"
_FIRST_LETTER = ord("\N{REGIONAL INDICATOR SYMBOL LETTER A}")
_NUMBERS = (
    *(f"{number}{_KEYCAP}" for number in range(1, 10)),
    "\N{KEYCAP TEN}",
    *(chr(_FIRST_LETTER + number) for number in range(26)),
)
_PAIR = 2


def emoji_of(keyboard: Keyboard) -> tuple[tuple[str, Button], ...]:
    """The buttons that can be pressed, in order, each with the emoji that presses it.

    A line of two, and a yes with a no or their like, are ✅ and ❌; all else is counted.
    """
    buttons = [button for line in keyboard for button in line if button.label.strip()]
    return tuple(zip(_marks(buttons, lines=len(keyboard)), buttons, strict=False))


def button_lines(keyboard: Keyboard) -> str:
    """Markdown that names each button, one a line, behind its emoji; empty without buttons."""
    return "\n".join(
        f"{emoji} {plain(' '.join(button.label.split()))}" for emoji, button in emoji_of(keyboard)
    )


def _marks(buttons: list[Button], *, lines: int) -> Iterable[str]:
    labels = [button.label.strip().casefold() for button in buttons]
    yes = _said(Word.CHOICE_YES, Word.CHOICE_APPROVE)
    no = _said(Word.CHOICE_NO, Word.CHOICE_REJECT)
    match labels:
        case [first, second] if first in no and second in yes:
            return NO, YES
        case [first, second] if first in yes and second in no:
            return YES, NO
        case _:
            return (YES, NO) if len(buttons) == _PAIR and lines == 1 else _NUMBERS


def _said(*words: Word) -> set[str]:
    return {catalogue[word].casefold() for catalogue in CATALOGUES.values() for word in words}
