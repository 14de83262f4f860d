"""What an outgoing message looks like: its text, what stands around it, what is added later; pure.

The same message gives the same contents every time: their transaction ids are counted.
"""

from collections.abc import Iterator

from actors.matrix.buttons import button_lines
from actors.matrix.outgoing.pieces import pieces
from actors.matrix.outgoing.render import Content, Fold, Shown, joined, shown_of, whole
from actors.surfaces.names import file_names
from actors.words import Word, say
from protocols.journal import OutboxRow

_MOST_ADDED_BYTES = 4_000


def shown(row: OutboxRow) -> Iterator[Content]:
    """The message contents of *row*, in order; the last one has the footer and the buttons.

    Files alone need none, unless something stands around them. Made one by one, as ``contents``
    are.
    """
    below = joined(row.footer, button_lines(row.keyboard))
    return (one.content for one in _shown(row, below))


def amended(original: OutboxRow, row: OutboxRow) -> Content | None:
    """The last content of *original* with the text of *row* below it, and its buttons.

    None where nothing would be left to show.
    """
    last = [*_shown(original, original.footer)][-1:]
    added = pieces(row.text, limit_bytes=_MOST_ADDED_BYTES)[:1]
    words = joined(*(one.text for one in last), *added, button_lines(row.keyboard))
    fold = last[0].fold if last else None
    return whole(words, original.voice, fold) if words.strip() or fold else None


def _shown(row: OutboxRow, below: str) -> Iterator[Shown]:
    is_named = bool(row.keyboard) and not row.text.strip()
    text = file_names(row.files) if is_named else row.text
    return shown_of(text, row.voice, fold=_fold(row), below=below)


def _fold(row: OutboxRow) -> Fold | None:
    return Fold(say(Word.REASONING, row.language), row.folded) if row.folded.strip() else None
