"""The settings where the agent has no users of its own: what there is, and how it changes; pure."""

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from attrs import evolve

from protocols.platform import FailureKind, PlatformFailedError, SettingsAction, UserSettings

MANNERS: Mapping[str, str] = MappingProxyType(
    {
        "concise": "Answer in a few sentences, unless the person asks for more.",
        "step_by_step": "Explain your answer step by step.",
        "plain_language": "Use everyday words, and explain every technical term that you need.",
        "code": "Where code helps, give it complete and ready to run, and name its language.",
        "ask_back": "Where a question can be understood in several ways, ask before you answer.",
    }
)
"""The skills of an agent that has none of its own: each tells it one sentence. All are off."""

DEFAULT_SETTINGS = UserSettings(skills=dict.fromkeys(MANNERS, False))
"""An empty model is the operator's choice."""


def manners(settings: UserSettings) -> tuple[str, ...]:
    """The sentences that the agent is told for the skills that are on."""
    return tuple(line for skill, line in MANNERS.items() if settings.skills.get(skill, False))


def changed(
    settings: UserSettings, action: SettingsAction, *, at_first: UserSettings
) -> UserSettings:
    """*settings* after *action*; what is not known is rejected, as a platform does.

    Known are ``toggle_skill`` {skill}, ``set`` {model} or {skill, is_on}, and ``reset`` {}, which
    gives what was *at_first*.
    """
    match action:
        case SettingsAction("toggle_skill", {"skill": str(skill)}) if skill in settings.skills:
            return _with_skill(settings, skill, is_on=not settings.skills[skill])
        case SettingsAction("set", {"skill": str(skill), "is_on": bool(is_on)}) if (
            skill in settings.skills
        ):
            return _with_skill(settings, skill, is_on=is_on)
        case SettingsAction("set", {"model": str(model)}):
            return evolve(settings, model=model.strip())
        case SettingsAction("reset"):
            return evolve(at_first, skills=dict(at_first.skills))
        case _:
            raise PlatformFailedError(FailureKind.REJECTED, is_retryable=False)


def settings_text(settings: UserSettings) -> str:
    """*settings* as JSON text; only what is not as it comes."""
    skills_on = [skill for skill, is_on in settings.skills.items() if is_on]
    return json.dumps({"skills_on": skills_on, "model": settings.model}, ensure_ascii=False)


def read_settings(text: str) -> UserSettings:
    """The settings in *text*, which another version may have written: what is unknown is left out.

    Raises:
        ValueError: It is no JSON.
    """
    kept: Any = json.loads(text)
    skills_on = kept.get("skills_on", ())
    skills = {skill: skill in skills_on for skill in MANNERS}
    return UserSettings(skills, kept.get("model", ""))


def _with_skill(settings: UserSettings, skill: str, *, is_on: bool) -> UserSettings:
    return evolve(settings, skills={**settings.skills, skill: is_on})
