"""What an outgoing message looks like: its pieces of text, and what is added to them later. Pure.

The same message gives the same pieces every time: its progress counts them.
"""

from attrs import evolve

from actors.surfaces.names import file_names
from actors.telegram.api.keyboards import SPARE_UTF16
from actors.telegram.text.render import LIMIT_UTF16, Piece, below, is_visible, pieces
from protocols.journal import OutboxRow


def contents(row: OutboxRow) -> tuple[Piece, ...]:
    """The pieces of text; the last one has the buttons. Files alone need none.

    What stands around the text is in them: the fold above the first, the footer below the last.
    """
    limit = LIMIT_UTF16 - SPARE_UTF16 if row.keyboard else LIMIT_UTF16
    found = pieces(row.text, limit_utf16=limit, folded=row.folded, footer=row.footer)
    if not found and row.keyboard:
        found = pieces(file_names(row.files), limit_utf16=limit)
    if not found:
        return ()
    return (*found[:-1], evolve(found[-1], keyboard=row.keyboard))


def amended(original: OutboxRow, row: OutboxRow) -> Piece | None:
    """The last piece of *original* with the text of *row* below it, and its buttons; None for none.

    Of files there is only what is new.
    """
    shown = contents(original)
    whole = evolve(below(shown[-1] if shown else Piece(""), row.text), keyboard=row.keyboard)
    return whole if is_visible(whole.text) else None
