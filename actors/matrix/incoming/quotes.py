"""What a message replies to, as a quotation before its own words. Pure."""

import re

from attrs import field, frozen

from actors.surfaces.quotes import quoted

_COMMAND = re.compile(r"/|![A-Za-z]")


@frozen
class Quote:
    """What was replied to.

    Args:
        label: A word for what it holds beside its words, as in ``[photo cat.png]``.
    """

    words: str = field(repr=False)
    label: str = field(repr=False, default="")


def with_quote(text: str, quote: Quote | None) -> str:
    """*text* behind *quote* in Markdown; a command stays alone."""
    if quote is None or is_command(text):
        return text
    return quoted(text, words=quote.words, label=quote.label)


def is_command(text: str) -> bool:
    """Whether *text* may be a command, which has to begin its message."""
    return _COMMAND.match(text) is not None
