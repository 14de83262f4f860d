"""Who may see the page: whoever sits at this machine, or knows the token. Pure.

Being at this machine is three things at once: the connection comes from loopback; the request
names loopback as its host, so that a stranger's website, whose name a browser was made to resolve
to 127.0.0.1, is not let in; and no proxy says that it speaks for somebody else.
"""

import hmac
from base64 import b64decode
from collections.abc import Mapping
from ipaddress import ip_address

from attrs import frozen

CHALLENGES = ('Basic realm="surfaces", charset="UTF-8"', 'Bearer realm="surfaces"')
"""What ``WWW-Authenticate`` says; a browser asks for Basic's user name and password."""

_AT_HOME = frozenset({"localhost", "127.0.0.1", "[::1]"})
_FORWARDED = ("forwarded", "x-forwarded", "x-real-ip", "via", "cf-connecting-ip", "true-client-ip")
"""What the names of headers start with that only a proxy sets."""


@frozen
class Allowed:
    """The page may be shown."""


@frozen
class TokenNeeded:
    """Not without the token, which was wrong or was not there."""


@frozen
class NotFromHere:
    """Not at all: there is no token, so the page is for this machine alone."""


def access(
    peer: str, headers: Mapping[str, str], token: str
) -> Allowed | TokenNeeded | NotFromHere:
    """Whether a request may see the page.

    Args:
        peer: The address that the connection comes from.
        headers: The request's, by lower-case names.
        token: What opens the page from elsewhere; empty for nothing.
    """
    if _is_at_home(peer, headers):
        return Allowed()
    if not token:
        return NotFromHere()
    has_token = hmac.compare_digest(_presented(headers.get("authorization", "")), token.encode())
    return Allowed() if has_token else TokenNeeded()


def _is_at_home(peer: str, headers: Mapping[str, str]) -> bool:
    return (
        _is_loopback(peer)
        and _without_port(headers.get("host", "")) in _AT_HOME
        and not any(name.startswith(_FORWARDED) for name in headers)
    )


def _is_loopback(peer: str) -> bool:
    try:
        return ip_address(peer).is_loopback
    except ValueError:
        return False


def _without_port(host: str) -> str:
    name, colon, port = host.rpartition(":")
    is_port = colon and port.isdecimal() and port.isascii()
    return (name if is_port else host).lower()


def _presented(authorization: str) -> bytes:
    """The token in the header ``Authorization``; empty where there is none that can be read."""
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() == "bearer":
        return value.strip().encode("latin-1", "replace")
    if scheme.lower() != "basic":
        return b""
    try:
        return b64decode(value.strip(), validate=True).partition(b":")[2]
    except ValueError:
        return b""
