"""Bytes of files, of which the big ones are never in memory as a whole."""

from collections.abc import Iterator
from hashlib import sha256

from attrs import field, frozen

CHUNK_BYTES = 65_536
_PATTERN = bytes(range(256)) * (CHUNK_BYTES // 256)


@frozen
class Content:
    """What a file holds: the bytes that were given, or a pattern that is made as it is read."""

    size_bytes: int
    given: bytes | None = field(default=None, repr=False)

    def chunks(self, size_bytes: int | None = None) -> Iterator[bytes]:
        """The first *size_bytes* of it, or all, in chunks."""
        size_bytes = self.size_bytes if size_bytes is None else size_bytes
        for start in range(0, size_bytes, CHUNK_BYTES):
            end = min(start + CHUNK_BYTES, size_bytes)
            yield _PATTERN[: end - start] if self.given is None else self.given[start:end]

    @property
    def sha256(self) -> str:
        """The digest of all of it, in hexadecimal digits."""
        digest = sha256()
        for chunk in self.chunks():
            digest.update(chunk)
        return digest.hexdigest()


def content_of(given: bytes | int | Content) -> Content:
    """Content from its bytes, or, of any size, from the number of its bytes."""
    match given:
        case Content():
            return given
        case int():
            return Content(given)
        case bytes():
            return Content(len(given), given)
