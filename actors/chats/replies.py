"""What the gateway answers to a command that needs nobody else."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from attrs import define, evolve, field, frozen

from actors.chats.commands import CommandName
from actors.chats.keyboards import chats_keyboard
from actors.chats.manner import Manner, manner_for
from actors.chats.slots import Chat, SlotBook, read_slot
from actors.words import Word, plain
from protocols.ids import PersonId, RoomId, RowId, SlotId, SurfaceName, surface_of
from protocols.journal import Keyboard, Row
from protocols.surfaces import Surface

MOST_WAITING = 20
"""Messages of a room that may wait behind the running one."""

LONGEST_NAME = 60
LONGEST_TREE = 3500
"""Characters of the tree in a chat; the whole of it is in ``supervisor.py debug``."""

MOST_LISTED = 30


@frozen
class Reply:
    """What the person sees."""

    text: str = field(repr=False)
    keyboard: Keyboard = ()


def label(chat: Chat) -> str:
    """How a chat is called in a sentence."""
    return f"**{chat.slot}** {plain(chat.name)}" if chat.name else f"**{chat.slot}**"


def elsewhere(chat: Chat, manner: Manner) -> str:
    """The room of a chat that is not here, as Markdown."""
    return manner.place(chat.room, chat.name or chat.slot)


def name_from(text: str) -> str:
    """A chat's name from what a person typed: one line, not too long."""
    return " ".join(text.split())[:LONGEST_NAME].rstrip()


@define
class Replies:
    """Answers one row of a person in its room; changes of slots go to *slots*.

    Args:
        tree: The live tree, as text.
        is_admin: The person may see it.
        surfaces: Those where a chat of the person may be, for its address there.
    """

    slots: SlotBook
    row: Row
    manner: Manner
    tree: str
    is_admin: bool
    surfaces: Mapping[SurfaceName, Surface] = field(factory=dict)

    def reply(self, name: CommandName, rest: str) -> Reply:
        """The answer to one of the commands in ``SIMPLE``."""
        return SIMPLE[name](self, rest)

    def unknown(self, near: CommandName | None) -> Reply:
        """The answer to a command that does not exist."""
        if near is None:
            return self._say(Word.UNKNOWN_COMMAND)
        return self._say(Word.UNKNOWN_COMMAND_NEAR, near=near)

    @property
    def _room(self) -> RoomId:
        return self.row.room

    @property
    def _person(self) -> PersonId:
        return self.row.sender

    def _say(self, word: Word, **facts: object) -> Reply:
        return Reply(self.manner.say(word, **facts))

    @property
    def here(self) -> Chat | None:
        """The chat that the person writes in here."""
        chat = self.slots.current(self._room, self._person)
        return None if chat is None or chat.is_archived else chat

    def start(self, _rest: str) -> Reply:
        """A first word."""
        return self._say(Word.START)

    def help(self, _rest: str) -> Reply:
        """What there is."""
        text = self.manner.say(Word.HELP, limit=MOST_WAITING)
        if self.row.is_shared:
            text = f"{text}\n\n{self.manner.say(Word.HELP_IN_GROUP)}"
        return Reply(text)

    def new(self, rest: str) -> Reply:
        """Begin the next chat here."""
        name = name_from(rest)
        chat = self.here
        if chat is None or chat.is_used:
            chat = self.slots.open_next(self._room, self._person, name)
            return self._say(Word.NEW_CHAT, chat=label(chat))
        # An empty chat is as good as a new one: numbers are not used up for nothing.
        if name:
            chat = self.slots.keep(evolve(chat, name=name), self._person)
        return self._say(Word.STILL_EMPTY, chat=label(chat))

    def chats(self, rest: str) -> Reply:
        """List the chats, or go back to one."""
        if not rest:
            return self._list()
        slot = read_slot(rest)
        return self._unknown_chat() if slot is None else self._go_to(slot)

    def chats_here(self, list_of: RowId) -> Keyboard:
        """Buttons to go back to each chat of this room, in the list that row *list_of* shows."""
        chats = [chat for chat in self._listed if chat.room == self._room]
        in_use = None if self.here is None else self.here.slot
        if [chat.slot for chat in chats] == [in_use]:
            return ()  # one is there already
        return chats_keyboard(list_of, chats, self.manner, in_use=in_use)

    @property
    def _listed(self) -> list[Chat]:
        """The chats that may be named here: what others read tells of no other room."""
        chats = [chat for chat in self.slots.all_of(self._person) if not chat.is_archived]
        if not self.row.is_shared:
            return chats
        return [chat for chat in chats if chat.room == self._room]

    def _list(self) -> Reply:
        chats = self._listed
        if not chats:
            return self._say(Word.NO_CHAT_YET if self.row.is_shared else Word.NO_CHATS)
        lines = [f"- {label(chat)}: {self._place(chat)}" for chat in chats[:MOST_LISTED]]
        if len(chats) > MOST_LISTED:
            lines.append(self.manner.say(Word.CHATS_MORE, count=len(chats) - MOST_LISTED))
        text = self.manner.say(Word.CHATS, chats="\n".join(lines))
        return Reply(text, self.chats_here(self.row.id))

    def _place(self, chat: Chat) -> str:
        here = None if self.manner.has_buttons else self.here
        if here is not None and chat.slot == here.slot:
            return self.manner.say(Word.CHAT_IN_USE)
        if chat.room == self._room:
            return self.manner.say(Word.CHAT_HERE)
        if surface_of(chat.room) != surface_of(self._room):
            return self._place_on_other_surface(chat)
        return self.manner.say(Word.CHAT_ELSEWHERE, place=elsewhere(chat, self.manner))

    def _place_on_other_surface(self, chat: Chat) -> str:
        """Where a chat is that came with a linked identity; its address where rooms have one."""
        name = surface_of(chat.room)
        surface = self.surfaces.get(name)
        if surface is None or not surface.room_link:
            return self.manner.say(Word.CHAT_ON_SURFACE, surface=name.capitalize())
        place = elsewhere(chat, manner_for(self.row, surface))
        return self.manner.say(Word.CHAT_ON_SURFACE_IN, surface=name.capitalize(), place=place)

    def _go_to(self, slot: SlotId) -> Reply:
        chat = self.slots.chat(self._person, slot)
        if chat is None or (chat.room != self._room and self.row.is_shared):
            return self._unknown_chat()
        if chat.room != self._room:
            if surface_of(chat.room) == surface_of(self._room):
                place = elsewhere(chat, self.manner)
                return self._say(Word.CHAT_IN_OTHER_ROOM, chat=label(chat), place=place)
            place = self._place_on_other_surface(chat)
            return self._say(Word.CHAT_ON_OTHER_SURFACE, chat=label(chat), place=place)
        self.slots.go_back(chat, self._person)
        return self._say(Word.CHAT_CHOSEN, chat=label(chat))

    def _unknown_chat(self) -> Reply:
        return self._say(Word.CHAT_UNKNOWN_HERE if self.row.is_shared else Word.CHAT_UNKNOWN)

    def rename(self, rest: str) -> Reply:
        """Name the current chat."""
        name = name_from(rest)
        chat = self.here
        if chat is None:
            return self._say(Word.NO_CHAT_YET)
        if not name:
            return self._say(Word.RENAME_NEEDS_NAME)
        chat = self.slots.keep(evolve(chat, name=name), self._person)
        return self._say(Word.RENAMED, chat=label(chat))

    def archive(self, _rest: str) -> Reply:
        """Put the current chat away."""
        chat = self.here
        if chat is None:
            return self._say(Word.NO_CHAT_YET)
        self.slots.keep(evolve(chat, is_archived=True), self._person)
        return self._say(Word.ARCHIVED, chat=label(chat), slot=chat.slot)

    def debug(self, _rest: str) -> Reply:
        """Show the live tree to an admin."""
        if not self.is_admin:
            return self._say(Word.ADMINS_ONLY)
        tree = self.tree.replace("```", "'''")
        if len(tree) > LONGEST_TREE:
            tree = f"{tree[:LONGEST_TREE]}\n…"
        return self._say(Word.TREE, tree=tree)


SIMPLE: Mapping[CommandName, Callable[[Replies, str], Reply]] = MappingProxyType(
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
"""The commands that are answered from what the directory knows; the others need somebody else."""
