"""Lines with a look, and columns of cells: what a terminal shows. Pure."""

import textwrap
from collections.abc import Iterable, Sequence
from enum import Enum

from attrs import frozen

_RESET = "\x1b[0m"
_GAP = " "
_LEAST_FIRST_COLUMN = 12


class Look(Enum):
    """How a line looks where colours are wanted; the value is its SGR sequence."""

    PLAIN = ""
    HEAD = "\x1b[1m"
    BAD = "\x1b[1;31m"
    SLOW = "\x1b[33m"
    FAINT = "\x1b[2m"


@frozen
class Line:
    """One line of a page."""

    text: str
    look: Look = Look.PLAIN


def painted(lines: Iterable[Line], *, colours: bool) -> list[str]:
    """*lines* as they are written."""
    return [
        f"{line.look.value}{line.text}{_RESET}"
        if colours and line.look is not Look.PLAIN
        else line.text
        for line in lines
    ]


def wrapped(text: str, *, width: int, indent: str) -> list[str]:
    """*text* in lines of at most *width*, all of them indented; a long word stays whole."""
    return textwrap.wrap(
        text,
        max(width, len(indent) + 20),
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def columns(rows: Sequence[Sequence[str]], *, width: int, right: Iterable[int]) -> list[list[str]]:
    """*rows* as lines, aligned: for each row one line, or two where its first cell is too long.

    Args:
        rows: The heading and the rows, all of one length.
        width: What the lines fit in if the first column can be made narrow enough.
        right: The columns that are aligned to the right.
    """
    wide = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    left_for_first = width - sum(wide[1:]) - len(_GAP) * (len(wide) - 1)
    wide[0] = min(wide[0], max(_LEAST_FIRST_COLUMN, left_for_first))
    to_right = frozenset(right)
    return [_row(row, wide, to_right) for row in rows]


def _row(row: Sequence[str], wide: Sequence[int], right: frozenset[int]) -> list[str]:
    first, *rest = row
    before = [] if len(first) <= wide[0] else [first]
    cells = ["" if before else first, *rest]
    aligned = [
        cell.rjust(wide[place]) if place in right else cell.ljust(wide[place])
        for place, cell in enumerate(cells)
    ]
    return [*before, _GAP.join(aligned).rstrip()]
