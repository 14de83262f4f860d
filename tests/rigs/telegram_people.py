"""The people behind the Bot API server, and all that they can do to the bot."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

from attrs import define, field, frozen

from tests.rigs.telegram_content import Content
from tests.rigs.telegram_faults import Json
from tests.rigs.telegram_files import PICTURE, Media
from tests.rigs.telegram_messages import (
    TOPIC_COLOR,
    Chat,
    Message,
    Said,
    found_entities,
    message_json,
)

if TYPE_CHECKING:  # the world knows its people, too
    from tests.rigs.telegram_world import World

Given = bytes | int | Content
_SOUND = b"OggS, a sound as far as the rig looks"
_FILM = b"\x00\x00\x00\x18ftypmp42, a film as far as the rig looks"


class NoButtonError(LookupError):
    """The chat has no one button to press with this label."""

    def __init__(self, label: str, shown: list[str]) -> None:
        super().__init__(f"no one button {label!r} to press among {shown}")


@frozen
class Written:
    """What a person did: the ids of its update (0 if the bot did not ask for it) and message."""

    update_id: int
    message_id: int


class Place(TypedDict, total=False):
    """Where a message goes.

    Args:
        chat: The private chat if it is left out.
        thread: A topic's id.
        age: How much older than now its date is.
    """

    chat: Chat | int | None
    thread: int
    reply_to: int
    age: float


@define
class Person:
    """Somebody who writes to the bot; without *chat* in their private chat with it."""

    id: int
    name: str
    language: str
    world: "World" = field(repr=False, eq=False)
    username: str = ""
    is_bot: bool = False

    def __int__(self) -> int:
        return self.id

    @property
    def chat(self) -> Chat:
        """The private chat with the bot."""
        return self.world.chats[self.id]

    def as_json(self) -> Json:
        """The person as a message names them."""
        known: Json = {"id": self.id, "is_bot": self.is_bot, "first_name": self.name}
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
        said = Said(text, found_entities(text), thread, reply_to, content=content)
        return self.world.write(self._where(chat), self, said, age=age)

    def sends(self, content: Json, **place: Unpack[Place]) -> Written:
        """Send anything else: the members that make its kind, such as ``contact``."""
        chat, age = place.get("chat"), place.get("age", 0.0)
        said = Said("", [], place.get("thread", 0), place.get("reply_to", 0), content=content)
        return self.world.write(self._where(chat), self, said, age=age)

    def sends_photo(
        self, content: Given = PICTURE, *, said_size: int | None = None, caption: str = "",
        **place: Unpack[Place],
    ) -> Written:  # fmt: skip
        """Send a picture, which comes in several sizes, the whole one last."""
        media = Media("photo", content, caption=caption, said_size=said_size)
        return self.sends_media(media, **place)

    def sends_document(
        self, content: Given = b"%PDF", *, name: str = "paper.pdf",
        mime_type: str = "application/pdf", said_size: int | None = None, caption: str = "",
        **place: Unpack[Place],
    ) -> Written:  # fmt: skip
        """Send a file as it is."""
        media = Media("document", content, name, mime_type, caption, said_size)
        return self.sends_media(media, **place)

    def sends_voice(
        self, content: Given = _SOUND, *, duration: int = 3, said_size: int | None = None,
        caption: str = "", **place: Unpack[Place],
    ) -> Written:  # fmt: skip
        """Send what they say."""
        about = {"duration": duration}
        media = Media("voice", content, caption=caption, said_size=said_size, about=about)
        return self.sends_media(media, **place)

    def sends_audio(
        self, content: Given = _SOUND, *, name: str = "song.mp3", mime_type: str = "audio/mpeg",
        said_size: int | None = None, caption: str = "", **place: Unpack[Place],
    ) -> Written:  # fmt: skip
        """Send music."""
        media = Media("audio", content, name, mime_type, caption, said_size)
        return self.sends_media(media, **place)

    def sends_video(
        self, content: Given = _FILM, *, name: str = "film.mp4", mime_type: str = "video/mp4",
        said_size: int | None = None, caption: str = "", **place: Unpack[Place],
    ) -> Written:  # fmt: skip
        """Send a film."""
        media = Media("video", content, name, mime_type, caption, said_size)
        return self.sends_media(media, **place)

    def sends_sticker(
        self, content: Given = b"RIFF", *, emoji: str = "👍", **place: Unpack[Place]
    ) -> Written:
        """Send a sticker, which stands for *emoji*."""
        media = Media("sticker", content, about={"emoji": emoji})
        return self.sends_media(media, **place)

    def sends_location(self, latitude: float, longitude: float, **place: Unpack[Place]) -> Written:
        """Send where they are, in degrees."""
        where = {"latitude": latitude, "longitude": longitude}
        return self.sends({"location": where}, **place)

    def sends_album(self, items: Iterable[Media], **place: Unpack[Place]) -> list[Written]:
        """Send several files at once: each is a message and an update of its own."""
        group = {"media_group_id": self.world.next_album()}
        return [self.sends_media(item, group, **place) for item in items]

    def sends_media(
        self, media: Media, content: Json | None = None, **place: Unpack[Place]
    ) -> Written:
        """Send any file; *content* adds members to the message."""
        file = self.world.files.keep(media)
        said = Said(
            media.caption, found_entities(media.caption),
            place.get("thread", 0), place.get("reply_to", 0),
            content=self.world.files.members(file) | (content or {}), files=(file,),
        )  # fmt: skip
        chat, age = place.get("chat"), place.get("age", 0.0)
        return self.world.write(self._where(chat), self, said, age=age)

    def opens_topic(self, name: str = "New Chat", *, chat: Chat | int | None = None) -> int:
        """Open a topic, which is told to the bot; gives its id."""
        where = self._where(chat)
        topic, now = self.world.open_topic(where, name), self.world.wall_time()
        made = {"forum_topic_created": {"name": name, "icon_color": TOPIC_COLOR}}
        note = Message(
            topic, where.id, self.as_json(), "", int(now), now, thread=topic, content=made
        )
        self.world.queue({"message": message_json(where, note, is_quoted=True)})
        return topic

    def edits(self, message_id: int, text: str, *, chat: Chat | int | None = None) -> Written:
        """Change an own text or, of a file, its caption."""
        where = self._where(chat)
        message = where.messages[message_id]
        self.world.replace(message, text, found_entities(text), message.markup)
        raw = {"edited_message": message_json(where, message)}
        return Written(0 if where.closed else self.world.queue(raw), message_id)

    def presses(self, message_id: int, data: str, *, chat: Chat | int | None = None) -> str:
        """Press a button, whether it is there or not; gives the query's id."""
        where = self._where(chat)
        return self.world.press(where, self, message_id=message_id, data=data)

    def presses_button(
        self, message: Message | int, label: str, *, chat: Chat | int | None = None
    ) -> str:
        """Press the button whose label is, or else contains, *label*; gives the query's id.

        Raises:
            NoButtonError: The chat shows no such button now, more than one, or one that asks
                the bot nothing, such as a link.
        """
        where = self._where(message.chat_id if isinstance(message, Message) else chat)
        message_id = message if isinstance(message, int) else message.message_id
        shown = where.messages.get(message_id)
        buttons = shown.buttons if shown else []
        found = [one for one in buttons if one["text"] == label]
        found = found or [one for one in buttons if label in one["text"]]
        if len(found) != 1 or "callback_data" not in found[0]:
            raise NoButtonError(label, [one["text"] for one in buttons])
        return self.presses(message_id, found[0]["callback_data"], chat=where)

    def stops_generation(self, *, thread: int = 0) -> Written:
        """Press the button that stops the draft in their private chat or a topic of it.

        Raises:
            NoButtonError: No draft is shown there now, or the bot gave it no button.
        """
        shown = [one for one in self.chat.drafts.shown() if one.thread == thread]
        found = [one for one in shown if one.can_stop]
        if not found:
            raise NoButtonError("stop", [one.text for one in shown])
        self.chat.drafts.stop(found[-1])
        raw: Json = {"chat": self.chat.as_json(), "draft_id": found[-1].draft_id}
        raw |= {"message_thread_id": thread} if thread else {}
        return Written(self.world.queue({"stopped_message_generation": raw}), 0)

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
        new = self.world.add_chat(to, "supergroup", chat.title)
        chat.migrated_to = to
        self.sends({"migrate_to_chat_id": to}, chat=chat)
        self.sends({"migrate_from_chat_id": chat.id}, chat=new)
        return new

    def _where(self, chat: Chat | int | None) -> Chat:
        return self.world.chat(self.id if chat is None else chat)
