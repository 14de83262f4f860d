"""Which files a model is given, and how."""

from base64 import b64decode
from hashlib import sha256
from typing import Any

import pytest
from attrs import evolve

from actors.platform.openai_files import (
    LARGEST_PICTURE_BYTES,
    LARGEST_TEXT_BYTES,
    inlined,
    picture_part,
)
from protocols.platform import Attachment, FailureKind, PlatformFailedError

PNG = b"\x89PNG\r\n\x1a\n\x00\xff"


def sent(mime_type: str, content: bytes, name: str = "notes.txt") -> Attachment:
    digest = sha256(content).hexdigest()
    return Attachment(name, mime_type, len(content), data=content, sha256=digest)


def given(file: Attachment, *, has_vision: bool) -> object:
    return picture_part(file, has_vision=has_vision) or inlined(file)


def refusal_of(file: Attachment, *, has_vision: bool = True) -> PlatformFailedError:
    with pytest.raises(PlatformFailedError) as caught:
        given(file, has_vision=has_vision)
    return caught.value


@pytest.mark.parametrize(
    ("said", "sent_as"),
    [
        ("image/png", "image/png"),
        ("image/jpg", "image/jpeg"),
        ("IMAGE/JPEG; quality=1", "image/jpeg"),
        ("image/webp", "image/webp"),
        ("image/gif", "image/gif"),
    ],
)
def test_a_picture_goes_inside_the_request_where_somebody_looks(said: str, sent_as: str) -> None:
    part = picture_part(sent(said, PNG), has_vision=True)

    assert part is not None
    head, _, data = part["image_url"]["url"].partition(",")
    assert (part["type"], head) == ("image_url", f"data:{sent_as};base64")
    assert b64decode(data) == PNG


@pytest.mark.parametrize(
    ("mime_type", "has_vision"), [("image/png", False), ("image/tiff", True), ("image/heic", True)]
)
def test_a_picture_that_nobody_looks_at_is_refused(mime_type: str, *, has_vision: bool) -> None:
    refusal = refusal_of(sent(mime_type, PNG), has_vision=has_vision)

    assert (refusal.kind, refusal.is_retryable) == (FailureKind.FILE_REFUSED, False)


def test_a_picture_may_be_just_so_large() -> None:
    largest = sent("image/png", bytes(LARGEST_PICTURE_BYTES))

    assert picture_part(largest, has_vision=True) is not None
    refused = sent("image/png", bytes(LARGEST_PICTURE_BYTES + 1))
    assert refusal_of(refused).kind is FailureKind.FILE_REFUSED


@pytest.mark.parametrize(
    "mime_type",
    [
        "text/plain",
        "text/x-python",
        "text/csv",
        "Text/Markdown; charset=utf-8",
        "application/json",
        "application/ld+json",
        "application/xml",
        "application/atom+xml",
        "image/svg+xml",
        "application/yaml",
        "application/x-yaml",
        "application/toml",
        "application/sql",
        "application/javascript",
        "application/x-sh",
    ],
)
def test_a_text_is_read_out_below_its_name(mime_type: str) -> None:
    file = sent(mime_type, "\ufeffgrüße\n".encode(), "../a\nb.txt")

    assert picture_part(file, has_vision=True) is None
    assert inlined(file) == ".._a b.txt:\n```\ngrüße\n```"


def test_nothing_in_a_text_closes_the_block_that_it_stands_in() -> None:
    content = b"```python\n````\n1\n````\n```"

    assert inlined(sent("text/markdown", content)) == (
        f"notes.txt:\n`````\n{content.decode()}\n`````"
    )


@pytest.mark.parametrize(
    "file",
    [
        sent("application/pdf", b"%PDF-1.7"),
        sent("application/zip", b"PK"),
        sent("application/octet-stream", b"words"),
        sent("application/jsonish", b"{}"),
        sent("audio/ogg", b"OggS"),
        sent("", b"words"),
        sent("text/plain", b"\xff\xfe\x00"),
        sent("text/plain", bytes(LARGEST_TEXT_BYTES + 1)),
    ],
    ids=lambda file: file.mime_type or "nothing",
)
def test_what_is_no_short_text_is_refused(file: Attachment) -> None:
    refusal = refusal_of(file)

    assert (refusal.kind, refusal.is_retryable) == (FailureKind.FILE_REFUSED, False)


def test_a_text_may_be_just_so_long() -> None:
    assert "x" * LARGEST_TEXT_BYTES in inlined(sent("text/plain", b"x" * LARGEST_TEXT_BYTES))


@pytest.mark.parametrize("mime_type", ["image/png", "text/plain"])
@pytest.mark.parametrize(
    "other",
    [{"size_bytes": 3}, {"sha256": "0" * 64}, {"mode": "url", "location": "https://e.org/a"}],
    ids=["size", "sha256", "mode"],
)
def test_a_file_that_is_not_what_it_says_is_refused(mime_type: str, other: dict[str, Any]) -> None:
    file = evolve(sent(mime_type, b"hi"), **other)

    assert refusal_of(file).kind is FailureKind.FILE_REFUSED
