"""Files on the disk, as a surface leaves them for a turn."""

import hashlib
from pathlib import Path

from protocols.files import FileKind, LocalFile


def local_file(folder: Path, content: bytes = b"hello", name: str = "notes.txt") -> LocalFile:
    path = folder / name
    path.write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    return LocalFile(FileKind.DOCUMENT, name, "text/plain", len(content), str(path), digest)


def change(file: LocalFile, content: bytes | None) -> None:
    Path(file.path).unlink()
    if content is not None:
        Path(file.path).write_bytes(content)


def is_whole(file: LocalFile) -> bool:
    content = Path(file.path).read_bytes()
    return (len(content), hashlib.sha256(content).hexdigest()) == (file.size_bytes, file.sha256)
