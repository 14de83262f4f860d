"""Files that the mock agent is sent."""

import hashlib

import trio
from attrs import evolve

from protocols.platform import Attachment, FailureKind, PlatformFailedError


async def taken(files: tuple[Attachment, ...]) -> tuple[Attachment, ...]:
    """*files* as a run remembers them: what they hash to in the place of their content.

    Raises:
        PlatformFailedError: One is not what it says.
    """
    if not files:
        return ()
    return await trio.to_thread.run_sync(_all, files)


def _all(files: tuple[Attachment, ...]) -> tuple[Attachment, ...]:
    return tuple(_without_content(file) for file in files)


def _without_content(file: Attachment) -> Attachment:
    if file.mode == "binary":
        digest = hashlib.sha256(file.data).hexdigest()
        if len(file.data) == file.size_bytes and file.sha256 in {"", digest}:
            return evolve(file, data=b"", sha256=digest)
    elif file.mode in {"url", "s3"} and file.location:
        return file
    raise PlatformFailedError(FailureKind.REJECTED, is_retryable=False)
