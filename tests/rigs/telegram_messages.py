"""Chats and their messages: what they show, and how the Bot API tells of them."""

import re
from collections.abc import Iterator
from functools import partial
from itertools import count
from typing import Literal

from attrs import define, field, frozen

from tests.rigs.telegram_drafts import Drafts
from tests.rigs.telegram_faults import Json
from tests.rigs.telegram_files import KeptFile
from tests.rigs.telegram_text import length_utf16

Kind = Literal["private", "group", "supergroup", "channel"]
TOPIC_COLOR = 0x6FB9F0  # of its icon, the one that Telegram takes by itself
_KINDS = {"mention": re.compile(r"@\w+"), "bot_command": re.compile(r"(?<!\S)/\w+(?:@\w+)?")}


@frozen
class Said:
    """What a message is made of, whoever sends it to whichever chat.

    Args:
        text: Its text or, with a file, the file's caption.
        thread: Topic, 0 without one.
        content: Further members, which make it another kind of message.
    """

    text: str = ""
    entities: list[Json] = field(factory=list)
    thread: int = 0
    reply_to: int = 0
    markup: Json | None = None
    content: Json = field(factory=dict)
    files: tuple[KeptFile, ...] = ()


@define
class Message:
    """A message as its chat shows it now.

    Args:
        text: Its text or, with a file, the file's caption.
        thread: Topic, 0 without one.
        at: When it came, by trio's clock; *edited_at* is the newest edit's time.
        files: What was sent with it; in an album each file has a message of its own.
        versions: Every text that it had, with its time, the first one included.
        reaction: The bot's reaction now, as it was given.
        reactions: Every reaction of the bot with its time, "" where it took one away.
    """

    message_id: int
    chat_id: int
    sender: Json
    text: str
    date: int
    at: float
    thread: int = 0
    entities: list[Json] = field(factory=list)
    markup: Json | None = None
    reply_to: int = 0
    content: Json = field(factory=dict)
    files: tuple[KeptFile, ...] = ()
    edited_at: float = 0.0
    edit_date: int = 0
    versions: list[tuple[float, str]] = field(factory=list)
    reaction: list[Json] = field(factory=list)
    reactions: list[tuple[float, str]] = field(factory=list)

    @property
    def is_from_bot(self) -> bool:
        return bool(self.sender.get("is_bot"))

    @property
    def caption(self) -> str:
        """The text beside its file, if it has one."""
        return self.text if self.files else ""

    @property
    def edits(self) -> int:
        return len(self.versions) - 1

    @property
    def buttons(self) -> list[Json]:
        """Every inline button, row after row."""
        rows = (self.markup or {}).get("inline_keyboard", [])
        return [button for row in rows for button in row]


@define
class Chat:
    """A chat, its topics and what it shows.

    Args:
        closed: Why the bot may not write: Telegram's words behind ``Forbidden:``.
        topics: Topic id → name.
        may_manage_topics: Whether the bot has this right in a forum.
        drafts: What the bot is seen to type.
    """

    id: int
    kind: Kind
    title: str
    is_forum: bool = False
    topics: dict[int, str] = field(factory=dict)
    may_manage_topics: bool = True
    closed: str = ""
    migrated_to: int = 0
    messages: dict[int, Message] = field(factory=dict)
    drafts: Drafts = field(factory=Drafts)
    own_ids: Iterator[int] = field(factory=partial(count, 101), repr=False)

    def __int__(self) -> int:
        return self.id

    @property
    def is_group(self) -> bool:
        return self.kind != "private"

    def as_json(self) -> Json:
        """The chat as a message names it."""
        named: Json = {"id": self.id, "type": self.kind}
        if self.kind == "private":
            return named | {"first_name": self.title}
        return named | {"title": self.title} | ({"is_forum": True} if self.is_forum else {})

    def add_topic(self, topic: int, name: str = "topic") -> int:
        """Open a topic; a private chat may have some, too."""
        self.topics[topic] = name
        self.is_forum = self.is_forum or self.kind == "supergroup"
        return topic

    def delete_topic(self, topic: int) -> None:
        """Delete a topic with everything in it."""
        del self.topics[topic]
        self.messages = {one: it for one, it in self.messages.items() if it.thread != topic}


def message_json(chat: Chat, message: Message, *, is_quoted: bool = False) -> Json:
    """The message as the Bot API shows it."""
    found: Json = {
        "message_id": message.message_id,
        "from": message.sender,
        "chat": chat.as_json(),
        "date": message.date,
    } | message.content
    text, entities = ("caption", "caption_entities") if message.files else ("text", "entities")
    optional: Json = {
        text: message.text,
        entities: message.entities,
        "reply_markup": message.markup,
        "edit_date": message.edit_date,
    }
    found |= {name: value for name, value in optional.items() if value}
    found |= _thread_of(chat, message)
    return found if is_quoted else found | _quoted(chat, message)


def _quoted(chat: Chat, message: Message) -> Json:
    """What it answers; in a topic everything else answers the topic's first message."""
    answered = chat.messages.get(message.reply_to)
    if answered is not None:
        return {"reply_to_message": message_json(chat, answered, is_quoted=True)}
    if message.thread not in chat.topics or chat.kind == "private":
        return {}
    made = {"name": chat.topics[message.thread], "icon_color": TOPIC_COLOR}
    first = {"message_id": message.thread, "chat": chat.as_json(), "date": message.date}
    thread = {"message_thread_id": message.thread, "is_topic_message": True}
    return {"reply_to_message": first | thread | {"forum_topic_created": made}}


def _thread_of(chat: Chat, message: Message) -> Json:
    """A topic's id; in a plain supergroup an answer carries its thread's first message, too."""
    if message.thread:
        return {"message_thread_id": message.thread, "is_topic_message": True}
    if message.reply_to and chat.kind == "supergroup" and not chat.is_forum:
        return {"message_thread_id": message.reply_to}
    return {}


def found_entities(text: str) -> list[Json]:
    """The entities that Telegram finds in what a person writes: mentions and commands."""
    found = [
        {"type": kind, "offset": length_utf16(text[: m.start()]), "length": length_utf16(m[0])}
        for kind, pattern in _KINDS.items()
        for m in pattern.finditer(text)
    ]
    commands = [one for one in found if one["type"] == "bot_command"]
    return [one for one in found if not _is_within(one, commands)]


def _is_within(entity: Json, commands: list[Json]) -> bool:
    return entity["type"] == "mention" and any(
        one["offset"] < entity["offset"] < one["offset"] + one["length"] for one in commands
    )
