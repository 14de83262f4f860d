"""Addresses of files on this machine that expire and cannot be guessed; pure."""

import hmac
from base64 import urlsafe_b64encode
from hashlib import sha256
from urllib.parse import quote

from attrs import field, frozen

PREFIX = "/files/"
"""What the path of every such address starts with."""


@frozen
class FileLinks:
    """Makes and checks addresses of files below one folder.

    The same file with the same end has the same address in every life of the program: a request
    that is repeated must not differ.

    Args:
        base: The server's own address as others reach it, without a slash at its end.
        key: Nobody else's; the address proves that its holder was given it.
    """

    base: str
    key: bytes = field(repr=False)

    def link(self, name: str, *, expires_at: int) -> str:
        """The address of the file *name* (relative to the folder), good until *expires_at*."""
        return (
            f"{self.base}{PREFIX}{quote(name)}?exp={expires_at}&sig={self._sign(name, expires_at)}"
        )

    def is_good(self, name: str, *, expires_at: int, signature: str, now: float) -> bool:
        """Whether we gave out this address and it is still good."""
        expected = self._sign(name, expires_at)
        return hmac.compare_digest(expected.encode(), signature.encode()) and now < expires_at

    def _sign(self, name: str, expires_at: int) -> str:
        digest = hmac.digest(self.key, f"{expires_at}\n{name}".encode(), sha256)
        return urlsafe_b64encode(digest).decode().rstrip("=")
