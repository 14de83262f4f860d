"""The folder of the keys: our own, and of one process at a time."""

import fcntl
import os
from pathlib import Path
from typing import IO

from attrs import define, field

from actors.matrix.api.login import LoginRefused

DATABASE = "keys.db"
_IN_USE = "another process uses MATRIX_STORE_PATH: stop it"


@define
class KeyFolder:
    """A folder that no other process can claim until it is released."""

    path: Path
    _lock: IO[bytes] = field(repr=False)

    @classmethod
    def claimed(cls, path: Path) -> "KeyFolder | LoginRefused":
        """*path*, made where it is missing; readable by its owner only."""
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.chmod(0o700)
            lock = path.with_name(f"{path.name}.lock").open("wb")
        except OSError as error:
            return LoginRefused(f"cannot keep keys ({error.strerror}): set MATRIX_STORE_PATH")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Before SQLite makes it, readable by all.
            os.close(os.open(path / DATABASE, os.O_WRONLY | os.O_CREAT, 0o600))
        except OSError as error:
            lock.close()
            if isinstance(error, BlockingIOError):
                return LoginRefused(_IN_USE)
            return LoginRefused(f"cannot keep keys ({error.strerror}): set MATRIX_STORE_PATH")
        return cls(path, lock)

    def release(self) -> None:
        """Let another process have it. A kill does the same."""
        self._lock.close()
