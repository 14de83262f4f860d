"""Markdown as plain text with marks on it, such that Telegram takes it and no word is lost.

telegramify-markdown writes the text; what it drops (HTML, images without words, links in tables)
is turned into words first, and what Telegram refuses is repaired after.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator

import pyromark
from attrs import evolve, field, frozen
from telegramify_markdown.config import RenderConfig
from telegramify_markdown.converter import STANDARD_OPTIONS, EventWalker
from telegramify_markdown.entity import MessageEntity

from actors.telegram.text.links import is_link
from actors.telegram.text.spoken import spoken

QUOTE = "blockquote"
FOLDED = "expandable_blockquote"
PRE = "pre"
CODE = "code"
LINK = "text_link"

_KINDS = {"bold", "italic", "underline", "strikethrough", "spoiler", QUOTE, PRE, CODE, LINK}
_UNFIT = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\x85\ud800-\udfff\u2028-\u202e]")
_LANGUAGE = re.compile(r"[\w+#.-]{1,32}")


@frozen
class Mark:
    """One entity, counted in characters of the text: from *start* up to *end*."""

    kind: str
    start: int
    end: int
    url: str = field(repr=False, default="")
    language: str = ""


@frozen
class Marked:
    """A text and what is marked in it; marks are nested, never crossed."""

    text: str = field(repr=False)
    marks: tuple[Mark, ...] = field(repr=False, default=())

    def trimmed(self) -> "Marked":
        """The text without the white space at its end."""
        end = len(self.text.rstrip())
        kept = (evolve(m, end=min(m.end, end)) for m in self.marks if m.start < end)
        return Marked(self.text[:end], tuple(kept))

    def plus(self, more: "Marked") -> "Marked":
        """The text, then *more*."""
        shift = len(self.text)
        moved = (evolve(m, start=m.start + shift, end=m.end + shift) for m in more.marks)
        return Marked(self.text + more.text, (*self.marks, *moved))


def marked(markdown: str) -> Marked:
    """What *markdown* looks like on Telegram."""
    source = clean(markdown)
    events = tuple(pyromark.events_with_range(source, options=STANDARD_OPTIONS))
    text, entities, _ = EventWalker(_CONFIG, source).walk(tuple(spoken(events, source)))
    return _without_refused_links(
        Marked(text, tuple(sorted(_settled(_marks(text, entities)), key=_outer_first)))
    )


def clean(text: str) -> str:
    """*text* without the characters that Telegram drops or that no UTF-8 holds."""
    return _UNFIT.sub(_fit, text.replace("\r\n", "\n").replace("\r", "\n"))


def with_addresses(shown: Marked) -> str:
    """The plain words of *shown*, with the addresses of its links in brackets."""
    links = [mark for mark in shown.marks if mark.kind == LINK]
    return _bracketed(Marked(shown.text, tuple(links)), links).text


def _fit(found: re.Match[str]) -> str:
    return "\ufffd" if "\ud800" <= found[0] <= "\udfff" else " "


# After: entities.


def _marks(text: str, entities: list[MessageEntity]) -> list[Mark]:
    """*entities* in characters, the outer before the inner."""
    indexes = _indexes(text)
    found = [
        Mark(
            entity.type,
            indexes[entity.offset],
            indexes[entity.offset + entity.length],
            entity.url or "",
            _language(entity.language or ""),
        )
        for entity in entities
        if entity.type in _KINDS
    ]
    found.reverse()  # of equal ones the outer came later, and the sort keeps their order
    return sorted(found, key=_outer_first)


def _language(name: str) -> str:
    return name if _LANGUAGE.fullmatch(name) else ""


def _indexes(text: str) -> list[int] | range:
    """The character at each place in UTF-16 units."""
    if text.isascii():
        return range(len(text) + 1)
    found: list[int] = []
    for index, char in enumerate(text):
        found += [index] * (2 if char > "\uffff" else 1)
    return [*found, len(text)]


def _settled(marks: list[Mark]) -> Iterator[Mark]:
    """What Telegram takes: code holds no other mark, and neither links nor quotes are nested."""
    links = _outermost(mark for mark in marks if mark.kind == LINK)
    words = _outermost([*links, *(mark for mark in marks if mark.kind in {PRE, CODE})])
    code = [mark for mark in words if mark.kind != LINK]
    quotes = [mark for mark in marks if mark.kind == QUOTE]
    yield from words
    for index, quote in enumerate(quotes):
        yield from _without(quote, quotes[index + 1 :])
    for mark in marks:
        if mark.kind not in {LINK, PRE, CODE, QUOTE}:
            yield from _without(mark, code)


def _outermost(marks: Iterable[Mark]) -> list[Mark]:
    """Those of *marks* that are in no other; they do not cross."""
    found: list[Mark] = []
    for mark in sorted(marks, key=_outer_first):
        if not found or found[-1].end <= mark.start:
            found.append(mark)
    return found


def _outer_first(mark: Mark) -> tuple[int, int, bool]:
    return mark.start, -mark.end, mark.kind != LINK


def _without(mark: Mark, holes: list[Mark]) -> Iterator[Mark]:
    """What is left of *mark* outside *holes*, which are sorted by their starts."""
    start = mark.start
    for hole in holes[bisect_left(holes, mark.start, key=lambda hole: hole.start) :]:
        if mark.end <= max(start, hole.start):
            break
        if start < hole.start:
            yield evolve(mark, start=start, end=hole.start)
        start = max(start, hole.end)
    if start < mark.end:
        yield evolve(mark, start=start)


def _without_refused_links(shown: Marked) -> Marked:
    refused = [mark for mark in shown.marks if mark.kind == LINK and not is_link(mark.url)]
    return _bracketed(shown, refused)


def _bracketed(shown: Marked, links: list[Mark]) -> Marked:
    """*shown* with *links* as words, their addresses in brackets."""
    words, ends, shifts = [], [0], [0]
    for link in links:
        said = shown.text[link.start : link.end]
        address = "" if link.url in {said, f"mailto:{said}"} else f" ({clean(link.url)})"
        words += [shown.text[ends[-1] : link.end], address]
        ends.append(link.end)
        shifts.append(shifts[-1] + len(address))
    starts = [-1, *(link.start for link in links)]

    def moved(mark: Mark) -> Mark:
        before = shifts[bisect_right(ends, mark.start) - 1]
        # What held a link at its end holds its address, too; code has been taken out of links.
        last = bisect_right(ends, mark.end) - 1
        is_held = ends[last] < mark.end or starts[last] >= mark.start
        after = shifts[last] if is_held else shifts[last - 1]
        return evolve(mark, start=mark.start + before, end=mark.end + after)

    gone = set(links)
    text = "".join(words) + shown.text[ends[-1] :]
    return Marked(text, tuple(moved(mark) for mark in shown.marks if mark not in gone))


def _config() -> RenderConfig:
    config = RenderConfig.isolated()
    config.cite_expandable = False  # a folded quote hides words
    symbols = config.markdown_symbol
    symbols.heading_level_1 = symbols.heading_level_2 = ""
    symbols.heading_level_3 = symbols.heading_level_4 = ""
    symbols.unordered_list_item = "\N{BULLET}"
    symbols.task_completed = "\N{WHITE HEAVY CHECK MARK}"
    symbols.task_uncompleted = "\N{WHITE LARGE SQUARE}"
    return config


_CONFIG = _config()
