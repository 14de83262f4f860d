"""Cuts Markdown into pieces that each fit one event."""

import re

from attrs import frozen

_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})[ \t]*([^\n]*)")


@frozen
class _Fence:
    """An open code block: the line that opens it and the line that closes it."""

    opening: str
    closing: str


def pieces(text: str, *, limit_bytes: int) -> list[str]:
    """*text* in non-empty pieces of at most *limit_bytes* (at least 64) UTF-8 bytes, in order.

    Cuts between blocks, then lines, then words, then characters; a code block that must be cut
    is closed and opened again with its language. Only white space is lost at a cut.
    An empty answer gives no piece.
    """
    found = []
    rest = text.strip("\n")
    while rest.strip():
        head, rest = _cut(rest, limit_bytes)
        if head.strip():
            found.append(head)
    return found


def closed(text: str) -> str:
    """*text* with a code block that is still open closed, so that what follows is not in it."""
    fence = _open_fence(text)
    return text if fence is None else f"{text}\n{fence.closing}"


def _cut(text: str, limit: int) -> tuple[str, str]:
    if len(text) <= limit and _size(text) <= limit:
        return text, ""
    reserve = limit // 8
    window = text[:limit].encode()[: limit - reserve].decode(errors="ignore")
    cut = _best_cut(window)
    head, rest = text[:cut], text[cut:]
    fence = _open_fence(head)
    if fence is None or not _may_reopen(fence, head, reserve):
        return head.rstrip("\n"), rest.lstrip("\n")
    return (
        f"{head.removesuffix(chr(10))}\n{fence.closing}",
        f"{fence.opening}\n{rest.removeprefix(chr(10))}",
    )


def _may_reopen(fence: _Fence, head: str, reserve: int) -> bool:
    """Whether both lines fit, and each piece gets further than the line that opens it again."""
    fits = _size(fence.opening) + len(fence.closing) + 2 <= reserve
    return fits and 2 * (len(fence.opening) + 1) < len(head)


def _best_cut(window: str) -> int:
    """The latest good place, but not so early that the pieces become small."""
    half, quarter = len(window) // 2, len(window) // 4
    for mark, least in (("\n\n", half), ("\n", quarter), (" ", quarter)):
        cut = window.rfind(mark)
        if cut > least:
            return cut + len(mark.rstrip("\n"))
    return len(window)


def _open_fence(text: str) -> _Fence | None:
    """The code block that is still open at the end of *text*."""
    fence: _Fence | None = None
    for line in text.split("\n"):
        found = _FENCE.match(line)
        if found is None:
            continue
        marker, info = found[1], found[2].strip()
        if fence is None:
            if not (marker[0] == "`" and "`" in info):
                fence = _Fence(line, marker)
        elif marker.startswith(fence.closing) and not info:
            fence = None
    return fence


def _size(text: str) -> int:
    return len(text.encode())
