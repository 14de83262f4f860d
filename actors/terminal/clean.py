"""What may reach a terminal: text without escape sequences."""

import re

_ESCAPE_SEQUENCES = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor
    r"|\x1b[P\]X^_][^\x00-\x08\x0a-\x1f\x7f-\x9f]*(?:\x07|\x9c|\x1b\\)"  # OSC and other strings
)
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_LONE_SURROGATES = re.compile(r"[\ud800-\udfff]")


def printable(text: str) -> str:
    """*text* with nothing that a terminal obeys but newlines and tabs, and that UTF-8 can hold."""
    unified = text.replace("\r\n", "\n")
    plain = _CONTROLS.sub("", _ESCAPE_SEQUENCES.sub("", unified))
    return _LONE_SURROGATES.sub("\N{REPLACEMENT CHARACTER}", plain)
