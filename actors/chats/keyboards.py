"""The buttons below what the gateway and the agent say; pure. Without buttons there are none."""

from collections.abc import Iterable, Mapping

from actors.chats.display import Display, Extra
from actors.chats.manner import Manner
from actors.chats.presses import (
    LONGEST_ACTION_BYTES,
    AnewPress,
    CatchUp,
    CatchUpPress,
    ChatPress,
    ChoicePress,
    DisplayPress,
    Pressed,
    RetryPress,
    SkillPress,
    action_of,
    read_press,
)
from actors.chats.slots import Chat
from actors.words import SKILLS, Word
from protocols.ids import RowId, SlotId
from protocols.journal import Button, Keyboard

MOST_BUTTONS = 30
LONGEST_LABEL = 60
IN_USE = "•"
"""Before the name of the chat in use; buttons are drawn anew after a press, a text is not."""

LONGEST_LINE = 24
"""Characters of the labels that share a line: more are cut on a telephone."""

MOST_SKILLS = MOST_BUTTONS - len(Extra)

_CHOICES = {
    "yes": Word.CHOICE_YES,
    "no": Word.CHOICE_NO,
    "approve": Word.CHOICE_APPROVE,
    "reject": Word.CHOICE_REJECT,
}
_EXTRAS = {Extra.USAGE: Word.SHOW_USAGE, Extra.REASONING: Word.SHOW_REASONING}


def retry_keyboard(row: RowId, manner: Manner) -> Keyboard:
    """To run *row* again."""
    return _one_a_line([_button(manner.say(Word.BUTTON_RETRY), RetryPress(row))], manner)


def anew_keyboard(row: RowId, manner: Manner) -> Keyboard:
    """To answer the edited text of *row*."""
    return _one_a_line([_button(manner.say(Word.BUTTON_ANSWER_ANEW), AnewPress(row))], manner)


def choice_label(choice: str, manner: Manner) -> str:
    """What a choice is called: yes, no and their like in the person's language, or as it came."""
    word = _named(choice)
    return " ".join(choice.split()) if word is None else manner.say(word)


def choice_word(choice: str, manner: Manner) -> str:
    """What a person types for a choice; it counts as ``choice_in`` reads it."""
    word = _named(choice)
    return choice if word is None else manner.say(word).lower()


def choice_keyboard(row: RowId, choices: tuple[str, ...], manner: Manner) -> Keyboard:
    """To answer the question of *row*."""
    labels = [choice_label(choice, manner) for choice in choices]
    buttons = [
        _button(label, ChoicePress(row, number)) for number, label in enumerate(labels) if label
    ]
    if manner.has_buttons and buttons and sum(map(len, labels)) <= LONGEST_LINE:
        return (tuple(buttons),)
    return _one_a_line(buttons, manner)


def catch_up_keyboard(row: RowId, manner: Manner) -> Keyboard:
    """To say which of the messages are answered that wait, of which *row* is the newest."""
    labels = {
        CatchUp.ALL: Word.BUTTON_ALL,
        CatchUp.LAST: Word.BUTTON_LAST,
        CatchUp.NONE: Word.BUTTON_NONE,
    }
    buttons = (_button(manner.say(word), CatchUpPress(row, it)) for it, word in labels.items())
    return (tuple(buttons),) if manner.has_buttons else ()


def chat_label(chat: Chat) -> str:
    """What a chat is called where Markdown would show as it is."""
    return f"{chat.slot} {chat.name}".rstrip()


def chats_keyboard(
    row: RowId, chats: Iterable[Chat], manner: Manner, *, in_use: SlotId | None = None
) -> Keyboard:
    """To go back to one of *chats*; the one *in_use* is marked."""
    labels = {it.slot: chat_label(it) for it in chats}
    if in_use in labels:
        labels[in_use] = f"{IN_USE} {labels[in_use]}"
    buttons = [_button(label, ChatPress(row, slot)) for slot, label in labels.items()]
    return _one_a_line(buttons, manner)


def skill_label(skill: str, manner: Manner, *, is_on: bool) -> str:
    """A skill and whether it is on: as the catalogue calls it, or as it came."""
    return _switch_label(_skill_name(skill, manner), manner, is_on=is_on)


def skills_keyboard(row: RowId, skills: Mapping[str, bool], manner: Manner) -> Keyboard:
    """To switch each of *skills* that ``has_skill_button``."""
    return _one_a_line(
        [
            _button(
                skill_label(skill, manner, is_on=is_on),
                SkillPress(row, is_on=not is_on, skill=skill),
            )
            for skill, is_on in buttoned_skills(row, skills).items()
        ],
        manner,
    )


def buttoned_skills(row: RowId, skills: Mapping[str, bool]) -> dict[str, bool]:
    """Those of *skills* that a button has room for, sorted."""
    fitting = [
        skill for skill in sorted(skills) if _fits(SkillPress(row, is_on=False, skill=skill))
    ]
    return {skill: skills[skill] for skill in fitting[:MOST_SKILLS]}


def extra_label(extra: Extra, manner: Manner, *, is_on: bool) -> str:
    """One of our own switches and whether it is on."""
    return _switch_label(manner.say(_EXTRAS[extra]), manner, is_on=is_on)


def extra_labels(display: Display, manner: Manner) -> tuple[str, ...]:
    """All our own switches, each with whether it is on."""
    return tuple(extra_label(extra, manner, is_on=extra in display.extras) for extra in Extra)


def with_extras(keyboard: Keyboard, row: RowId, display: Display, manner: Manner) -> Keyboard:
    """*keyboard* with our own switches below it, in the place of those that are in it."""
    others = tuple(line for line in keyboard if not any(map(_is_extra, line)))
    presses = [DisplayPress(row, extra not in display.extras, extra) for extra in Extra]
    labels = extra_labels(display, manner)
    return others + _one_a_line(list(map(_button, labels, presses)), manner)


def _skill_name(skill: str, manner: Manner) -> str:
    word = SKILLS.get(skill)
    return skill if word is None else manner.say(word)


def _switch_label(name: str, manner: Manner, *, is_on: bool) -> str:
    return manner.say(Word.SKILL_ON if is_on else Word.SKILL_OFF, skill=name)


def _is_extra(button: Button) -> bool:
    return isinstance(read_press(button.action), DisplayPress)


def _named(choice: str) -> Word | None:
    """The catalogue's word for *choice*, if it has one."""
    return _CHOICES.get(choice.strip().casefold())


def _fits(pressed: Pressed) -> bool:
    action = action_of(pressed)
    # Half a surrogate, which JSON can hold and UTF-8 cannot, is not printable.
    return action.isprintable() and len(action.encode()) <= LONGEST_ACTION_BYTES


def _button(label: str, pressed: Pressed) -> Button:
    return Button(label[:LONGEST_LABEL], action_of(pressed))


def _one_a_line(buttons: list[Button], manner: Manner) -> Keyboard:
    return tuple((button,) for button in buttons[:MOST_BUTTONS]) if manner.has_buttons else ()
