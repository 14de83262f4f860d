"""Which addresses Telegram takes for a link; it refuses the whole message for one that it does not.

Language models write the others all the time: ``src/a.py``, ``http://localhost:8000``, ``#top``.
"""

import re

_HTTP = re.compile(r"https?://([^/?#\s]+)", re.IGNORECASE)
_LABEL = r"[^\s.:@\[\]\\%!\"'`<>{}|^,;()]+"
_HOST = re.compile(rf"(?!-){_LABEL}(?:\.{_LABEL})+")
_DEEP = re.compile(r"tg://[a-z0-9_-]+(?:[/?][^\s]*)?", re.IGNORECASE)
_EMOJI = "tg://emoji"

_LONGEST = 2048
_MOST_PORTS = 65_535


def is_link(address: str) -> bool:
    """Whether a text may link to *address*: a host with a dot behind http(s), or tg's own."""
    if len(address) > _LONGEST or not address.isprintable() or " " in address:
        return False
    if _DEEP.fullmatch(address):
        return not address.lower().startswith(_EMOJI)
    found = _HTTP.match(address)
    if found is None:
        return False
    host, colon, port = found[1].partition(":")
    if colon and not (port.isascii() and port.isdigit() and 0 < int(port[:6]) <= _MOST_PORTS):
        return False
    return _HOST.fullmatch(host) is not None
