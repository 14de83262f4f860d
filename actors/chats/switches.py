"""``/settings`` and its buttons: what the directory asks the platform about a person."""

from typing import TypeVar

from attrs import define

from actors.chats.answers import Answers
from actors.chats.decisions import SwitchSkill
from actors.chats.keyboards import buttoned_skills, skill_label, skills_keyboard
from actors.chats.links import surface_of_person
from actors.chats.manner import Manner
from actors.chats.page import amended
from actors.chats.presses import SETTINGS_SHOWN
from actors.words import Word, plain
from protocols.journal import Row
from protocols.mail import Address, NoAnswerError, Question
from protocols.platform import SettingsAction, UserSettings
from protocols.turns import ChangeSettings, FetchSettings, PlatformMessage, TurnFailed

A = TypeVar("A")


@define
class Switches:
    """Shows what the agent may do for a person, and switches it on or off."""

    answers: Answers
    platform: Address[PlatformMessage]

    async def show(self, row: Row) -> None:
        """Answer the ``/settings`` of *row*."""
        manner = self.answers.manner(row)
        person = await self.answers.person(row)
        settings = await self._ask(FetchSettings(surface_of_person(person), person))
        if settings is None:
            text = manner.say(Word.SETTINGS_FAILED)
            await self.answers.show(row, text, (), reason="settings not known")
            return
        keyboard = skills_keyboard(row.id, settings.skills, manner)
        text = settings_text(row, settings, manner)
        await self.answers.show(row, text, keyboard, reason=SETTINGS_SHOWN)

    async def switch(self, row: Row, wanted: SwitchSkill) -> None:
        """Do what the press *row* wants; the settings that are shown say so."""
        manner = self.answers.manner(row)
        # Not a toggle: a press that is read again after a crash changes nothing.
        action = SettingsAction("set", {"skill": wanted.skill, "is_on": wanted.is_on})
        person = await self.answers.person(row)
        settings = await self._ask(ChangeSettings(surface_of_person(person), person, action))
        if settings is None:
            answer = manner.say(Word.PRESS_FAILED)
            reason = "settings not changed"
            await self.answers.close_press(row, answer, reason=reason, is_refused=True)
            return
        keyboard = skills_keyboard(wanted.shown.row, settings.skills, manner)
        more = amended(row, manner, wanted.shown, text="", keyboard=keyboard)
        answer = skill_label(wanted.skill, manner, is_on=wanted.is_on)
        if not await self.answers.close_press(row, answer, reason="settings", more=more):
            self.answers.hints.answer_press(row)

    async def _ask(self, question: Question[UserSettings | TurnFailed]) -> UserSettings | None:
        try:
            settings = await self.platform.ask(question)
        except NoAnswerError:
            return None
        return settings if isinstance(settings, UserSettings) else None


def settings_text(row: Row, settings: UserSettings, manner: Manner) -> str:
    """What stands above the buttons of ``/settings``, or in their place."""
    if not settings.skills:
        return manner.say(Word.SETTINGS_NONE)
    buttoned = buttoned_skills(row.id, settings.skills) if manner.has_buttons else {}
    lines = "\n".join(
        f"- {skill_label(plain(skill), manner, is_on=is_on)}"
        for skill, is_on in sorted(settings.skills.items())
        if skill not in buttoned
    )
    if not buttoned:
        return manner.say(Word.SETTINGS_LIST, skills=lines)
    return "\n\n".join(part for part in (manner.say(Word.SETTINGS), lines) if part)
