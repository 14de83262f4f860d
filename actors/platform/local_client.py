"""What clients share whose agent knows neither users nor runs: the store keeps the former."""

from collections.abc import AsyncGenerator

import trio
from attrs import define

from actors.platform.local_users import LocalUsers
from actors.platform.whole import whole_answer
from protocols.ids import RunId
from protocols.platform import (
    NO_DETAILS,
    Answer,
    Attachment,
    Resume,
    RunDetails,
    SettingsAction,
    StreamPart,
    User,
    UserSettings,
)


@define(eq=False)
class LocalClient:
    """All of a ``PlatformClient`` but its stream, its history and its access."""

    _users: LocalUsers

    async def get_or_create_user(self, external_id: str, platform: str, display_name: str) -> User:
        """The user of a person on a surface; the agent hears of the id at most."""
        return await self._users.get_or_create_user(external_id, platform, display_name)

    async def get_settings(self, user_id: str) -> UserSettings:
        """The person's settings, kept here."""
        return await self._users.get_settings(user_id)

    async def update_settings(self, user_id: str, action: SettingsAction) -> UserSettings:
        """Change the person's settings, kept here."""
        return await self._users.update_settings(user_id, action)

    async def cancel_run(self, run_id: RunId) -> None:  # noqa: ARG002  # the agent knows none
        """Nothing more than leaving the stream, which closes its connection: the agent stops."""
        await trio.lowlevel.checkpoint()

    async def send_message(
        self,
        user_id: str,
        chat_id: str,
        text: str,
        *,
        run_id: RunId,
        attachments: tuple[Attachment, ...] = (),
        details: RunDetails = NO_DETAILS,
    ) -> Answer:
        """Run the agent and wait for the whole answer; a question of it is part of that."""
        stream = self.stream_message(
            user_id, chat_id, text, run_id=run_id, attachments=attachments, details=details
        )
        return await whole_answer(stream)

    def stream_message(
        self,
        user_id: str,
        chat_id: str,
        text: str,
        *,
        run_id: RunId,
        attachments: tuple[Attachment, ...] = (),
        resume: Resume | None = None,
        details: RunDetails = NO_DETAILS,
    ) -> AsyncGenerator[StreamPart, None]:
        """Run the agent and hand over its answer as it comes; anew at every request."""
        raise NotImplementedError
