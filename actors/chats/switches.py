"""``/settings`` and its buttons: the agent's skills, and what we show around its answers."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import TypeVar, assert_never

import trio
from attrs import define, field

from actors.chats.answers import Answers
from actors.chats.decisions import SwitchSetting
from actors.chats.display import (
    Display,
    Extra,
    display_key,
    display_of,
    display_text,
    read_switch,
)
from actors.chats.identities import first_identity
from actors.chats.keyboards import (
    buttoned_skills,
    extra_label,
    extra_labels,
    skill_label,
    skills_keyboard,
    with_extras,
)
from actors.chats.manner import Manner
from actors.chats.page import amended
from actors.chats.presses import SETTINGS_SHOWN, DisplayPress, SkillPress
from actors.words import Word, plain
from protocols.changes import Change, PutKey
from protocols.ids import surface_of
from protocols.journal import Amends, Keyboard, Row
from protocols.mail import Address, CalleeParkedError, NoAnswerError, Question
from protocols.platform import FailureKind, SettingsAction, UserSettings
from protocols.store import FindOutgoing, Outgoing
from protocols.turns import ChangeSettings, FetchSettings, PlatformMessage, TurnFailed

A = TypeVar("A")

_NO_SKILLS: Mapping[str, bool] = MappingProxyType({})


@define
class Switches:
    """Shows what the agent may do for a person and what we show of it, and switches both."""

    answers: Answers
    platform: Address[PlatformMessage]
    _deciding: trio.Lock = field(factory=trio.Lock)
    """Our own switches are read and written one at a time: a person may have several rooms."""

    async def show(self, row: Row, words: str) -> None:
        """Answer the ``/settings`` of *row*: show all there are, or do what its *words* say."""
        if not words:
            await self._show_all(row)
        elif (wanted := read_switch(words)) is not None:
            extra, is_on = wanted
            await self._obey(row, extra, is_on=is_on)
        else:
            text = self.answers.manner(row).say(Word.SETTINGS_WORDS)
            await self.answers.show(row, text, reason="settings not understood")

    async def switch(self, row: Row, wanted: SwitchSetting) -> None:
        """Do what the press *row* wants; the settings that are shown say so."""
        match wanted.pressed:
            case SkillPress() as pressed:
                await self._switch_skill(row, wanted.shown, pressed)
            case DisplayPress() as pressed:
                await self._switch_extra(row, wanted.shown, pressed)
            case pressed:
                assert_never(pressed)

    async def _show_all(self, row: Row) -> None:
        manner, store = self.answers.manner(row), self.answers.store
        person = await first_identity(store, row.sender)
        settings = await self._ask(FetchSettings(surface_of(row.room), person))
        display = await display_of(store, person)
        skills = _skills(settings)
        keyboard = with_extras(skills_keyboard(row.id, skills, manner), row.id, display, manner)
        text = settings_text(row, settings, display, manner)
        await self.answers.show(row, text, keyboard, reason=SETTINGS_SHOWN)

    async def _obey(self, row: Row, extra: Extra, *, is_on: bool) -> None:
        manner = self.answers.manner(row)
        text = extra_label(extra, manner, is_on=is_on)
        async with self._deciding:
            kept, _ = await self._switched(row, extra, is_on=is_on)
            await self.answers.show(row, text, reason="settings by words", more=(kept,))

    async def _switch_skill(self, row: Row, shown: Amends, pressed: SkillPress) -> None:
        manner, store = self.answers.manner(row), self.answers.store
        person = await first_identity(store, row.sender)
        # Not a toggle: a press that is read again after a crash changes nothing.
        action = SettingsAction("set", {"skill": pressed.skill, "is_on": pressed.is_on})
        settings = await self._ask(ChangeSettings(surface_of(row.room), person, action))
        if isinstance(settings, Word):
            answer = manner.say(Word.PRESS_FAILED)
            reason = "settings not changed"
            await self.answers.close_press(row, answer, reason=reason, is_refused=True)
            return
        display = await display_of(store, person)
        skills = skills_keyboard(shown.row, settings.skills, manner)
        keyboard = with_extras(skills, shown.row, display, manner)
        more = amended(row, manner, shown, text="", keyboard=keyboard)
        answer = skill_label(pressed.skill, manner, is_on=pressed.is_on)
        if not await self.answers.close_press(row, answer, reason="settings", more=more):
            self.answers.hints.answer_press(row)

    async def _switch_extra(self, row: Row, shown: Amends, pressed: DisplayPress) -> None:
        manner = self.answers.manner(row)
        answer = extra_label(pressed.extra, manner, is_on=pressed.is_on)
        async with self._deciding:
            kept, display = await self._switched(row, pressed.extra, is_on=pressed.is_on)
            skills = await self._standing(row, shown)  # the agent need not be there for it
            keyboard = with_extras(skills, shown.row, display, manner)
            more: tuple[Change, ...] = (
                kept,
                *amended(row, manner, shown, text="", keyboard=keyboard),
            )
            if not await self.answers.close_press(row, answer, reason="settings", more=more):
                self.answers.hints.answer_press(row)

    async def _switched(self, row: Row, extra: Extra, *, is_on: bool) -> tuple[PutKey, Display]:
        """What whoever sent *row* wants to see from now on, and the change that keeps it."""
        store = self.answers.store
        person = await first_identity(store, row.sender)
        display = (await display_of(store, person)).switched(extra, is_on=is_on)
        return PutKey(display_key(person), display_text(display)), display

    async def _standing(self, row: Row, shown: Amends) -> Keyboard:
        """The buttons of the settings that are *shown*, as they are or soon will be."""
        waiting = await self.answers.ask(Outgoing(row.room))
        if mine := [out.keyboard for out in waiting if out.amends == shown]:
            return mine[-1]
        standing = await self.answers.ask(FindOutgoing(row.room, shown.place))
        return () if standing is None else standing.keyboard

    async def _ask(self, question: Question[UserSettings | TurnFailed]) -> UserSettings | Word:
        """The settings, or what is said where there are none."""
        try:
            settings = await self.platform.ask(question)
        except CalleeParkedError:
            return Word.SETTINGS_REFUSED
        except NoAnswerError:
            return Word.SETTINGS_FAILED
        if isinstance(settings, UserSettings):
            return settings
        is_refused = settings.kind is FailureKind.UNAUTHORIZED
        return Word.SETTINGS_REFUSED if is_refused else Word.SETTINGS_FAILED


def settings_text(row: Row, settings: UserSettings | Word, display: Display, manner: Manner) -> str:
    """What stands above the buttons of ``/settings``, or in their place.

    Where the agent does not say its *settings*, they are the word that says why.
    """
    skills = _skills(settings)
    buttoned = buttoned_skills(row.id, skills) if manner.has_buttons else {}
    lines = [
        f"- {plain(skill_label(skill, manner, is_on=is_on))}"
        for skill, is_on in sorted(skills.items())
        if skill not in buttoned
    ]
    if manner.has_buttons:
        listed = (manner.say(Word.SETTINGS), "\n".join(lines))
    else:
        lines += [f"- {label}" for label in extra_labels(display, manner)]
        all_of_them = manner.say(Word.SETTINGS_LIST, skills="\n".join(lines))
        listed = (all_of_them, manner.say(Word.SETTINGS_WORDS))
    return "\n\n".join(part for part in (_missing(settings, manner), *listed) if part)


def _missing(settings: UserSettings | Word, manner: Manner) -> str:
    """Why there is nothing of the agent's."""
    if isinstance(settings, Word):
        return manner.say(settings)
    return "" if settings.skills else manner.say(Word.SETTINGS_NONE)


def _skills(settings: UserSettings | Word) -> Mapping[str, bool]:
    return _NO_SKILLS if isinstance(settings, Word) else settings.skills
