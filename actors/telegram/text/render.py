"""Turns Markdown into what Telegram takes: pieces of text, each with its entities."""

import unicodedata
from collections.abc import Iterator
from typing import Any

from attrs import evolve, field, frozen

from actors.surfaces.folding import THOUGHT, shortened
from actors.telegram.text.markup import (
    FOLDED,
    LINK,
    PRE,
    Mark,
    Marked,
    clean,
    marked,
    with_addresses,
)
from protocols.journal import Keyboard

LIMIT_UTF16 = 4096
"""Bot API, "sendMessage": 4096 characters after parsing; never more than so many UTF-16 units."""

MOST_ENTITIES = 100
"""Bot API, "Formatting options": Telegram silently ignores the rest."""

PLACEHOLDER = "…"

Entity = dict[str, Any]

LONGEST_FOLDED = 1_500
"""Characters folded above an answer: with the answer's first words they fit one message."""

_DRAFT_SOURCE = 4 * LIMIT_UTF16
"""As much Markdown of a draft as its first piece needs: a long answer is drawn many times."""

# Of the categories of what is seen, but not seen: fillers and variation selectors.
_BLANK = {"\u2800", "\u3164", "\u115f", "\u1160", "\uffa0", "\ufffc", "\u034f"}
_BLANK |= {chr(code) for code in range(0xFE00, 0xFE10)}
_JOINERS = {"\u200d", "\ufe0e", "\ufe0f", "\u20e3"}


@frozen
class Piece:
    """The text of one message, and the buttons below it.

    Args:
        plain: The text for when Telegram refuses the entities.
    """

    text: str = field(repr=False)
    entities: tuple[Entity, ...] = field(repr=False, default=())
    plain: str = field(repr=False, default="")
    keyboard: Keyboard = ()


def pieces(
    markdown: str,
    *,
    limit_utf16: int = LIMIT_UTF16,
    most_entities: int = MOST_ENTITIES,
    folded: str = "",
    footer: str = "",
) -> list[Piece]:
    """*markdown* in pieces that each fit one message and show something, in order.

    Cuts between blocks, then lines, then words; what is marked goes on in the next piece, so that
    a code block that must be cut is closed and opened again with its language.

    Args:
        markdown: The agent's or our own words.
        limit_utf16: Longest piece, in UTF-16 code units. At least 8.
        most_entities: Of one piece.
        folded: Plain text folded away above it, cut where it is long.
        footer: Markdown below it, on the last piece.
    """
    parts = (_folded(folded), _shown(markdown), marked(footer))
    return _made(_joined(*parts), limit_utf16, most_entities)


def draft(markdown: str, status: str) -> Piece | None:
    """What is shown of an answer that still grows, with *status* below it; None for nothing."""
    shown = marked(markdown[:_DRAFT_SOURCE])
    line = clean(" ".join(status.split()))
    if is_visible(line):
        whole = _joined(shown, Marked(line, (Mark("italic", 0, len(line)),)))
        if length_utf16(whole.text) <= LIMIT_UTF16 and len(whole.marks) <= MOST_ENTITIES:
            shown = whole
    return next(iter(_made(shown, LIMIT_UTF16, MOST_ENTITIES)), None)


def below(piece: Piece, markdown: str) -> Piece:
    """*piece* with *markdown* below it, as much of that as there is room for."""
    gap = "\n\n" if piece.text else ""
    start = length_utf16(piece.text + gap)
    found = pieces(markdown, limit_utf16=LIMIT_UTF16 - start) if start <= LIMIT_UTF16 - 8 else []
    if not found:
        return piece
    added = found[0]
    moved = tuple({**entity, "offset": entity["offset"] + start} for entity in added.entities)
    text, words = piece.text + gap + added.text, piece.plain + gap + added.plain
    return evolve(
        piece,
        text=text,
        entities=(*piece.entities, *moved)[:MOST_ENTITIES],
        plain=words if length_utf16(words) <= LIMIT_UTF16 else text,
    )


def simpler(piece: Piece) -> Iterator[Piece]:
    """What to send where Telegram refuses *piece*: without its formatting, then also no buttons."""
    plain = evolve(piece, text=piece.plain, entities=()) if piece.entities else piece
    if piece.entities:
        yield plain
    if piece.keyboard:
        yield evolve(plain, keyboard=())


def is_visible(text: str) -> bool:
    """Whether a person sees anything of *text*; Telegram refuses what they do not."""
    return any(unicodedata.category(c)[0] not in "ZC" and c not in _BLANK for c in text)


def length_utf16(text: str) -> int:
    """How long Telegram finds *text*."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le")) // 2


def _shown(markdown: str) -> Marked:
    shown = marked(markdown)
    # Markup without words: say what was written.
    return shown if is_visible(shown.text) else Marked(clean(markdown))


def _folded(text: str) -> Marked:
    """*text* behind a fold; Telegram shows its first lines."""
    words = shortened(clean(text), LONGEST_FOLDED)
    if not is_visible(words):
        return Marked("")
    words = f"{THOUGHT} {words}"
    return Marked(words, (Mark(FOLDED, 0, len(words)),))


def _joined(*parts: Marked) -> Marked:
    """Those of *parts* that show something, one below the other."""
    first, *rest = [part for part in parts if is_visible(part.text)] or [Marked("")]
    for part in rest:
        first = first.trimmed().plus(Marked("\n\n")).plus(part)
    return first


def _made(shown: Marked, limit: int, most: int) -> list[Piece]:
    return [_piece(part, limit) for part in _parts(shown, limit, most) if is_visible(part.text)]


def _parts(shown: Marked, limit: int, most: int) -> Iterator[Marked]:
    start = 0
    while start < len(shown.text):
        start = _next_start(shown, start)
        end = _cut(shown, start, limit, most)
        yield _part(shown, start, end, most)
        start = end


def _next_start(shown: Marked, start: int) -> int:
    """Past the white space at *start*, but for the indentation of code."""
    text = shown.text
    after = start
    while after < len(text) and text[after].isspace():
        after += 1
    is_code = any(mark.kind == PRE and mark.start <= after < mark.end for mark in shown.marks)
    if not is_code:
        return after
    line = text.rfind("\n", start, after) + 1
    return max(start, line, *(m.start for m in shown.marks if m.kind == PRE and m.start <= after))


def _cut(shown: Marked, start: int, limit: int, most: int) -> int:
    """Where the piece from *start* ends."""
    end = _furthest(shown.text, start, limit)
    begins = sorted(mark.start for mark in shown.marks if mark.end > start and mark.start < end)
    if len(begins) > most and begins[most] > start:
        end = min(end, begins[most])
    if end >= len(shown.text):
        return len(shown.text)
    folded = max((mark.end for mark in shown.marks if mark.kind == FOLDED), default=start)
    # What is folded is not alone: the first words of the answer are with it.
    return _best_cut(shown.text, folded if start < folded < end else start, end)


def _furthest(text: str, start: int, limit: int) -> int:
    window = text[start : start + limit]
    if window.isascii():
        return start + len(window)
    fitting = window.encode("utf-16-le")[: 2 * limit]
    return start + len(fitting.decode("utf-16-le", errors="ignore"))


def _best_cut(text: str, start: int, end: int) -> int:
    """The latest good place, but not so early that the pieces become small."""
    size = end - start
    for mark, least in (("\n\n", size // 2), ("\n", size // 4), (" ", size // 4)):
        cut = text.rfind(mark, start + least, end)
        if cut > start:
            return cut + 1
    return _between_characters(text, start, end)


def _between_characters(text: str, start: int, end: int) -> int:
    """*end*, or a little before where it would cut what is seen as one character."""
    for cut in range(end, max(start, end - 16), -1):
        if not _joins(text[cut]) and text[cut - 1] != "\u200d":
            return cut
    return end


def _joins(char: str) -> bool:
    return (
        char in _JOINERS or unicodedata.combining(char) > 0 or "\U0001f3fb" <= char <= "\U0001f3ff"
    )


def _part(shown: Marked, start: int, end: int, most: int) -> Marked:
    text = shown.text[start:end].rstrip()
    end = start + len(text)
    marks = [
        evolve(mark, start=max(mark.start, start) - start, end=min(mark.end, end) - start)
        for mark in shown.marks
        if mark.start < end and mark.end > start
    ]
    # A mark on white space only is none, as Telegram has it.
    return Marked(text, tuple([m for m in marks if is_visible(text[m.start : m.end])][:most]))


def _piece(part: Marked, limit: int) -> Piece:
    units = _units(part.text)
    plain = with_addresses(part)
    return Piece(
        part.text,
        tuple(_entity(mark, units) for mark in part.marks),
        plain if length_utf16(plain) <= limit else part.text,
    )


def _units(text: str) -> list[int] | range:
    """The place of each character in UTF-16 units."""
    if text.isascii():
        return range(len(text) + 1)
    found, at = [], 0
    for char in text:
        found.append(at)
        at += 2 if char > "\uffff" else 1
    return [*found, at]


def _entity(mark: Mark, units: list[int] | range) -> Entity:
    offset = units[mark.start]
    entity: Entity = {"type": mark.kind, "offset": offset, "length": units[mark.end] - offset}
    if mark.kind == LINK:
        entity["url"] = mark.url
    if mark.kind == PRE and mark.language:
        entity["language"] = mark.language
    return entity
