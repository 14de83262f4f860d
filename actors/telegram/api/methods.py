"""What is asked of Telegram, method by method, and what of its answers is read.

aiogram's methods are the vocabulary: each knows its name on the wire and what it takes. Their
answers are read here and not by aiogram's types, as of an answer we need one number at most,
and a message that is sent stays sent, whatever unknown thing it shows of itself.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, ClassVar, Protocol

import trio
from attrs import define
from pydantic import ValidationError

from actors.telegram.api.answers import (
    done_in,
    edited_in,
    failure_in,
    me_in,
    opened_in,
    sent_in,
)
from actors.telegram.api.fields import Entity, album, attached, menu, place, reaction, words
from actors.telegram.api.outcomes import (
    Done,
    Failure,
    Me,
    NotModified,
    Opened,
    Refusal,
    Refused,
    Sent,
    Unauthorized,
    Updates,
)
from actors.telegram.api.vocabulary import (
    AnswerCallbackQuery,
    Bot,
    CreateForumTopic,
    DeleteMessage,
    EditMessageText,
    GetFile,
    GetMe,
    GetUpdates,
    SendAudio,
    SendChatAction,
    SendDocument,
    SendMediaGroup,
    SendMessage,
    SendMessageDraft,
    SendPhoto,
    SendVideo,
    SendVoice,
    SetMessageReaction,
    SetMyCommands,
    TelegramMethod,
)
from protocols.files import FileKind, LocalFile
from protocols.journal import Keyboard

Take = Callable[[bytes], Awaitable[bool]]
"""Takes the next bytes of a file; False: no more are wanted."""

_SENDERS: dict[FileKind, type[TelegramMethod[Any]]] = {
    FileKind.PHOTO: SendPhoto,
    FileKind.VIDEO: SendVideo,
    FileKind.AUDIO: SendAudio,
    FileKind.VOICE: SendVoice,
    FileKind.DOCUMENT: SendDocument,
}


class Session(Protocol):
    """The way to the Bot API server."""

    async def ask(
        self,
        bot: Bot,
        method: TelegramMethod[Any],
        *,
        more: float = 0.0,
        files: Sequence[LocalFile] = (),
    ) -> Any:
        """The result of *method* as it stands in the JSON, or the failure.

        It may take *more* seconds than usual. The first of *files* is what *method* calls
        ``attach://0``, and so on.
        """

    async def fetch(self, bot: Bot, file_path: str, take: Take) -> Done | Failure:
        """Hand the content of a file over."""


class _RawUpdates(GetUpdates):
    """Updates as Telegram wrote them: aiogram loses a whole batch to one that it cannot read."""

    __returning__: ClassVar[Any] = list[dict[str, Any]]


@define
class TelegramClient:
    """One bot on its Bot API server.

    Every method ends in one of the values of ``outcomes``; none raises.
    """

    _session: Session
    _bot: Bot | None
    """None: the token is none."""

    # Receiving.

    async def get_me(self) -> Me | Failure:
        """Who the bot is; also whether the token is good."""
        return me_in(await self._ask(GetMe()))

    async def get_updates(
        self, offset: int | None, kinds: Sequence[str], *, wait: float, limit: int = 100
    ) -> Updates | Failure:
        """What is new of *kinds* from *offset* on, at once or within *wait* seconds.

        The offset confirms every update before it: Telegram forgets those.
        """
        seconds = int(wait)
        method = _RawUpdates(
            offset=offset, timeout=seconds, limit=limit, allowed_updates=list(kinds)
        )
        found = await self._ask(method, more=seconds)
        return Updates(tuple(found)) if isinstance(found, list) else failure_in(found)

    async def download(self, file_id: str, take: Take) -> Done | Failure:
        """Hand the file over, from its beginning, until all of it is there or *take* has enough."""
        found = await self._ask(GetFile(file_id=file_id))
        match found:
            case {"file_path": str(file_path)} if self._bot is not None:
                return await self._session.fetch(self._bot, file_path, take)
            case _:
                return failure_in(found)

    # Messages.

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
        """Send *text* as a new message; sent twice, it stands there twice.

        A message *reply_to* that is gone does not matter.
        """
        fields = words(text, entities, keyboard) | place(chat_id, thread_id, reply_to)
        return sent_in(await self._ask_checked(SendMessage, fields))

    async def edit_message(
        self,
        chat_id: int,
        message_id: int,
        text: str,
        entities: Sequence[Entity] = (),
        *,
        keyboard: Keyboard = (),
    ) -> Sent | NotModified | Failure:
        """Replace the text and the buttons of a message of ours; the same is ``NotModified``."""
        fields = words(text, entities, keyboard) | {"chat_id": chat_id, "message_id": message_id}
        return edited_in(await self._ask_checked(EditMessageText, fields))

    async def delete_message(self, chat_id: int, message_id: int) -> Done | Failure:
        """Delete a message of ours."""
        return done_in(await self._ask(DeleteMessage(chat_id=chat_id, message_id=message_id)))

    async def send_draft(
        self,
        chat_id: int,
        draft_id: int,
        text: str,
        entities: Sequence[Entity] = (),
        *,
        thread_id: int | None = None,
    ) -> Done | Failure:
        """Show *text* for 30 s as what is being written, with a Stop button; private chats only.

        Without *text* it says that the bot thinks. The next message of ours takes it away.
        """
        fields = words(text, entities) | place(chat_id, thread_id)
        fields |= {"draft_id": draft_id, "can_stop": True}
        return done_in(await self._ask_checked(SendMessageDraft, fields))

    async def send_typing(self, chat_id: int, thread_id: int | None = None) -> Done | Failure:
        """Show for 5 s that an answer is being written."""
        method = SendChatAction(action="typing", **place(chat_id, thread_id))
        return done_in(await self._ask(method))

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
        """Send *file* as a message of its own, shown as *kind*; at most *within* seconds long.

        Raises nothing where the file is not there: that is ``Refusal.FILE_GONE``.
        """
        made = _SENDERS[kind](**{kind.value: attached(0)}, **place(chat_id, thread_id, reply_to))
        return sent_in(await self._ask(made, more=within, files=(file,)))

    async def send_album(
        self,
        chat_id: int,
        files: Sequence[LocalFile],
        *,
        thread_id: int | None = None,
        reply_to: int | None = None,
        within: float,
    ) -> Sent | Failure:
        """Send 2 to 10 photos and videos as one album; the answer is its first message."""
        made = SendMediaGroup(**album(files), **place(chat_id, thread_id, reply_to))
        return sent_in(await self._ask(made, more=within, files=files))

    # The rest.

    async def react(self, chat_id: int, message_id: int, emoji: str) -> Done | Failure:
        """Show *emoji* as our reaction on a message; without one, take it away."""
        method = SetMessageReaction(**reaction(chat_id, message_id, emoji))
        return done_in(await self._ask(method))

    async def answer_callback(self, callback_id: str, text: str = "") -> Done | Failure:
        """Answer the press of a button; *text*, at most 200 characters, is shown above the chat."""
        method = AnswerCallbackQuery(callback_query_id=callback_id, text=text[:200])
        return done_in(await self._ask(method))

    async def create_topic(self, chat_id: int, name: str) -> Opened | Failure:
        """Open a topic, at most 128 characters its *name*."""
        return opened_in(await self._ask(CreateForumTopic(chat_id=chat_id, name=name)))

    async def set_commands(
        self, commands: Mapping[str, str], scope: Mapping[str, Any], language: str
    ) -> Done | Failure:
        """Put *commands*, with their descriptions, into the menu of whoever *scope* names."""
        return done_in(await self._ask(SetMyCommands(**menu(commands, scope, language))))

    async def _ask_checked(
        self,
        method: type[SendMessage | EditMessageText | SendMessageDraft],
        fields: dict[str, Any],
    ) -> Any:
        try:
            made = method(**fields)
        except ValidationError:
            return Refused(400, "these are no entities of the Bot API", Refusal.ENTITIES)
        return await self._ask(made)

    async def _ask(
        self, method: TelegramMethod[Any], *, more: float = 0.0, files: Sequence[LocalFile] = ()
    ) -> Any:
        if self._bot is None:
            await trio.lowlevel.checkpoint()
            return Unauthorized()
        return await self._session.ask(self._bot, method, more=more, files=files)
