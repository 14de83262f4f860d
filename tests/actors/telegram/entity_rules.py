"""What Telegram demands of a text with entities, checked as it would."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from actors.telegram.text.render import Piece, is_visible, length_utf16

_ALONE = {"pre", "code"}
_QUOTES = {"blockquote", "expandable_blockquote"}


def check(piece: Piece) -> None:
    """Fail where Telegram would refuse *piece*, or silently ignore something of it."""
    assert is_visible(piece.text)
    assert is_visible(piece.plain)
    assert piece.text == piece.text.rstrip()
    assert length_utf16(piece.text) <= 4096
    assert length_utf16(piece.plain) <= 4096
    assert len(piece.entities) <= 100
    units = piece.text.encode("utf-16-le")
    for entity in piece.entities:
        _check_place(entity, units)
        _check_link(entity)
    _check_nesting(piece.entities)


def marked_words(piece: Piece, kind: str) -> list[str]:
    """The words of *piece* that are marked as *kind*."""
    units = piece.text.encode("utf-16-le")
    return [_words(entity, units) for entity in piece.entities if entity["type"] == kind]


def _words(entity: dict[str, Any], units: bytes) -> str:
    start = 2 * entity["offset"]
    return units[start : start + 2 * entity["length"]].decode("utf-16-le")


def _check_place(entity: dict[str, Any], units: bytes) -> None:
    assert entity["offset"] >= 0
    assert entity["length"] > 0
    assert 2 * (entity["offset"] + entity["length"]) <= len(units)
    assert is_visible(_words(entity, units))  # also: in no middle of a pair


def _check_link(entity: dict[str, Any]) -> None:
    if entity["type"] == "text_link":
        address = urlsplit(entity["url"])
        assert address.scheme in {"http", "https", "tg"}
        assert address.scheme == "tg" or "." in (address.hostname or "")


def _check_nesting(entities: Sequence[dict[str, Any]]) -> None:
    for index, one in enumerate(entities):
        for other in entities[index + 1 :]:
            a, b = one["offset"], one["offset"] + one["length"]
            c, d = other["offset"], other["offset"] + other["length"]
            if b <= c or d <= a:
                continue
            assert (a <= c and d <= b) or (c <= a and b <= d), "they cross"
            kinds = {one["type"], other["type"]}
            assert not kinds & _ALONE or kinds & _QUOTES, "code is alone, but in a quote"
            assert one["type"] != other["type"] or one["type"] != "text_link"
            assert not kinds <= _QUOTES, "a quote is in no other"
