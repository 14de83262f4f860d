"""Sizes of files and other numbers, as people read them."""

from collections.abc import Mapping
from types import MappingProxyType

from attrs import frozen

from protocols.ids import Language

_STEP = 1024
_SHORT = 10  # below it, a tenth is worth telling


@frozen
class _Signs:
    units: tuple[str, str, str, str]
    point: str
    between_thousands: str


_ENGLISH = _Signs(("B", "KB", "MB", "GB"), ".", ",")
_SIGNS: Mapping[str, _Signs] = MappingProxyType(
    {"en": _ENGLISH, "ru": _Signs(("Б", "КБ", "МБ", "ГБ"), ",", "\N{NO-BREAK SPACE}")}
)


def size_text(size_bytes: int, language: Language) -> str:
    """``20 MB``: *size_bytes* in units of 1024, as Telegram counts them, in *language*.

    Rounded up, so that what is over a limit never looks like the limit.
    """
    signs = _signs(language)
    tenths = size_bytes * 10
    steps = 0
    while _rounded_up(tenths, 10) >= _STEP and steps < len(signs.units) - 1:
        tenths = _rounded_up(tenths, _STEP)
        steps += 1
    return f"{_number(tenths, signs.point)} {signs.units[steps]}"


def count_text(count: int, language: Language) -> str:
    """``1,234``: *count* as it is written in *language*."""
    return f"{count:,}".replace(",", _signs(language).between_thousands)


def _signs(language: Language) -> _Signs:
    return _SIGNS.get(language.partition("-")[0].lower(), _ENGLISH)


def _number(tenths: int, point: str) -> str:
    whole, tenth = divmod(tenths, 10)
    if tenth and whole < _SHORT:
        return f"{whole}{point}{tenth}"
    return str(_rounded_up(tenths, 10))


def _rounded_up(number: int, part: int) -> int:
    return -(-number // part)
