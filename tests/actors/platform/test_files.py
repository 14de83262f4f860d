"""Files of a person on their way to the agent."""

import os
from functools import partial
from pathlib import Path

import pytest
from attrs import evolve
from structlog.testing import capture_logs

from actors.platform.files import ATTACH, LINK_SECONDS, attach_for, attached, with_link
from actors.platform.modes import MODES
from actors.platform.settings import AgentSettings
from protocols.file_links import FileLinks
from protocols.platform import Attachment, FailureKind, PlatformFailedError
from tests.actors.platform.local_files import change, local_file


@pytest.mark.parametrize("mode", MODES)
def test_every_platform_has_its_way_to_take_files(mode: str, tmp_path: Path) -> None:
    file = local_file(tmp_path)

    attachment = attach_for(AgentSettings(mode=mode))(file)

    assert attachment.data == b"hello"


@pytest.mark.parametrize(
    ("attachments", "mode"), [("binary", "binary"), ("s3", "binary"), ("url", "url")]
)
def test_the_platform_gets_files_as_the_settings_say(
    attachments: str, mode: str, tmp_path: Path
) -> None:
    links = FileLinks("https://gateway", b"key")
    agent = AgentSettings(mode="production", attachments=attachments, files=tmp_path, links=links)

    assert attach_for(agent)(local_file(tmp_path)).mode == mode


def test_a_file_by_its_address_is_the_same_every_time_and_good_for_days(tmp_path: Path) -> None:
    links = FileLinks("https://gateway", b"key")
    (tmp_path / "in").mkdir()
    file = local_file(tmp_path / "in", name="a b.txt")
    os.utime(file.path, (1_000.0, 1_000.9))

    first, again = [with_link(file, links=links, folder=tmp_path) for _ in range(2)]

    assert first == again
    assert first.location == links.link("in/a b.txt", expires_at=1_000 + LINK_SECONDS)
    assert (first.mode, first.data, first.size_bytes, first.sha256) == ("url", b"", 5, file.sha256)


@pytest.mark.parametrize("now", [None, b"hello, world"])
async def test_a_file_that_is_not_what_it_was_gets_no_address(
    tmp_path: Path, now: bytes | None
) -> None:
    file = local_file(tmp_path)
    change(file, now)
    attach = partial(with_link, links=FileLinks("", b"key"), folder=tmp_path)

    with pytest.raises(PlatformFailedError) as caught:
        await attached((file,), attach)

    assert caught.value.kind is FailureKind.FILE_LOST


async def test_a_file_that_stands_elsewhere_gets_no_address(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    attach = partial(with_link, links=FileLinks("", b"key"), folder=tmp_path / "in")

    with pytest.raises(PlatformFailedError) as caught:
        await attached((local_file(tmp_path),), attach)

    assert caught.value.kind is FailureKind.FILE_LOST


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
