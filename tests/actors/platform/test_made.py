"""Files that the agent made, on the disk."""

import errno
import hashlib
import os
import stat
import time
from pathlib import Path

import pytest
from attrs import define
from structlog.testing import capture_logs

from actors.platform.made import MadeFiles
from protocols.files import FileKind, LocalFile
from protocols.ids import RunId
from protocols.platform import Attachment, FailureKind, PlatformFailedError

RUN = RunId("6f1c3c9e-0d5a-5d57-9b0e-3f5c2a1d7e44")
NOTES = Attachment("notes.txt", "text/plain", 5, data=b"hello")
CAT = Attachment("../cat.png", "image/png; q=1", 3, data=b"PNG")


@define
class FullDisk:
    """Takes a number of files, then no more."""

    takes: int = 0

    def sync(self, handle: int) -> None:
        if self.takes == 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "secret.txt")
        self.takes -= 1
        os.fsync(handle)


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def content_of(file: LocalFile) -> bytes:
    return Path(file.path).read_bytes()


async def test_files_stand_on_the_disk_under_the_names_of_their_run(tmp_path: Path) -> None:
    made = MadeFiles(tmp_path / "files" / "made")

    notes, cat = await made.keep(RUN, (NOTES, CAT))

    assert notes == LocalFile(
        FileKind.DOCUMENT,
        "notes.txt",
        "text/plain",
        5,
        str(tmp_path / "files" / "made" / f"{RUN}-0"),
        hashlib.sha256(b"hello").hexdigest(),
    )
    assert (cat.kind, cat.name, cat.mime_type) == (FileKind.PHOTO, ".._cat.png", "image/png")
    assert cat.path.endswith(f"/{RUN}-1")
    assert [content_of(file) for file in (notes, cat)] == [b"hello", b"PNG"]


async def test_nobody_else_on_the_machine_can_read_them(tmp_path: Path) -> None:
    (file,) = await MadeFiles(tmp_path / "files" / "made").keep(RUN, (NOTES,))

    assert mode_of(tmp_path / "files") == mode_of(tmp_path / "files" / "made") == 0o700
    assert mode_of(Path(file.path)) == 0o600


async def test_a_folder_that_is_named_from_here_gives_whole_paths(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    (file,) = await MadeFiles(Path("made")).keep(RUN, (NOTES,))

    assert file.path == str(tmp_path / "made" / f"{RUN}-0")


async def test_the_same_run_gives_the_same_names(tmp_path: Path) -> None:
    made = MadeFiles(tmp_path)

    first = await made.keep(RUN, (NOTES, CAT))
    again = await made.keep(RUN, (NOTES, CAT))

    assert first == again
    assert names_in(tmp_path) == [f"{RUN}-0", f"{RUN}-1"]


async def test_without_files_there_is_no_folder(tmp_path: Path) -> None:
    assert await MadeFiles(tmp_path / "made").keep(RUN, ()) == ()
    assert names_in(tmp_path) == []


@pytest.mark.parametrize("takes", [0, 1, 2])
async def test_a_full_disk_is_a_failure_and_nothing_is_left_on_it(
    tmp_path: Path, takes: int
) -> None:
    made = MadeFiles(tmp_path, FullDisk(takes).sync)

    with capture_logs() as logs, pytest.raises(PlatformFailedError) as caught:
        await made.keep(RUN, (NOTES, CAT))

    assert (caught.value.kind, caught.value.is_retryable) == (FailureKind.FILE_LOST, False)
    assert names_in(tmp_path) == []
    assert [line["event"] for line in logs] == ["file.not_kept"]
    assert "secret" not in str(logs)


async def test_a_folder_that_cannot_be_made_is_a_failure() -> None:
    with pytest.raises(PlatformFailedError):
        await MadeFiles(Path("/dev/null/made")).keep(RUN, (NOTES,))


@pytest.mark.parametrize(
    "broken",
    [
        Attachment("a", "text/plain", 6, data=b"hello"),
        Attachment("a", "text/plain", 5, data=b"hello", sha256="0" * 64),
    ],
)
async def test_a_file_that_is_not_what_the_agent_says_is_not_kept(
    tmp_path: Path, broken: Attachment
) -> None:
    with pytest.raises(PlatformFailedError) as caught:
        await MadeFiles(tmp_path).keep(RUN, (NOTES, broken))

    assert (caught.value.kind, caught.value.is_retryable) == (FailureKind.BROKEN, False)
    assert names_in(tmp_path) == []


async def test_what_hashes_to_what_the_agent_says_is_kept(tmp_path: Path) -> None:
    digest = hashlib.sha256(b"hello").hexdigest()
    whole = Attachment("a", "text/plain", 5, data=b"hello", sha256=digest)

    (file,) = await MadeFiles(tmp_path).keep(RUN, (whole,))

    assert file.sha256 == digest


def test_what_earlier_lives_left_is_swept_away_and_what_waits_for_delivery_stays(
    tmp_path: Path,
) -> None:
    half, old, waiting = tmp_path / ".run-0.x7.part", tmp_path / "run-1", tmp_path / "run-2"
    for path, days in ((half, 0), (old, 31), (waiting, 29)):
        path.write_bytes(b"hello")
        at = time.time() - days * 86_400
        os.utime(path, (at, at))

    MadeFiles(tmp_path).sweep()

    assert names_in(tmp_path) == ["run-2"]


@pytest.mark.parametrize("folder", [Path("/dev/null/made"), Path("/no/such/folder")])
def test_there_may_be_nothing_to_sweep(folder: Path) -> None:
    MadeFiles(folder).sweep()


def test_what_cannot_be_swept_away_is_left(tmp_path: Path) -> None:
    (tmp_path / ".a.part").mkdir()

    MadeFiles(tmp_path).sweep()

    assert names_in(tmp_path) == [".a.part"]
