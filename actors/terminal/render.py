"""Markdown as rich draws it, on a terminal that obeys nothing in it."""

import re

from markdown_it import MarkdownIt
from rich.markdown import Markdown

from actors.terminal.clean import printable

# HTML is shown as it was written: rich would leave it out, and with it the words of a block.
_PARSER = MarkdownIt().enable(["strikethrough", "table"]).disable(["html_block", "html_inline"])


def drawn(text: str, *, style: str = "none") -> Markdown:
    """*text* as rich draws Markdown; a line ends where its writer ended it, as in any chat.

    Links show where they lead, as a terminal's own hyperlinks would hide it.
    """
    markdown = Markdown("", hyperlinks=False, style=style)
    markdown.parsed = _PARSER.parse(printable(text))
    for block in markdown.parsed:
        for token in block.children or ():
            if token.type == "softbreak":
                token.type = "hardbreak"
    return markdown


def tail_of(text: str, *, limit: int) -> str:
    """The last *limit* characters of *text* or fewer, from the start of a line where there is one.

    A code block that was cut open starts with its fence again.
    """
    if len(text) <= limit:
        return text
    _, newline, rest = text[-limit:].partition("\n")
    tail = rest if newline else text[-limit:]
    left_out = text[: len(text) - len(tail)]
    fences = re.findall(r"^[ ]{0,3}```.*$", left_out, re.MULTILINE)
    return f"{fences[-1].strip()}\n{tail}" if len(fences) % 2 else tail
