"""Standard Webhooks: who sent a push. Pure.

Source:
    https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import hmac
import re
from base64 import b64decode, b64encode
from collections.abc import Sequence

from attrs import field, frozen

WINDOW = 300
"""Seconds by which the sender's clock, and the way here, may differ from ours."""

PREFIX = "whsec_"
"""What a secret starts with whose rest is base64."""
_ID = re.compile(rb"[A-Za-z0-9._:=+-]{1,200}")
"""No brace: a body cannot be taken for the rest of an id, which a full stop ends."""
_TIMESTAMP = re.compile(rb"[1-9]\d{0,10}")
"""As the sender writes it, so that what is signed can be put together again."""


class SecretError(ValueError):
    """A secret starts with ``whsec_`` and goes on with what is not base64."""


@frozen
class Signed:
    """The headers of a push, whose signature is still to be verified.

    Args:
        sent_at: Seconds since the epoch, by the sender's clock.
    """

    id: str
    sent_at: int
    signatures: tuple[bytes, ...] = field(repr=False)


def key_of(secret: str) -> bytes:
    """The key in *secret*: base64 after ``whsec_``, or else its own bytes.

    Raises:
        SecretError: It is not base64.
    """
    if not secret.startswith(PREFIX):
        return secret.encode()
    try:
        key = b64decode(secret.removeprefix(PREFIX), validate=True)
    except ValueError as error:
        raise SecretError from error
    if not key:
        raise SecretError
    return key


def read_headers(headers: Sequence[tuple[bytes, bytes]], *, now: float) -> Signed | None:
    """What the raw *headers* say of a push; None where that cannot be a push of these minutes."""
    found = [_only(headers, name) for name in (b"id", b"timestamp", b"signature")]
    id_, timestamp, signature = (value or b"" for value in found)
    if not _ID.fullmatch(id_) or not _TIMESTAMP.fullmatch(timestamp):
        return None
    if abs(now - int(timestamp)) > WINDOW:
        return None
    return Signed(id_.decode(), int(timestamp), tuple(signature.split(b" ")))


def is_genuine(signed: Signed, body: bytes, keys: Sequence[bytes]) -> bool:
    """Whether one of *keys* signed it; every one is tried, in a time that tells nothing."""
    content = b"%s.%d.%s" % (signed.id.encode(), signed.sent_at, body)
    is_found = False
    for key in keys:
        expected = b"v1," + b64encode(hmac.digest(key, content, "sha256"))
        for signature in signed.signatures:
            is_found |= hmac.compare_digest(expected, signature)
    return is_found


def _only(headers: Sequence[tuple[bytes, bytes]], name: bytes) -> bytes | None:
    values = [value for key, value in headers if key.lower() == b"webhook-" + name]
    return values[0] if len(values) == 1 else None
