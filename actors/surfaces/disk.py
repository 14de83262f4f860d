"""Files on this machine's disk. Everything here blocks, so that it runs ``InThread``.

Raises:
    OSError: The disk does not do it.
"""

import os
import re
import shutil
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Any, BinaryIO, Protocol, TypeVar

from attrs import define, field, frozen

T = TypeVar("T")

_UNSAFE = re.compile(r"[^\w.-]+")
_LONGEST_STEM = 40  # of characters with up to 4 bytes: a name on a disk has 255
_LONGEST_SUFFIX = 10


class InThread(Protocol):
    """Runs what blocks where it holds nobody up: ``trio.to_thread.run_sync``."""

    async def __call__(self, function: Callable[..., T], /, *args: Any) -> T:
        """What *function* returns."""


@frozen
class Whole:
    """What is known of a whole file."""

    size_bytes: int
    sha256: str


@define
class Part:
    """A file that is being written, beside the place where it will be.

    Args:
        limit_bytes: What is larger is not written.
    """

    path: Path = field(repr=False)
    limit_bytes: int
    _file: BinaryIO = field(repr=False)
    size_bytes: int = 0
    _digest: Any = field(factory=sha256, repr=False)

    @classmethod
    def begun(cls, path: Path, limit_bytes: int) -> "Part":
        """A new one, from the beginning; an earlier one is overwritten."""
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return cls(path, limit_bytes, _beside(path).open("wb"))

    @property
    def is_too_large(self) -> bool:
        """Whether more came than may be."""
        return self.size_bytes > self.limit_bytes

    def write(self, chunk: bytes) -> bool:
        """Add *chunk*; False if that is too much."""
        self.size_bytes += len(chunk)
        if self.is_too_large:
            return False
        self._file.write(chunk)
        self._digest.update(chunk)
        return True

    def finish(self) -> Whole:
        """Put it in its place, such that it outlasts a power cut."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        _beside(self.path).replace(self.path)
        return Whole(self.size_bytes, self._digest.hexdigest())

    def discard(self) -> None:
        """Leave nothing behind but a finished file; never raises."""
        with suppress(OSError):
            self._file.close()
        with suppress(OSError):
            _beside(self.path).unlink()


def whole_at(path: Path) -> Whole | None:
    """What stands at *path*; None for nothing."""
    try:
        with path.open("rb") as file:
            digest = file_digest(file, "sha256").hexdigest()
            return Whole(file.tell(), digest)
    except FileNotFoundError:
        return None


def safe_name(name: str) -> str:
    """*name* as a part of a path, whoever chose it."""
    plain = _UNSAFE.sub("_", name).lstrip(".")
    stem, dot, suffix = plain.rpartition(".")
    if not stem or len(suffix) > _LONGEST_SUFFIX:
        return plain[:_LONGEST_STEM] or "file"
    return f"{stem[:_LONGEST_STEM]}{dot}{suffix}"


def numbered_folders(folder: Path) -> list[int]:
    """The folders in *folder* whose names are numbers; never raises."""
    with suppress(OSError):
        return [int(path.name) for path in folder.iterdir() if _is_number(path.name)]
    return []


def remove_folder(folder: Path) -> None:
    """Remove *folder* with all that is in it; never raises."""
    shutil.rmtree(folder, ignore_errors=True)


def remove_files(paths: Iterable[str], folder: Path) -> None:
    """Remove those of *paths* that are in *folder*; never raises."""
    for path in map(Path, paths):
        with suppress(OSError):
            if path.resolve().is_relative_to(folder.resolve()):
                path.unlink()


def remove_old(folder: Path, before: float, but: Collection[str]) -> int:
    """Remove what in *folder* was written *before*, *but* nothing named there; says how many.

    Never raises.
    """
    removed = 0
    with suppress(OSError):
        for path in folder.iterdir():
            removed += _is_removed(path, before, but)
    return removed


def _is_removed(path: Path, before: float, but: Collection[str]) -> bool:
    with suppress(OSError):
        if str(path) not in but and path.stat().st_mtime < before:
            path.unlink()
            return True
    return False


def _beside(path: Path) -> Path:
    return path.with_name(f"{path.name}.part")


def _is_number(name: str) -> bool:
    return name.isdecimal() and name.isascii()
