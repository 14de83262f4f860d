"""What of one answer to a poll is new, and what confirms it. Pure."""

from collections.abc import Sequence
from typing import Any

from attrs import field, frozen

from actors.telegram.api.outcomes import Ambiguous
from actors.telegram.incoming.decode import update_id

_LONGEST_REDELIVERY = 1000
"""How far behind the offset an update is one that we had; Telegram may also count anew."""


@frozen
class News:
    """The updates of one answer that we have not had.

    Args:
        offset: What confirms all of them.
    """

    updates: tuple[Any, ...] = field(repr=False)
    offset: int


def news_in(items: Sequence[Any], offset: int) -> News | Ambiguous:
    """What is new in *items*, as the journal is complete up to *offset*.

    After a quiet week Telegram goes on with another number, which may be lower.
    """
    numbers = [update_id(item) for item in items]
    fresh = [number for number in numbers if number is not None and not _is_old(number, offset)]
    if not fresh:
        # Nothing would confirm an update without a number: it would come again, for ever.
        return Ambiguous("updates without a number") if None in numbers else News((), offset)
    updates = [
        item
        for item, number in zip(items, numbers, strict=True)
        if number is None or not _is_old(number, offset)
    ]
    return News(tuple(updates), max(fresh) + 1)


def _is_old(number: int, offset: int) -> bool:
    return offset - _LONGEST_REDELIVERY <= number < offset
