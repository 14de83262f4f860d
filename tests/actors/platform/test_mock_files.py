"""Files that the mock agent is sent, and files that it makes."""

import hashlib

import pytest

from actors.platform.mock_files import taken
from protocols.platform import Attachment, FailureKind, PlatformFailedError

HASH = hashlib.sha256(b"hi").hexdigest()


@pytest.mark.parametrize("claimed", ["", HASH])
async def test_a_file_is_remembered_by_its_hash_and_not_by_its_content(claimed: str) -> None:
    file = Attachment("notes.txt", "text/plain", 2, data=b"hi", sha256=claimed)

    (known,) = await taken((file,))

    assert known == Attachment("notes.txt", "text/plain", 2, sha256=HASH)


@pytest.mark.parametrize("mode", ["url", "s3"])
async def test_an_address_is_taken_as_it_is(mode: str) -> None:
    file = Attachment("cat.png", "image/png", 9, mode=mode, location="https://example.org/cat")

    assert await taken((file,)) == (file,)


@pytest.mark.parametrize(
    "file",
    [
        Attachment("notes.txt", "text/plain", 3, data=b"hi"),
        Attachment("notes.txt", "text/plain", 2, data=b"hi", sha256="0" * 64),
        Attachment("cat.png", "image/png", 9, mode="url"),
        Attachment("film.mp4", "video/mp4", 9, mode="carrier pigeon", location="coop"),
    ],
)
async def test_a_file_that_is_not_what_it_says_is_refused(file: Attachment) -> None:
    good = Attachment("a.txt", "text/plain", 1, data=b"a")

    with pytest.raises(PlatformFailedError) as caught:
        await taken((good, file))

    assert (caught.value.kind, caught.value.is_retryable) == (FailureKind.REJECTED, False)
