"""A person's own settings: what is asked of the agent for ``/settings``."""

from collections.abc import Callable
from typing import assert_never

import trio
from attrs import define

from actors.platform.people import People
from protocols.platform import (
    FailureKind,
    PlatformClient,
    PlatformFailedError,
    UserSettings,
    UserUnknownError,
)
from protocols.turns import ChangeSettings, FetchSettings, TurnFailed

SETTINGS_LIMIT = 8.0  # below the 10 s that a question waits by default


@define
class PersonalSettings:
    """Answers what is asked about a person's settings, each time once.

    Args:
        on_refused: Told where the agent did not let us in.
    """

    _client: PlatformClient
    _people: People
    _on_refused: Callable[[], None]

    async def answer(self, question: FetchSettings | ChangeSettings) -> None:
        """Answer *question* with the settings, or with why there are none."""
        answer: UserSettings | TurnFailed = TurnFailed("", FailureKind.TIMEOUT)
        with trio.move_on_after(SETTINGS_LIMIT):
            try:
                answer = await self._settings(question)
            except PlatformFailedError as error:
                answer = TurnFailed("", error.kind)
        question.reply_to.send(answer)
        if answer == TurnFailed("", FailureKind.UNAUTHORIZED):
            self._on_refused()

    async def _settings(self, question: FetchSettings | ChangeSettings) -> UserSettings:
        try:
            return await self._settings_now(question)
        except UserUnknownError:  # nothing was changed
            self._people.forget(question.sender)
        return await self._settings_now(question)

    async def _settings_now(self, question: FetchSettings | ChangeSettings) -> UserSettings:
        user_id = await self._people.user_id_of(question.sender)
        match question:
            case FetchSettings():
                return await self._client.get_settings(user_id)
            case ChangeSettings(action=action):
                # Once only: a toggle that is tried again may have been done already.
                return await self._client.update_settings(user_id, action)
            case _:
                assert_never(question)
