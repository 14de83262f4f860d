"""Whether the program's places on this machine can be used, looked at before anything starts."""

import os
from pathlib import Path

from actors.ops.socket_file import check_socket
from actors.store.database import check_database


def fault_of_places(*, store: Path, socket: Path, files: Path) -> str | None:
    """The line that says which place cannot be used, and what to do; None where all can.

    Nothing is made or changed.
    """
    return check_database(store) or check_socket(socket) or check_folder(files)


def check_folder(path: Path) -> str | None:
    """The line that says why no files can be kept in *path*; None where they can."""
    folder = path.absolute()
    there = next(one for one in (folder, *folder.parents) if one.exists())
    if not there.is_dir():
        return f"FILES_PATH {path} cannot be a folder: {there} is a file; set another path"
    if not os.access(there, os.W_OK | os.X_OK):
        return (
            f"FILES_PATH {path} cannot be written: mend the rights of {there}, or set another path"
        )
    return None
