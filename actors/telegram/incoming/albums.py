"""Albums: one message to the person, and to Telegram one for each picture. Pure.

The parts come as updates of their own, one after the other, maybe in different answers, and
nothing says which is the last.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from attrs import define, evolve, field, frozen

from actors.surfaces.shapes import table
from actors.telegram.incoming.decode import update_id
from actors.telegram.incoming.meaning import Ignored, Part
from actors.telegram.incoming.news import News
from actors.telegram.incoming.origin import Album, album_of
from protocols.journal import Arrival

MOST_LOOKS = 3
"""How often an album is looked at before it is taken as it is."""

_MOST_PARTS = 10


@frozen
class _Span:
    """Where the parts of one album are in a batch: their places and their numbers, in order."""

    places: tuple[int, ...]
    numbers: tuple[int, ...]


@define
class AlbumWatch:
    """Keeps an album back, and what comes after it, until a look finds no new part of it.

    What is kept back is not confirmed, so Telegram hands it over again: a kill loses nothing.
    """

    _seen: Mapping[Album, tuple[int, ...]] = field(factory=dict)
    _offset: int | None = None
    _looks: int = 0

    @property
    def is_waiting(self) -> bool:
        """Whether something is kept back, so that the next look should come soon."""
        return self._offset is not None

    def complete(self, news: News, *, is_full: bool = False) -> News:
        """What of *news* can be taken: all that comes before an album which still grows.

        An answer that *is_full* may have cut one at its end, however often it is looked at.
        """
        spans, end = _spans_in(news.updates), len(news.updates) - _MOST_PARTS * is_full
        growing = [
            span
            for album, span in spans.items()
            if span.numbers != self._seen.get(album) or span.places[-1] >= end
        ]
        cut = _cut_before(growing, spans.values())
        if cut is None:
            return self._all_of(news)
        numbers = map(update_id, news.updates[cut:])
        offset = min(number for number in numbers if number is not None)
        self._looks = self._looks + 1 if offset == self._offset else 1
        if self._looks >= MOST_LOOKS:
            return self._all_of(news)
        self._offset = offset
        self._seen = {album: span.numbers for album, span in spans.items()}
        return News(news.updates[:cut], offset)

    def _all_of(self, news: News) -> News:
        self._seen, self._offset, self._looks = {}, None, 0
        return news


def _spans_in(updates: Sequence[Any]) -> Mapping[Album, _Span]:
    """Each album among *updates*."""
    found: dict[Album, list[tuple[int, int]]] = defaultdict(list)
    for place, update in enumerate(updates):
        album, number = album_of(table(table(update).get("message"))), update_id(update)
        if album is not None and number is not None:
            found[album].append((place, number))
    return {
        album: _Span(tuple(place for place, _ in parts), tuple(number for _, number in parts))
        for album, parts in found.items()
    }


def _cut_before(growing: Collection[_Span], spans: Collection[_Span]) -> int | None:
    """The place before the first of *growing* where no album is cut; None if none grows."""
    cut = min((span.places[0] for span in growing), default=None)
    while cut is not None:
        reaching = [one.places[0] for one in spans if one.places[0] < cut <= one.places[-1]]
        if not reaching:
            break
        cut = min(reaching)
    return cut


def whole(parts: Sequence[Part], *, is_known: bool = False) -> Arrival | Ignored:
    """The album that *parts* make: a message in the place of the first.

    It is for us if any part is, or if it *is_known*: an earlier part of it was.
    """
    if any(part.is_to_another for part in parts):
        return Ignored("not for us")
    if not (is_known or any(part.is_for_us for part in parts)):
        return Ignored("not for us")
    first = parts[0].arrival
    # An edit of the caption names the part that holds it.
    speaking = next((part.arrival for part in parts if part.has_words), first)
    # Behind a part's own file stands what it replies to, which is the same for all.
    own = tuple(part.arrival.files[0] for part in parts)
    files = own + first.files[1:]
    return evolve(first, text=speaking.text, message_id=speaking.message_id, files=files)
