"""How the gateway speaks to one person on one surface."""

from attrs import frozen

from actors.words import Word, say
from protocols.ids import Language
from protocols.store import Row
from protocols.surfaces import Surface


@frozen
class Manner:
    """A person's language, and what their surface can show.

    Args:
        prefix: What commands start with there.
        has_buttons: Buttons can be shown and pressed there.
        sends_files: Files can be sent there.
    """

    language: Language
    prefix: str
    has_buttons: bool = False
    sends_files: bool = False

    def say(self, word: Word, **facts: object) -> str:
        """The gateway's Markdown for *word*."""
        return say(word, self.language, prefix=self.prefix, **facts)


def manner_for(row: Row, surface: Surface) -> Manner:
    """How whoever sent *row* is spoken to."""
    # The last prefix: on Matrix clients keep "/" for themselves, and "!" is there for bots.
    prefix = surface.command_prefixes[-1]
    return Manner(row.language, prefix, surface.has_buttons, surface.sends_files)
