"""The debug socket's file: made for the owner alone, and taken over only from the dead."""

import os
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from attrs import frozen

LONGEST_PATH_BYTES = 107
"""Linux's ``sun_path`` without its closing zero."""


class SocketPathError(Exception):
    """The socket cannot stand at its path; the text is one line that says what to do."""


@frozen
class _Identity:
    device: int
    inode: int


def check_socket(path: Path) -> str | None:
    """The line that says why a socket cannot stand at *path*; None where it can."""
    try:
        with listening_at(path):
            return None
    except SocketPathError as error:
        return str(error)


@contextmanager
def listening_at(path: Path) -> Iterator[socket.socket]:
    """A socket that listens at *path*, mode 0600; the file goes when the context ends.

    The file of a dead process is replaced.

    Raises:
        SocketPathError: Another program listens there, or the path cannot be used.
    """
    _refuse_too_long(path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listening:
        try:
            _clear_the_way(path)
            _bind_for_owner_only(listening, path)
            listening.listen(64)
            ours = _identity(path)
        except FileNotFoundError as error:
            raise SocketPathError(
                f"the folder of DEBUG_SOCKET {path} does not exist: create it, or set another path"
            ) from error
        except OSError as error:
            reason = error.strerror or "unusable"
            raise SocketPathError(
                f"DEBUG_SOCKET cannot stand at {path}: {reason}; set another path"
            ) from error
        try:
            yield listening
        finally:
            _remove(path, ours)


def _refuse_too_long(path: Path) -> None:
    length_bytes = len(os.fsencode(path))
    if length_bytes > LONGEST_PATH_BYTES:
        raise SocketPathError(
            f"DEBUG_SOCKET has {length_bytes} bytes and a socket's path at most"
            f" {LONGEST_PATH_BYTES}: set a shorter one, relative to the working directory perhaps"
        )


def _clear_the_way(path: Path) -> None:
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise SocketPathError(
            f"DEBUG_SOCKET cannot stand at {path}: it is there and is no socket; set another path"
        )
    if _is_alive(path):
        raise SocketPathError(f"another program listens at {path}: stop it, or set DEBUG_SOCKET")
    path.unlink(missing_ok=True)


def _is_alive(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as caller:
        caller.settimeout(0)
        try:
            caller.connect(os.fspath(path))
        except (ConnectionRefusedError, FileNotFoundError):
            return False
        except BlockingIOError:
            pass  # its queue of callers is full: it lives
        return True


def _bind_for_owner_only(listening: socket.socket, path: Path) -> None:
    before = os.umask(0o177)
    try:
        listening.bind(os.fspath(path))
    finally:
        os.umask(before)


def _identity(path: Path) -> _Identity:
    status = path.lstat()
    return _Identity(status.st_dev, status.st_ino)


def _remove(path: Path, ours: _Identity) -> None:
    """Remove our file; one that took its place meanwhile is somebody else's."""
    try:
        if _identity(path) == ours:
            path.unlink()
    except FileNotFoundError:
        pass
