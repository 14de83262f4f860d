"""Users and settings of the modes whose agent knows no users: the store keeps them."""

from hashlib import sha256

import trio
from attrs import define, field

from actors.kernel.asking import ask_until_answered
from actors.platform.local_settings import (
    DEFAULT_SETTINGS,
    changed,
    read_settings,
    settings_text,
)
from protocols.changes import PutKey
from protocols.mail import Address
from protocols.platform import SettingsAction, User, UserSettings, UserUnknownError
from protocols.store import Commit, GetKey, StoreMessage


def user_id_of(external_id: str, platform: str) -> str:
    """The id of a person on a surface: ``user-`` and 16 hexadecimal digits, always the same."""
    return f"user-{sha256(f'{platform}:{external_id}'.encode()).hexdigest()[:16]}"


def settings_key(user_id: str) -> str:
    """Where the settings of a user are kept; whoever has none is not known."""
    return f"agent_settings:{user_id}"


@define(eq=False)
class LocalUsers:
    """The users that wrote at least once, and what each of them has set.

    All of it waits for a store that restarts. An unknown user is ``UserUnknownError``, an action
    that there is not a ``PlatformFailedError`` of the kind rejected.
    """

    _store: Address[StoreMessage]
    _changing: trio.Lock = field(init=False, factory=trio.Lock)

    async def get_or_create_user(self, external_id: str, platform: str, display_name: str) -> User:
        """The user of a person on a surface; the same one every time."""
        user_id = user_id_of(external_id, platform)
        async with self._changing:
            if await self._kept(user_id) is None:
                await self._keep(user_id, DEFAULT_SETTINGS)
        return User(user_id, external_id, platform, display_name)

    async def get_settings(self, user_id: str) -> UserSettings:
        """The settings of a known user."""
        kept = await self._kept(user_id)
        if kept is None:
            raise UserUnknownError
        return read_settings(kept)

    async def update_settings(self, user_id: str, action: SettingsAction) -> UserSettings:
        """Change the settings of a known user by an action that ``changed`` knows."""
        async with self._changing:  # of two changes at once neither is lost
            settings = changed(await self.get_settings(user_id), action, at_first=DEFAULT_SETTINGS)
            await self._keep(user_id, settings)
        return settings

    async def _kept(self, user_id: str) -> str | None:
        return await ask_until_answered(self._store, GetKey(settings_key(user_id)))

    async def _keep(self, user_id: str, settings: UserSettings) -> None:
        change = PutKey(settings_key(user_id), settings_text(settings))
        await ask_until_answered(self._store, Commit((change,)))
