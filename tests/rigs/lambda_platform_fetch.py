"""Files that a message names by their address, fetched as a platform does, without our token."""

import hashlib

import httpx2
from attrs import field, frozen

from protocols.platform import Attachment

_LONGEST_WAIT = 15.0


@frozen
class Fetched:
    """What came from an address.

    Args:
        status: 0 where nothing came.
        is_right: It is as long as the message said, and has its sha256.
    """

    location: str = field(repr=False)
    status: int
    content: bytes = field(repr=False)
    is_right: bool


async def fetched(file: Attachment) -> Fetched:
    """What stands at the address of *file*."""
    async with httpx2.AsyncClient(timeout=_LONGEST_WAIT, trust_env=False) as http:
        try:
            answer = await http.get(file.location)
        except (httpx2.HTTPError, httpx2.InvalidURL):
            return Fetched(file.location, 0, b"", is_right=False)
    content = answer.content
    sha256 = hashlib.sha256(content).hexdigest()
    is_right = answer.status_code == httpx2.codes.OK and len(content) == file.size_bytes
    return Fetched(
        file.location, answer.status_code, content, is_right=is_right and sha256 == file.sha256
    )
