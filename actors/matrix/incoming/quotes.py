"""What a message replies to, as a quotation before its own words. Pure."""

import re

from attrs import field, frozen

_LONGEST_QUOTE = 1000
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
    quoted = "" if quote is None or is_command(text) else _shortened(quote)
    if not quoted:
        return text
    lines = "\n".join(f"> {line}".rstrip() for line in quoted.split("\n"))
    return f"{lines}\n\n{text}" if text else lines


def without_quote(text: str) -> str:
    """*text* without the quotation that ``with_quote`` has put before it."""
    lines = text.split("\n")
    quoted = next((n for n, line in enumerate(lines) if not line.startswith(">")), len(lines))
    is_quotation = 0 < quoted < len(lines) and not lines[quoted]
    return "\n".join(lines[quoted + 1 :]) if is_quotation else text


def is_command(text: str) -> bool:
    """Whether *text* may be a command, which has to begin its message."""
    return _COMMAND.match(text) is not None


def _shortened(quote: Quote) -> str:
    words = quote.words
    if len(words) > _LONGEST_QUOTE:
        words = f"{words[:_LONGEST_QUOTE]}…"
    return f"{quote.label} {words}".strip()
