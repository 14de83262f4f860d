"""Tables as Telegram can show them: it knows none."""

import unicodedata

_WIDEST = 44
"""A telephone breaks lines of fixed width that are longer, and a broken table is unreadable."""

_ZERO_WIDTH = {"Mn", "Me", "Cf"}

Rows = list[list[str]]


def is_narrow(rows: Rows) -> bool:
    """Whether *rows* fit side by side."""
    widths = _widths(rows)
    return sum(widths) + 3 * (len(widths) - 1) <= _WIDEST


def columns(rows: Rows) -> str:
    """*rows*, the first of them the headings, in columns of fixed width."""
    widths = _widths(rows)
    lines = [_line(row, widths) for row in rows]
    lines.insert(1, "-+-".join("-" * width for width in widths))
    return "\n".join(lines)


def records(rows: Rows) -> list[list[tuple[str, str]]]:
    """Each row as pairs of heading and cell; a table of headings only gives those."""
    head, *body = rows
    if not body:
        return [[("", cell) for cell in head if cell]]
    shown = [[pair for pair in zip(head, row, strict=False) if pair[1]] for row in body]
    return [record for record in shown if record]


def _line(row: list[str], widths: list[int]) -> str:
    cells = [*row, *[""] * (len(widths) - len(row))]
    padded = (
        cell + " " * (width - _width(cell)) for cell, width in zip(cells, widths, strict=False)
    )
    return " | ".join(padded).rstrip()


def _widths(rows: Rows) -> list[int]:
    count = max(map(len, rows))
    return [max(_width(row[at]) if at < len(row) else 0 for row in rows) for at in range(count)]


def _width(text: str) -> int:
    """How many columns *text* takes."""
    return sum(
        2 if unicodedata.east_asian_width(char) in "WF" else 1
        for char in text
        if unicodedata.category(char) not in _ZERO_WIDTH
    )
