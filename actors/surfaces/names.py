"""What files are called in a chat. Pure."""

from collections.abc import Sequence

from actors.surfaces.shapes import clean
from actors.words import plain
from protocols.files import LocalFile

_LONGEST = 80


def file_names(files: Sequence[LocalFile]) -> str:
    """Markdown that names *files*, one a line."""
    return "\n\n".join(f"\N{PAPERCLIP} {file_name(file)}" for file in files)


def file_name(file: LocalFile) -> str:
    """The Markdown of a file's name, on one line and not too long."""
    return plain(bare_name(file, longest=_LONGEST))


def bare_name(file: LocalFile, *, longest: int) -> str:
    """A file's name on one line, in at most so many characters."""
    name = clean(" ".join(file.name.split())) or "file"
    return name if len(name) <= longest else f"{name[: longest - 1]}…"
