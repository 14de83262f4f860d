"""Files of a person on their way to the agent."""

import os
from pathlib import Path

import pytest
from attrs import evolve
from structlog.testing import capture_logs

from actors.platform.files import ATTACH, attach_for, attached
from actors.platform.modes import MODES
from actors.platform.settings import AgentSettings
from protocols.platform import Attachment, FailureKind, PlatformFailedError
from tests.actors.platform.local_files import change, local_file


@pytest.mark.parametrize("mode", MODES)
def test_every_platform_has_its_way_to_take_files(mode: str) -> None:
    assert attach_for(AgentSettings(mode)) in ATTACH.values()


async def test_the_mock_gets_a_file_with_its_content(tmp_path: Path) -> None:
    file = local_file(tmp_path)

    (attachment,) = await attached((file,), ATTACH["mock"])

    assert attachment == Attachment(
        "notes.txt", "text/plain", 5, mode="binary", data=b"hello", sha256=file.sha256
    )


async def test_files_keep_their_order(tmp_path: Path) -> None:
    files = tuple(local_file(tmp_path, bytes([n]), f"{n}.bin") for n in range(10))

    attachments = await attached(files, ATTACH["mock"])

    assert [attachment.data for attachment in attachments] == [bytes([n]) for n in range(10)]


async def test_without_files_nothing_is_read() -> None:
    assert await attached((), ATTACH["mock"]) == ()


@pytest.mark.parametrize("now", [None, b"", b"hell", b"hello, world"])
async def test_a_file_that_is_not_what_it_was_is_a_failure_that_no_other_attempt_mends(
    tmp_path: Path, now: bytes | None
) -> None:
    file = local_file(tmp_path)
    change(file, now)

    with capture_logs() as logs, pytest.raises(PlatformFailedError) as caught:
        await attached((file,), ATTACH["mock"])

    assert (caught.value.kind, caught.value.is_retryable) == (FailureKind.FILE_LOST, False)
    assert [line["event"] for line in logs] == ["file.lost"]
    assert "notes" not in str(logs)


async def test_a_folder_in_the_place_of_a_file_is_a_failure_too(tmp_path: Path) -> None:
    file = evolve(local_file(tmp_path), path=os.fspath(tmp_path))

    with pytest.raises(PlatformFailedError):
        await attached((file,), ATTACH["mock"])
