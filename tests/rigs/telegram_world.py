"""The people, chats and messages behind the Bot API server."""

import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import count
from typing import Any

import trio
from attrs import define, field, frozen

from tests.rigs.telegram_faults import Json
from tests.rigs.telegram_messages import Chat, Kind, Message, found_entities, message_json
from tests.rigs.telegram_updates import DAY, UpdateQueue

_CALLBACK_LIVES = 150.0


@frozen
class Written:
    """What a person did: the ids of its update (0 if the bot did not ask for it) and message."""

    update_id: int
    message_id: int


@define
class Person:
    """Somebody who writes to the bot; without *chat* in their private chat with it."""

    id: int
    name: str
    language: str
    world: "World" = field(repr=False, eq=False)
    username: str = ""

    def __int__(self) -> int:
        return self.id

    @property
    def chat(self) -> Chat:
        """The private chat with the bot."""
        return self.world.chats[self.id]

    def as_json(self) -> Json:
        """The person as a message names them."""
        known: Json = {"id": self.id, "is_bot": False, "first_name": self.name}
        extra = {"username": self.username, "language_code": self.language}
        return known | {name: value for name, value in extra.items() if value}

    def writes(
        self,
        text: str,
        *,
        chat: Chat | int | None = None,
        thread: int = 0,
        reply_to: int = 0,
        age: float = 0.0,
        **content: Any,
    ) -> Written:
        """Send a text; *age* makes its date older, *content* adds members to the message."""
        where = self.world.chat(self.id if chat is None else chat)
        return self.world.write(
            where, self, text, thread=thread, reply_to=reply_to, age=age, content=content
        )

    def sends(self, content: Json, *, chat: Chat | int | None = None, thread: int = 0) -> Written:
        """Send anything else: the members that make its kind, such as ``photo``."""
        return self.writes("", chat=chat, thread=thread, **content)

    def edits(self, message_id: int, text: str, *, chat: Chat | int | None = None) -> Written:
        """Change an own text."""
        where = self.world.chat(self.id if chat is None else chat)
        message = where.messages[message_id]
        self.world.replace(message, text, found_entities(text), message.markup)
        raw = {"edited_message": message_json(where, message)}
        return Written(self.world.queue(raw), message_id)

    def presses(self, message_id: int, data: str, *, chat: Chat | int | None = None) -> str:
        """Press a button, whether it is there or not; gives the query's id."""
        where = self.world.chat(self.id if chat is None else chat)
        query = str(next(self.world.query_ids))
        self.world.callbacks[query] = trio.current_time() + _CALLBACK_LIVES
        message = where.messages.get(message_id)
        raw = {
            "id": query,
            "from": self.as_json(),
            "chat_instance": str(where.id),
            "data": data,
            "message": message_json(where, message) if message else None,
        }
        self.world.queue({"callback_query": raw}, lives=_CALLBACK_LIVES)
        return query

    def blocks_bot(self) -> Written:
        """Block the bot; it may not write to them until they unblock it."""
        self.chat.closed = "bot was blocked by the user"
        return self.world.change_member(self.chat, self, "member", "kicked")

    def unblocks_bot(self) -> Written:
        """Let the bot write again."""
        self.chat.closed = ""
        return self.world.change_member(self.chat, self, "kicked", "member")

    def puts_bot_out(self, chat: Chat) -> Written:
        """Remove the bot from a group."""
        chat.closed = f"bot was kicked from the {chat.kind} chat"
        return self.world.change_member(chat, self, "member", "kicked")

    def lets_bot_in(self, chat: Chat) -> Written:
        """Invite the bot again."""
        chat.closed = ""
        return self.world.change_member(chat, self, "kicked", "member")

    def migrates(self, chat: Chat, to: int) -> Chat:
        """Make a supergroup of a group; gives the new chat."""
        new = self.world.add_chat(to, "supergroup", chat.title, {})
        chat.migrated_to = to
        self.world.write(chat, self, "", content={"migrate_to_chat_id": to})
        self.world.write(new, self, "", content={"migrate_from_chat_id": chat.id})
        return new


@define
class World:
    """Everything behind the server, and the clock that its messages carry.

    Args:
        on_change: Told whenever something is shown otherwise.
        callbacks: Query id → until when it may be answered.
        commands: The bot's menu, by scope (as JSON) and language.
    """

    bot: Json
    on_change: Callable[[], None] = field(default=lambda: None, repr=False)
    updates: UpdateQueue = field(factory=UpdateQueue)
    chats: dict[int, Chat] = field(factory=dict)
    people: dict[int, Person] = field(factory=dict)
    callbacks: dict[str, float] = field(factory=dict)
    commands: dict[tuple[str, str], list[Json]] = field(factory=dict)
    webhook: str = ""
    message_ids: Iterator[int] = field(factory=partial(count, 1001), repr=False)
    query_ids: Iterator[int] = field(factory=partial(count, 5_000_000_001), repr=False)
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

    def add_chat(self, chat_id: int, kind: Kind, title: str, topics: Mapping[int, str]) -> Chat:
        """A group or supergroup that the bot is in."""
        chat = Chat(chat_id, kind, title, is_forum=bool(topics), topics=dict(topics))
        self.chats[chat_id] = chat
        return chat

    def chat(self, of: "Chat | Person | int") -> Chat:
        """The chat with this id."""
        return self.chats[int(of)]

    def write(
        self,
        chat: Chat,
        by: Person,
        text: str,
        *,
        thread: int = 0,
        reply_to: int = 0,
        age: float = 0.0,
        content: Json | None = None,
    ) -> Written:
        """A person's message, and its update.

        To write in a private chat lifts the block; a group without the bot tells it nothing.
        """
        if chat.closed and not chat.is_group:
            by.unblocks_bot()
        message = self.add(
            chat, by.as_json(), text, found_entities(text), thread=thread, reply_to=reply_to
        )
        message.date -= int(age)
        message.content = content or {}
        raw = {"message": message_json(chat, message)}
        update_id = 0 if chat.closed else self.queue(raw, lives=DAY - age)
        return Written(update_id, message.message_id)

    def add(
        self,
        chat: Chat,
        sender: Json,
        text: str,
        entities: list[Json],
        *,
        thread: int = 0,
        reply_to: int = 0,
        markup: Json | None = None,
    ) -> Message:
        """Put a message into its chat."""
        now = trio.current_time()
        message = Message(
            self._next_message_id(chat), chat.id, sender, text, int(self.wall_time()), now,
            thread, entities, markup, reply_to, versions=[(now, text)],
        )  # fmt: skip
        chat.messages[message.message_id] = message
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

    def change_member(self, chat: Chat, by: Person, old: str, new: str) -> Written:
        """Tell the bot what became of it in *chat*."""
        raw = {
            "chat": chat.as_json(),
            "from": by.as_json(),
            "date": int(self.wall_time()),
            "old_chat_member": {"user": self.bot, "status": old},
            "new_chat_member": {"user": self.bot, "status": new, "until_date": 0},
        }
        return Written(self.queue({"my_chat_member": raw}), 0)
