"""What a message replies to stands before its own words, as a quotation in Markdown; pure."""


def without_quote(text: str) -> str:
    """The own words of *text*; all of it where it is nothing but a quotation."""
    lines = text.split("\n")
    end = next((n for n, line in enumerate(lines) if not line.startswith(">")), len(lines))
    is_quotation = 0 < end < len(lines) and not lines[end]
    return "\n".join(lines[end + 1 :]) if is_quotation else text
