"""What a message replies to, as a quotation before its own words. Pure."""

_LONGEST_QUOTE = 1000


def quoted(text: str, *, words: str, label: str = "") -> str:
    """*text* behind the *words* that it replies to, in Markdown.

    *label* is a word for what was there beside them, as in ``[photo cat.png]``.
    """
    if len(words) > _LONGEST_QUOTE:
        words = f"{words[:_LONGEST_QUOTE]}…"
    quote = f"{label} {words}".strip()
    if not quote:
        return text
    lines = "\n".join(f"> {line}".rstrip() for line in quote.split("\n"))
    return f"{lines}\n\n{text}" if text else lines
