"""HTML that is put together of texts that are escaped and of pieces that are known to be good."""

from html import escape


class Html(str):
    """Text that is HTML already; it stands in a piece as it is."""

    __slots__ = ()


def element(tag: str, *inside: str, **attributes: str | bool) -> Html:
    """``<tag …>inside</tag>``; what is not ``Html`` is escaped.

    An attribute's name loses the ``_`` at its end, and others in it become hyphens; one that is
    False is left out.
    """
    said = "".join(
        f" {name.rstrip('_').replace('_', '-')}" + ("" if value is True else f'="{_safe(value)}"')
        for name, value in attributes.items()
        if value is not False
    )
    return Html(f"<{tag}{said}>{joined(*inside)}</{tag}>")


def joined(*pieces: str) -> Html:
    """*pieces* one after the other."""
    return Html("".join(piece if isinstance(piece, Html) else _safe(piece) for piece in pieces))


def _safe(text: str) -> str:
    """*text* escaped, without what could turn its order around or is not seen."""
    plain = "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in text)
    return escape(plain)
