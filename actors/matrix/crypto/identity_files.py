"""Where the account's private keys lie on this machine; everything here blocks.

The recovery key lies in ``recovery_key.pending`` until the server holds what it opens, then in
``recovery_key`` until ``debug matrix-recovery-key`` has printed it, then nowhere.

Raises:
    OSError: The disk does not do it.
"""

import json
import time
from pathlib import Path

from attrs import evolve, frozen

from actors.matrix.api.secret_file import keep_secret
from actors.matrix.crypto.identity import Identity
from actors.matrix.crypto.recovery import recovery_key_of, recovery_key_text

_LONGEST_KEY_FILE = 4096


@frozen
class IdentityFiles:
    """The seeds and the recovery key in *folder*, readable by their owner only."""

    folder: Path

    def identity(self, user_id: str) -> Identity | None:
        """The kept keys of *user_id*; None if there are none that can be read."""
        try:
            found = json.loads(self._seeds.read_text(encoding="utf-8"))
        except (FileNotFoundError, NotADirectoryError, ValueError):
            return None
        if not isinstance(found, dict) or found.get("user_id") != user_id:
            return None
        identity = Identity.of_secrets(user_id, found)
        key_id = found.get("storage_key_id")
        if identity is None or not isinstance(key_id, str):
            return None
        return evolve(identity, storage_key_id=key_id)

    def keep_made(self, identity: Identity, recovery_key: bytes) -> None:
        """Keep a new *identity*, and the recovery key that was made with it."""
        # First, as keys that are kept are never made again.
        keep_secret(self._pending, recovery_key_text(recovery_key) + "\n")
        self._printable.unlink(missing_ok=True)
        self._keep(identity)

    def keep_restored(self, identity: Identity) -> None:
        """Keep an *identity* whose recovery key is somebody else's."""
        self._keep(identity)
        self._pending.unlink(missing_ok=True)
        self._printable.unlink(missing_ok=True)

    def pending_recovery_key(self) -> bytes | None:
        """The recovery key as long as it opens nothing yet."""
        try:
            return recovery_key_of(self._pending.read_text(encoding="utf-8"))
        except (FileNotFoundError, NotADirectoryError, ValueError):
            return None

    def recovery_key_is_whole(self) -> None:
        """What the recovery key opens is on the server: it may be printed now."""
        self._pending.replace(self._printable)

    def _keep(self, identity: Identity) -> None:
        if self._seeds.exists():
            # Of another account perhaps, or of keys that somebody has replaced: not ours to lose.
            self._seeds.replace(self.folder / f"cross_signing.before-{time.time_ns()}.json")
        words = {"user_id": identity.user_id, "storage_key_id": identity.storage_key_id}
        keep_secret(self._seeds, json.dumps(words | identity.secrets()))

    @property
    def _seeds(self) -> Path:
        return self.folder / "cross_signing.json"

    @property
    def _pending(self) -> Path:
        return self.folder / "recovery_key.pending"

    @property
    def _printable(self) -> Path:
        return self.folder / "recovery_key"


def given_recovery_key(path: Path) -> bytes | None:
    """The recovery key in the file at *path*; None if that holds none.

    Raises:
        OSError: It cannot be read.
    """
    with path.open("rb") as file:
        try:
            return recovery_key_of(file.read(_LONGEST_KEY_FILE).decode())
        except UnicodeDecodeError:
            return None
