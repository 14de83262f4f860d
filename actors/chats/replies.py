"""What the gateway answers to a command that needs nobody else."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from attrs import define, evolve

from actors.chats.commands import CommandName
from actors.chats.manner import Manner
from actors.chats.slots import Chat, SlotBook, read_slot
from actors.words import Word, plain
from protocols.ids import PersonId, RoomId, native_id

MOST_WAITING = 20
"""Messages of a room that may wait behind the running one."""

LONGEST_NAME = 60
LONGEST_TREE = 3500
"""Characters of the tree in a chat; the whole of it is in ``supervisor.py debug``."""

MOST_LISTED = 30


def label(chat: Chat) -> str:
    """How a chat is called in a sentence."""
    return f"**{chat.slot}** {plain(chat.name)}" if chat.name else f"**{chat.slot}**"


def name_from(text: str) -> str:
    """A chat's name from what a person typed: one line, not too long."""
    return " ".join(text.split())[:LONGEST_NAME].rstrip()


@define
class Replies:
    """Answers commands for one row's person in its room; changes of slots go to *slots*.

    Args:
        tree: The live tree, as text.
        is_admin: The person may see it.
    """

    slots: SlotBook
    room: RoomId
    person: PersonId
    manner: Manner
    tree: str
    is_admin: bool

    def reply(self, name: CommandName, rest: str) -> str:
        """The answer to one of the commands in ``SIMPLE``."""
        return SIMPLE[name](self, rest)

    def unknown(self, near: CommandName | None) -> str:
        """The answer to a command that does not exist."""
        if near is None:
            return self._say(Word.UNKNOWN_COMMAND)
        return self._say(Word.UNKNOWN_COMMAND_NEAR, near=near)

    def _say(self, word: Word, **facts: object) -> str:
        return self.manner.say(word, **facts)

    def _here(self) -> Chat | None:
        chat = self.slots.current(self.room, self.person)
        return None if chat is None or chat.is_archived else chat

    def start(self, _rest: str) -> str:
        """A first word."""
        return self._say(Word.START)

    def help(self, _rest: str) -> str:
        """What there is."""
        return self._say(Word.HELP, limit=MOST_WAITING)

    def new(self, rest: str) -> str:
        """Begin the next chat here."""
        name = name_from(rest)
        chat = self._here()
        if chat is None or chat.is_used:
            chat = self.slots.open_next(self.room, self.person, name)
            return self._say(Word.NEW_CHAT, chat=label(chat))
        # An empty chat is as good as a new one: numbers are not used up for nothing.
        if name:
            chat = self.slots.keep(evolve(chat, name=name), self.person)
        return self._say(Word.STILL_EMPTY, chat=label(chat))

    def chats(self, rest: str) -> str:
        """List the chats, or go back to one."""
        return self._go_to(rest) if rest else self._list()

    def _list(self) -> str:
        chats = [chat for chat in self.slots.all_of(self.person) if not chat.is_archived]
        if not chats:
            return self._say(Word.NO_CHATS)
        here = self._here()
        lines = [f"- {label(chat)}: {self._place(chat, here)}" for chat in chats[:MOST_LISTED]]
        if len(chats) > MOST_LISTED:
            lines.append(self._say(Word.CHATS_MORE, count=len(chats) - MOST_LISTED))
        return self._say(Word.CHATS, chats="\n".join(lines))

    def _place(self, chat: Chat, here: Chat | None) -> str:
        if here is not None and chat.slot == here.slot:
            return self._say(Word.CHAT_IN_USE)
        if chat.room == self.room:
            return self._say(Word.CHAT_HERE)
        return self._say(Word.CHAT_ELSEWHERE, place=native_id(chat.room))

    def _go_to(self, rest: str) -> str:
        slot = read_slot(rest)
        chat = next((chat for chat in self.slots.all_of(self.person) if chat.slot == slot), None)
        if chat is None:
            return self._say(Word.CHAT_UNKNOWN)
        if chat.room != self.room:
            place = native_id(chat.room)
            return self._say(Word.CHAT_IN_OTHER_ROOM, chat=label(chat), place=place)
        if chat.is_archived:
            chat = self.slots.keep(evolve(chat, is_archived=False), self.person)
        self.slots.choose(chat, self.person)
        return self._say(Word.CHAT_CHOSEN, chat=label(chat))

    def rename(self, rest: str) -> str:
        """Name the current chat."""
        name = name_from(rest)
        chat = self._here()
        if chat is None:
            return self._say(Word.NO_CHAT_YET)
        if not name:
            return self._say(Word.RENAME_NEEDS_NAME)
        chat = self.slots.keep(evolve(chat, name=name), self.person)
        return self._say(Word.RENAMED, chat=label(chat))

    def archive(self, _rest: str) -> str:
        """Put the current chat away."""
        chat = self._here()
        if chat is None:
            return self._say(Word.NO_CHAT_YET)
        self.slots.keep(evolve(chat, is_archived=True), self.person)
        return self._say(Word.ARCHIVED, chat=label(chat), slot=chat.slot)

    def debug(self, _rest: str) -> str:
        """Show the live tree to an admin."""
        if not self.is_admin:
            return self._say(Word.ADMINS_ONLY)
        tree = self.tree.replace("```", "'''")
        if len(tree) > LONGEST_TREE:
            tree = f"{tree[:LONGEST_TREE]}\n…"
        return self._say(Word.TREE, tree=tree)


SIMPLE: Mapping[CommandName, Callable[[Replies, str], str]] = MappingProxyType(
    {
        CommandName.START: Replies.start,
        CommandName.HELP: Replies.help,
        CommandName.NEW: Replies.new,
        CommandName.CHATS: Replies.chats,
        CommandName.RENAME: Replies.rename,
        CommandName.ARCHIVE: Replies.archive,
        CommandName.DEBUG: Replies.debug,
    }
)
"""The commands that are answered from what the directory knows; the others need a session."""
