"""How the gateway speaks to one person on one surface."""

from urllib.parse import quote

from attrs import frozen

from actors.words import Word, plain, say
from protocols.ids import Language, RoomId, native_id
from protocols.journal import Row
from protocols.surfaces import Surface


@frozen
class Manner:
    """A person's language, and what their surface can show.

    Args:
        prefix: What commands start with there.
        has_buttons: Buttons can be shown and pressed there.
        sends_files: Files can be sent there.
        room_link: Where a room is found there, as ``Surface`` has it.
    """

    language: Language
    prefix: str
    has_buttons: bool = False
    sends_files: bool = False
    room_link: str = ""

    def say(self, word: Word, **facts: object) -> str:
        """The gateway's Markdown for *word*."""
        return say(word, self.language, prefix=self.prefix, **facts)

    def place(self, room: RoomId, name: str) -> str:
        """Another *room* as Markdown: a link called *name* where rooms have an address."""
        if not self.room_link:
            return f"`{native_id(room)}`"
        address = "/".join(quote(part, safe="") for part in native_id(room).split("/"))
        return f"[{plain(name)}](<{self.room_link.replace('{room}', address)}>)"


def manner_for(row: Row, surface: Surface) -> Manner:
    """How whoever sent *row* is spoken to."""
    # The last prefix: on Matrix clients keep "/" for themselves, and "!" is there for bots.
    return Manner(
        row.language,
        surface.command_prefixes[-1],
        has_buttons=surface.has_buttons,
        sends_files=surface.sends_files,
        room_link=surface.room_link,
    )
