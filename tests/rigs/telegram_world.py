"""The people, chats and messages behind the Bot API server."""

import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import count
from typing import NamedTuple

import trio
from attrs import define, field, frozen

from tests.rigs.telegram_faults import Json
from tests.rigs.telegram_files import FileStore
from tests.rigs.telegram_messages import Chat, Kind, Message, Said, message_json
from tests.rigs.telegram_people import Person, Written
from tests.rigs.telegram_updates import DAY, UpdateQueue

__all__ = ["CallbackAnswer", "MenuKey", "Person", "World"]

_CALLBACK_LIVES = 150.0


class MenuKey(NamedTuple):
    """Which menu of commands: its scope, the chat and person of the scope, its language."""

    scope: str
    chat_id: int
    user_id: int
    language: str


@frozen
class CallbackAnswer:
    """What the bot answered to the press of a button, and when."""

    at: float
    text: str = ""
    show_alert: bool = False


@define
class World:
    """Everything behind the server, and the clock that its messages carry.

    Args:
        has_topics: Whether the bot's private chats are forums.
        on_change: Told whenever something is shown otherwise.
        callbacks: Query id → until when it may be answered.
        callback_answers: Query id → the bot's answer.
        commands: The bot's menus.
    """

    bot: Json
    has_topics: bool = False
    on_change: Callable[[], None] = field(default=lambda: None, repr=False)
    updates: UpdateQueue = field(factory=UpdateQueue)
    chats: dict[int, Chat] = field(factory=dict)
    people: dict[int, Person] = field(factory=dict)
    files: FileStore = field(factory=FileStore)
    callbacks: dict[str, float] = field(factory=dict)
    callback_answers: dict[str, CallbackAnswer] = field(factory=dict)
    commands: dict[MenuKey, list[Json]] = field(factory=dict)
    webhook: str = ""
    message_ids: Iterator[int] = field(factory=partial(count, 1001), repr=False)
    query_ids: Iterator[int] = field(factory=partial(count, 5_000_000_001), repr=False)
    album_ids: Iterator[int] = field(factory=partial(count, 13_000_000_000_000_001), repr=False)
    _epoch: float = field(factory=lambda: time.time() - trio.current_time())

    def wall_time(self) -> float:
        """Seconds since 1970, moving as trio's clock does."""
        return self._epoch + trio.current_time()

    def person(self, user_id: int, name: str = "", *, language: str = "en") -> Person:
        """Somebody by their id, made at the first time together with their private chat."""
        if user_id not in self.people:
            name = name or f"Person {user_id}"
            self.people[user_id] = Person(user_id, name, language, self)
            self.chats[user_id] = Chat(user_id, "private", name)
        return self.people[user_id]

    def add_chat(
        self, chat_id: int, kind: Kind, title: str, topics: Mapping[int, str] | None = None
    ) -> Chat:
        """A group or supergroup that the bot is in; topics, even none yet, make it a forum."""
        chat = Chat(chat_id, kind, title, is_forum=topics is not None, topics=dict(topics or {}))
        self.chats[chat_id] = chat
        return chat

    def chat(self, of: Chat | Person | int) -> Chat:
        """The chat with this id."""
        return self.chats[int(of)]

    def write(self, chat: Chat, by: Person, said: Said, *, age: float = 0.0) -> Written:
        """A person's message, and its update.

        To write in a private chat lifts the block; a group without the bot tells it nothing.
        """
        if chat.closed and not chat.is_group:
            by.unblocks_bot()
        message = self.add(chat, by.as_json(), said)
        message.date -= int(age)
        raw = {"message": message_json(chat, message)}
        update_id = 0 if chat.closed else self.queue(raw, lives=DAY - age)
        return Written(update_id, message.message_id)

    def add(self, chat: Chat, sender: Json, said: Said) -> Message:
        """Put a message into its chat."""
        now = trio.current_time()
        message = Message(
            self._next_message_id(chat), chat.id, sender, said.text, int(self.wall_time()), now,
            said.thread, said.entities, said.markup, said.reply_to, said.content, said.files,
            versions=[(now, said.text)],
        )  # fmt: skip
        chat.messages[message.message_id] = message
        if message.is_from_bot:
            chat.drafts.end(said.thread)
        self.on_change()
        return message

    def replace(
        self, message: Message, text: str, entities: list[Json], markup: Json | None
    ) -> None:
        """Edit a message."""
        now = trio.current_time()
        message.text, message.entities, message.markup = text, entities, markup
        message.edited_at, message.edit_date = now, int(self.wall_time())
        message.versions.append((now, text))
        self.on_change()

    def next_album(self) -> str:
        """A new ``media_group_id``."""
        return str(next(self.album_ids))

    def open_topic(self, chat: Chat, name: str) -> int:
        """Open a topic; its id is that of the note about it, which the chat here does not show."""
        topic = chat.add_topic(self._next_message_id(chat), name)
        self.on_change()
        return topic

    def _next_message_id(self, chat: Chat) -> int:
        """Supergroups count for themselves; everything else shares one count."""
        return next(chat.own_ids if chat.kind == "supergroup" else self.message_ids)

    def queue(self, raw: Json, *, lives: float = DAY) -> int:
        """Queue an update if the bot asked for its kind; gives its id, else 0."""
        if not all(self.updates.wants(kind) for kind in raw):
            return 0
        update_id = self.updates.put(raw, until=trio.current_time() + lives)
        self.on_change()
        return update_id

    def press(self, chat: Chat, by: Person, *, message_id: int, data: str) -> str:
        """A press of a button under a message, which may be gone; gives the query's id."""
        query = str(next(self.query_ids))
        self.callbacks[query] = trio.current_time() + _CALLBACK_LIVES
        message = chat.messages.get(message_id)
        lost = {"message_id": message_id, "chat": chat.as_json(), "date": 0}
        raw = {
            "id": query,
            "from": by.as_json(),
            "chat_instance": str(chat.id),
            "data": data,
            "message": message_json(chat, message) if message else lost,
        }
        self.queue({"callback_query": raw}, lives=_CALLBACK_LIVES)
        return query

    def change_member(self, chat: Chat, by: Person, old: str, new: str) -> Written:
        """Tell the bot what became of it in *chat*."""
        raw = {
            "chat": chat.as_json(),
            "from": by.as_json(),
            "date": int(self.wall_time()),
            "old_chat_member": self._as_member(old),
            "new_chat_member": self._as_member(new),
        }
        return Written(self.queue({"my_chat_member": raw}), 0)

    def _as_member(self, status: str) -> Json:
        """The bot as a member; of one who was put out it is always said until when, 0 for ever."""
        return {"user": self.bot, "status": status} | (
            {"until_date": 0} if status == "kicked" else {}
        )
