"""The settings of the mock platform: what there is, and how an action changes it."""

from attrs import evolve

from protocols.platform import FailureKind, PlatformFailedError, SettingsAction, UserSettings

DEFAULT_SETTINGS = UserSettings(
    skills={"web_search": True, "code": True, "memory": False, "images": False}, model="mock-1"
)


def changed(settings: UserSettings, action: SettingsAction) -> UserSettings:
    """*settings* after *action*; what is not known is rejected, as a platform does.

    Known are ``toggle_skill`` {skill}, ``set`` {model} or {skill, is_on}, and ``reset`` {}.
    """
    match action:
        case SettingsAction("toggle_skill", {"skill": str(skill)}) if skill in settings.skills:
            return _with_skill(settings, skill, is_on=not settings.skills[skill])
        case SettingsAction("set", {"skill": str(skill), "is_on": bool(is_on)}) if (
            skill in settings.skills
        ):
            return _with_skill(settings, skill, is_on=is_on)
        case SettingsAction("set", {"model": str(model)}):
            return evolve(settings, model=model)
        case SettingsAction("reset"):
            return DEFAULT_SETTINGS
        case _:
            raise PlatformFailedError(FailureKind.REJECTED, is_retryable=False)


def _with_skill(settings: UserSettings, skill: str, *, is_on: bool) -> UserSettings:
    return evolve(settings, skills={**settings.skills, skill: is_on})
