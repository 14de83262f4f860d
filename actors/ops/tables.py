"""Every answer but the tree as a page for the operator. Pure."""

from collections.abc import Sequence
from typing import assert_never

from actors.ops import words
from actors.ops.page import Line, Look, columns, wrapped
from actors.ops.tree import glance, tree_page
from actors.ops.units import age, count, plain, size
from actors.ops.words import Answer


def page_of(  # one case for each answer
    answer: Answer, *, width: int
) -> list[Line]:
    """*answer* as it is printed."""
    match answer:
        case words.Tree():
            return tree_page(answer, width=width)
        case words.Journal():
            return _journal(answer, width=width)
        case words.DeadLetters():
            return _dead_letters(answer, width=width)
        case words.Access():
            return _access(answer, width=width)
        case words.Stack(path=path, text=text):
            return [Line(plain(path), Look.HEAD), *map(Line, map(plain, text.splitlines()))]
        case words.Refused(problem=problem, near=near):
            meant = f" (near: {', '.join(near)})" if near else ""
            return [Line(plain(problem + meant), Look.BAD)]
        case _:
            return [Line(plain(_done(answer)))]


def _done(
    answer: words.Restarted | words.Killed | words.Retried | words.LetInDone | words.BackupDone,
) -> str:
    match answer:
        case words.Restarted(path=path):
            return f"restarted: {path}"
        case words.Killed(path=path):
            return f"killed: {path}"
        case words.Retried(id=row):
            return f"runs again: row {row}"
        case words.LetInDone(person=person):
            return f"may write now: {person}"
        case words.BackupDone(file=file, size_bytes=size_bytes):
            return f"copied: {file}, {size(size_bytes)}"
        case _:
            assert_never(answer)


def _journal(journal: words.Journal, *, width: int) -> list[Line]:
    rows = [
        (f"{row.id}", age(row.age), row.state, f"{row.attempts}", row.room, row.reason)
        for row in journal.rows
    ]
    heading = ("ID", "AGE", "STATE", "STARTS", "ROOM")
    return [
        *_table(heading, rows, right=(0, 1, 3), width=width),
        Line(""),
        Line(glance(journal.summary)),
    ]


def _dead_letters(dead: words.DeadLetters, *, width: int) -> list[Line]:
    rows = [
        (age(one.age), "store" if one.kept else "mail", one.kind, one.source, one.reason)
        for one in dead.letters
    ]
    lines = _table(("AGE", "IN", "KIND", "SOURCE"), rows, right=(0,), width=width)
    if dead.problem:
        lines.append(Line(f"those in the store are missing: {plain(dead.problem)}", Look.BAD))
    return lines or [Line("no dead letters")]


def _access(access: words.Access, *, width: int) -> list[Line]:
    rows = [
        (one.code or "-", count(one.attempts), age(one.age), one.person, "")
        for one in access.strangers
    ]
    lines = [
        Line(f"access: {plain(access.mode)}", Look.HEAD),
        *_people("admins", access.admins, width=width),
        *_people("allowed", access.allowed, width=width),
        Line(f"strangers: {count(len(rows) + access.left_out) if rows else 'none'}"),
        *_table(("CODE", "ATTEMPTS", "LAST", "PERSON"), rows, right=(1, 2), width=width),
    ]
    if access.left_out:
        lines.append(Line(f"and {access.left_out:,} earlier ones", Look.FAINT))
    if any(one.code for one in access.strangers):
        lines.append(Line("let one in with: debug pair CODE"))
    return lines


def _people(which: str, people: Sequence[str], *, width: int) -> list[Line]:
    text = plain(f"{which}: {', '.join(people) or 'none'}")
    first, *rest = wrapped(text, width=width, indent="")
    return [Line(first), *map(Line, wrapped(" ".join(rest), width=width, indent="    "))]


def _table(
    heading: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[int], width: int
) -> list[Line]:
    """*rows* under *heading*; the last cell of each is a reason, which gets lines of its own."""
    if not rows:
        return []
    cells = [heading, *([plain(cell) for cell in row[:-1]] for row in rows)]
    top, *aligned = columns(cells, width=width, right=right)
    lines = [Line(text, Look.FAINT) for text in top]
    for row, texts in zip(rows, aligned, strict=True):
        lines += map(Line, texts)
        reason = wrapped(plain(row[-1]), width=width, indent="    ")
        lines += [Line(text, Look.FAINT) for text in reason]
    return lines
