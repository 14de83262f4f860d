"""The settings that everybody has at first on the mock platform."""

from protocols.platform import UserSettings

DEFAULT_SETTINGS = UserSettings(
    skills={"web_search": True, "code": True, "memory": False, "images": False}, model="mock-1"
)
