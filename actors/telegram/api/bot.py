"""What the sending half needs of a client, as it says it."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from actors.telegram.api.fields import Entity
from actors.telegram.api.methods import Take
from actors.telegram.api.outcomes import Done, Failure, Me, NotModified, Opened, Sent
from protocols.files import FileKind, LocalFile
from protocols.journal import Keyboard


class Bot(Protocol):
    """One bot; every request ends in a value."""

    async def get_me(self) -> Me | Failure:
        """Who the bot is."""

    async def send_message(
        self,
        chat_id: int,
        text: str,
        entities: Sequence[Entity] = (),
        *,
        thread_id: int | None = None,
        reply_to: int | None = None,
        keyboard: Keyboard = (),
    ) -> Sent | Failure:
        """Send a new message."""

    async def edit_message(
        self,
        chat_id: int,
        message_id: int,
        text: str,
        entities: Sequence[Entity] = (),
        *,
        keyboard: Keyboard = (),
    ) -> Sent | NotModified | Failure:
        """Replace the text and the buttons of a message."""

    async def delete_message(self, chat_id: int, message_id: int) -> Done | Failure:
        """Delete a message of ours."""

    async def send_draft(
        self,
        chat_id: int,
        draft_id: int,
        text: str,
        entities: Sequence[Entity] = (),
        *,
        thread_id: int | None = None,
    ) -> Done | Failure:
        """Show for 30 s what is being written."""

    async def send_typing(self, chat_id: int, thread_id: int | None = None) -> Done | Failure:
        """Show typing."""

    async def send_file(
        self,
        chat_id: int,
        file: LocalFile,
        kind: FileKind,
        *,
        thread_id: int | None = None,
        reply_to: int | None = None,
        within: float,
    ) -> Sent | Failure:
        """Send a file as a message of its own."""

    async def send_album(
        self,
        chat_id: int,
        files: Sequence[LocalFile],
        *,
        thread_id: int | None = None,
        reply_to: int | None = None,
        within: float,
    ) -> Sent | Failure:
        """Send 2 to 10 photos and videos as one album."""

    async def react(self, chat_id: int, message_id: int, emoji: str) -> Done | Failure:
        """Show our reaction on a message; empty takes it away."""

    async def answer_callback(self, callback_id: str, text: str = "") -> Done | Failure:
        """Answer the press of a button."""

    async def download(self, file_id: str, take: Take) -> Done | Failure:
        """Hand a file over, part by part."""

    async def create_topic(self, chat_id: int, name: str) -> Opened | Failure:
        """Open a topic."""

    async def set_commands(
        self, commands: Mapping[str, str], scope: Mapping[str, Any], language: str
    ) -> Done | Failure:
        """Put commands into a menu."""
