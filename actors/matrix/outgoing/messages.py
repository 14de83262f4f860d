"""What an outgoing message looks like: its text, its buttons below it, what is added later; pure.

The same message gives the same contents every time: their transaction ids are counted.
"""

from collections.abc import Iterator

from actors.matrix.buttons import button_lines
from actors.matrix.outgoing.pieces import closed, pieces
from actors.matrix.outgoing.render import Content, contents, whole
from actors.surfaces.names import file_names
from protocols.journal import OutboxRow

_MOST_ADDED_BYTES = 4_000


def shown(row: OutboxRow) -> Iterator[Content]:
    """The message contents of *row*, in order; the last one has the buttons.

    Files alone need none, unless there are buttons. Made one by one, as ``contents`` are.
    """
    lines = button_lines(row.keyboard)
    if not lines:
        yield from contents(row.text, row.voice)
        return
    text = row.text if row.text.strip() else file_names(row.files)
    last: Content | None = None
    for content in contents(text, row.voice):
        if last is not None:
            yield last
        last = content
    yield whole(_below("" if last is None else str(last["body"]), lines), row.voice)


def amended(original: OutboxRow, row: OutboxRow) -> Content | None:
    """The last content of *original* with the text of *row* below it, and its buttons.

    None where nothing would be left to show.
    """
    text = original.text
    if original.keyboard and not text.strip():
        text = file_names(original.files)
    last = [str(content["body"]) for content in contents(text, original.voice)][-1:]
    added = pieces(row.text, limit_bytes=_MOST_ADDED_BYTES)[:1]
    words = _below(*last, *added, button_lines(row.keyboard))
    return whole(words, original.voice) if words.strip() else None


def _below(*parts: str) -> str:
    """*parts* one below the other; no code block of one swallows the next."""
    *before, last = [part for part in parts if part.strip()] or [""]
    return "\n\n".join((*map(closed, before), last))
