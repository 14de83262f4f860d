"""Files on their way to the platform, in each of its modes."""

from hashlib import sha256
from typing import Any

import pytest

from protocols.platform import Attachment, FailureKind, PlatformFailedError
from tests.actors.platform.on_platform import OnPlatform, on_platform, shown
from tests.rigs.lambda_platform_faults import garbage, refused, status

MiB = 2**20


def file(content: bytes = b"hi", name: str = "notes ü.txt", **more: Any) -> Attachment:
    digest = sha256(content).hexdigest()
    return Attachment(name, "text/plain", len(content), data=content, sha256=digest, **more)


def source(on: OnPlatform) -> Any:
    return on.platform.inputs()[-1]["messages"][0]["content"][-1]["source"]


async def refusal(on: OnPlatform, attachment: Attachment) -> PlatformFailedError:
    with pytest.raises(PlatformFailedError) as caught:
        await on.parts("look", attachments=(attachment,))
    return caught.value


async def test_a_small_file_stands_in_the_message() -> None:
    async with on_platform() as on:
        said = shown(await on.parts("look", attachments=(file(),)))
        (content,) = [body["messages"][0]["content"] for body in on.platform.inputs()]

    assert "notes ü.txt" in said
    assert content[0] == {"type": "text", "text": "look"}
    assert content[1]["metadata"] == {
        "filename": "notes ü.txt",
        "size": 2,
        "sha256": sha256(b"hi").hexdigest(),
    }
    assert content[1]["source"]["type"] == "data"


async def test_a_large_file_goes_ahead_of_the_message() -> None:
    async with on_platform(stall=20.0) as on:
        large = file(b"x" * (4 * MiB + 1))
        said = shown(await on.parts("look", attachments=(large,)))
        kept = on.platform.files.stored[source(on)["value"]]

    assert "notes ü.txt" in said
    assert (kept.size_bytes, kept.sha256) == (large.size_bytes, large.sha256)


async def test_the_platform_says_what_is_small() -> None:
    async with on_platform() as on:
        on.platform.files.limits.max_inline_bytes = 1
        await on.parts("look", attachments=(file(),))

        assert source(on)["type"] == "file"


@pytest.mark.parametrize("attachments", ["binary", "s3"])
async def test_a_repeated_request_sends_the_same_files_once(attachments: str) -> None:
    async with on_platform(attachments=attachments) as on:
        on.platform.files.limits.max_inline_bytes = 1
        files = (file(b"one"), file(b"two"), file(b"one"))
        first, again = [await on.parts("look", attachments=files) for _ in range(2)]

        assert first == again
        assert len(on.platform.files.stored) - _own(on) == 3
        assert on.platform.stats.executed == 1


def _own(on: OnPlatform) -> int:
    """The agent's own files."""
    return sum(each.name == "notes.txt" for each in on.platform.files.stored.values())


async def test_a_file_is_uploaded_to_the_address_that_the_platform_gives() -> None:
    async with on_platform(attachments="s3") as on:
        said = shown(await on.parts("look", attachments=(file(),)))
        stats = on.platform.stats

        assert source(on)["type"] == "file"
        assert "notes ü.txt" in said
        assert (stats.uploads, stats.leaks) == (1, 0)


async def test_a_file_by_its_address_is_not_touched() -> None:
    by_address = Attachment(
        "cat.png", "image/png", 9, mode="url", location="https://gateway/files/1", sha256="0" * 64
    )
    async with on_platform(attachments="url") as on:
        await on.parts("look", attachments=(by_address,))
        (content,) = [body["messages"][0]["content"] for body in on.platform.inputs()]

    assert content[-1] == {
        "type": "image",
        "source": {
            "type": "url",
            "value": "https://gateway/files/1",
            "mimeType": "image/png",
        },
        "metadata": {"filename": "cat.png", "size": 9, "sha256": "0" * 64},
    }


@pytest.mark.parametrize(
    "attachment",
    [
        Attachment("a.txt", "text/plain", 3, data=b"hi"),
        Attachment("a.txt", "text/plain", 3, mode="url"),
        Attachment("a.txt", "text/plain", 3, mode="s3"),
        Attachment("a.txt", "text/plain", 3, mode="carrier pigeon", location="coop"),
    ],
)
async def test_a_file_that_is_not_what_it_says_is_not_sent(attachment: Attachment) -> None:
    async with on_platform() as on:
        error = await refusal(on, attachment)

    assert (error.kind, error.is_retryable) == (FailureKind.FILE_REFUSED, False)
    assert on.platform.stats.starts == 0


async def test_a_file_with_another_ones_digest_is_refused() -> None:
    wrong = Attachment("a.txt", "text/plain", 2, data=b"hi", sha256="0" * 64)
    async with on_platform() as on:
        error = await refusal(on, wrong)

    assert error.is_retryable is False


@pytest.mark.parametrize("attachments", ["binary", "url", "s3"])
async def test_a_file_that_is_too_large_is_refused_before_it_is_sent(attachments: str) -> None:
    large = file(b"x" * 101)
    if attachments == "url":
        large = Attachment("a", "text/plain", 101, mode="url", location="https://gateway/1")
    async with on_platform(attachments=attachments) as on:
        on.platform.files.limits.max_file_bytes = 100
        error = await refusal(on, large)

    assert (error.kind, error.is_retryable) == (FailureKind.FILE_REFUSED, False)
    assert on.platform.requests("POST") == []


async def test_a_kind_of_file_that_the_platform_does_not_take_is_refused() -> None:
    async with on_platform() as on:
        on.platform.files.limits.refused_types = frozenset({"text/plain"})
        error = await refusal(on, file())

    assert (error.kind, error.is_retryable) == (FailureKind.FILE_REFUSED, False)


@pytest.mark.parametrize(
    ("code", "kind", "is_retryable"),
    [(403, FailureKind.FILE_REFUSED, False), (503, FailureKind.OVERLOADED, True)],
)
async def test_what_the_store_says_is_nothing_of_our_token(
    code: int, kind: FailureKind, *, is_retryable: bool
) -> None:
    async with on_platform(attachments="s3") as on:
        on.platform.faults.want(status(code), "^PUT /uploads/")
        error = await refusal(on, file())

    assert (error.kind, error.is_retryable) == (kind, is_retryable)


async def test_a_platform_that_does_not_say_what_it_takes_takes_what_the_contract_says() -> None:
    async with on_platform() as on:
        on.platform.faults.want(status(404), "/capabilities$")
        await on.parts("look", attachments=(file(),))

        assert source(on)["type"] == "data"


@pytest.mark.parametrize("fault", [status(500), garbage(), refused("unauthorized")])
async def test_nothing_is_sent_while_it_is_unknown_what_is_taken(fault: Any) -> None:
    async with on_platform() as on:
        on.platform.faults.want(fault, "/capabilities$")
        await refusal(on, file())

    assert on.platform.requests("POST") == []


async def test_what_the_platform_takes_is_asked_once() -> None:
    async with on_platform() as on:
        for _ in range(2):
            await on.parts("look", attachments=(file(),))

    assert len(on.platform.requests("GET", "/capabilities")) == 1
