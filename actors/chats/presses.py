"""What a button asks for, and whether the person who pressed it may have it; pure.

An action is ``<verb>:<row>[:<rest>]``. Anybody may have invented it, so nothing in it is believed
before the row says the same.
"""

import re
from enum import StrEnum
from typing import assert_never

from attrs import field, frozen

from actors.chats.confirms import Confirm
from actors.chats.display import Extra
from actors.chats.retries import why_not
from actors.words import Word
from protocols.ids import RowId, SlotId
from protocols.journal import Row, RowState

LONGEST_ACTION_BYTES = 64
"""Longer ones cannot be shown as buttons on Telegram."""

# How rows ended whose outcome has such buttons.
ASKED_BACK = "asked back"
EDIT_OFFERED = "edit; offered to answer it"
SETTINGS_SHOWN = "/settings"
CHATS_SHOWN = "/chats"


@frozen
class StopPress:
    """End the turn of *row*."""

    row: RowId


@frozen
class RetryPress:
    """Run *row* again."""

    row: RowId


@frozen
class ChoicePress:
    """Answer the question of *row* by the choice with this *number*, from 0."""

    row: RowId
    number: int


@frozen
class AnewPress:
    """Answer the edited text, which is that of *row*."""

    row: RowId


@frozen
class SkillPress:
    """Switch *skill* on or off, in the settings that *row* shows."""

    row: RowId
    is_on: bool
    skill: str = field(repr=False)


@frozen
class DisplayPress:
    """Show *extra* around answers or do not, in the settings that *row* shows."""

    row: RowId
    is_on: bool
    extra: Extra


@frozen
class ChatPress:
    """Go back to the chat *slot*, in the list that *row* shows."""

    row: RowId
    slot: SlotId


class CatchUp(StrEnum):
    """Which messages are answered that waited while we were away."""

    ALL = "all"
    LAST = "last"
    NONE = "none"


@frozen
class CatchUpPress:
    """Answer the *choice* of what waits; *row* is the newest that did when it was asked about."""

    row: RowId
    choice: CatchUp


SwitchPress = SkillPress | DisplayPress
Pressed = StopPress | RetryPress | ChoicePress | AnewPress | SwitchPress | ChatPress | CatchUpPress

# Numbers of at most 18 digits fit the store's.
_ACTION = re.compile(r"([a-z]{1,9}):([0-9]{1,18})(?::(.*))?", re.DOTALL)
_SKILL = re.compile(r"([01]):(.*)", re.DOTALL)
_EXTRA = re.compile(f"([01]):({'|'.join(Extra)})")
_SLOT = re.compile(r"C[1-9][0-9]{0,8}")
_NUMBER = re.compile(r"[0-9]{1,3}")


def read_press(action: str) -> Pressed | None:
    """What *action* asks for; None where no button of ours does."""
    found = _ACTION.fullmatch(action)
    if found is None:
        return None
    row = RowId(int(found[2]))
    match found[1], found[3]:
        case "stop", None:
            return StopPress(row)
        case "retry", None:
            return RetryPress(row)
        case "anew", None:
            return AnewPress(row)
        case verb, str(rest):
            return _read_rest(verb, row, rest)
        case _:
            return None


def _read_rest(verb: str, row: RowId, rest: str) -> Pressed | None:
    if verb == "confirm" and _NUMBER.fullmatch(rest):
        return ChoicePress(row, int(rest))
    if verb == "chat" and _SLOT.fullmatch(rest):
        return ChatPress(row, SlotId(rest))
    if verb == "set" and (found := _SKILL.fullmatch(rest)):
        return SkillPress(row, found[1] == "1", found[2])
    if verb == "show" and (found := _EXTRA.fullmatch(rest)):
        return DisplayPress(row, found[1] == "1", Extra(found[2]))
    if verb == "wait" and rest in set(CatchUp):
        return CatchUpPress(row, CatchUp(rest))
    return None


def action_of(pressed: Pressed) -> str:
    """The action that ``read_press`` reads as *pressed*."""
    match pressed:
        case StopPress(row):
            return f"stop:{row}"
        case RetryPress(row):
            return f"retry:{row}"
        case ChoicePress(row, number):
            return f"confirm:{row}:{number}"
        case AnewPress(row):
            return f"anew:{row}"
        case SkillPress(row, is_on, skill):
            return f"set:{row}:{int(is_on)}:{skill}"
        case DisplayPress(row, is_on, extra):
            return f"show:{row}:{int(is_on)}:{extra}"
        case ChatPress(row, slot):
            return f"chat:{row}:{slot}"
        case CatchUpPress(row, choice):
            return f"wait:{row}:{choice}"
        case _:
            assert_never(pressed)


def why_refused(pressed: Pressed | None, presser: Row, target: Row | None) -> Word | None:
    """The word for a press that does nothing; None where it counts.

    *presser* is the row of the press itself, *target* the one that it names, as that is now.
    """
    if pressed is None or target is None or target.room != presser.room:
        return Word.PRESS_UNKNOWN
    if target.sender != presser.sender:
        return Word.PRESS_NOT_YOURS
    if not _has_such_a_button(pressed, target):
        return Word.PRESS_UNKNOWN
    is_once = isinstance(pressed, RetryPress | ChoicePress | AnewPress)
    return Word.PRESS_DECIDED if is_once and target.decided else None


def _has_such_a_button(pressed: Pressed, target: Row) -> bool:
    match pressed:
        case StopPress():
            return target.run_id is not None
        case RetryPress():
            return why_not(target) is None
        case ChoicePress():
            return target.state is RowState.ANSWERED and target.reason == ASKED_BACK
        case AnewPress():
            return target.edits is not None and target.reason == EDIT_OFFERED
        case SkillPress() | DisplayPress():
            return target.reason == SETTINGS_SHOWN
        case ChatPress():
            return target.reason == CHATS_SHOWN
        case CatchUpPress():
            return target.run_id is None
        case _:
            assert_never(pressed)


@frozen
class Chosen:
    """*choice* answers *question*."""

    question: Confirm
    choice: str = field(repr=False)


def chosen(pressed: ChoicePress, question: Confirm | None, at: float) -> Chosen | Word:
    """What was chosen; the word for it where that *question* is not open any more.

    *question* is the open one to the person who pressed *at* that time.
    """
    if question is None or question.row != pressed.row or at >= question.expires_at:
        return Word.PRESS_EXPIRED
    if pressed.number >= len(question.choices):
        return Word.PRESS_UNKNOWN
    return Chosen(question, question.choices[pressed.number])
