"""Has our device signed by its account, so that other people's apps trust it."""

import os
import secrets
import string
from collections.abc import Callable
from typing import Any

import structlog
import trio
from attrs import define, field

from actors.matrix.api.status import Status
from actors.matrix.crypto.identity import USAGES, Identity, Published
from actors.matrix.crypto.identity_files import IdentityFiles, given_recovery_key
from actors.matrix.crypto.own_keys import OwnKeys, Requests, StepRefusedError
from actors.matrix.crypto.recovery import KEY_BYTES, StorageKey
from actors.matrix.crypto.secret_storage import restored_identity, store_identity
from actors.matrix.crypto.signing import SEED_BYTES, SigningKey, is_signed
from actors.matrix.settings import MatrixSettings
from actors.surfaces.disk import InThread

Json = dict[str, Any]

log = structlog.get_logger("matrix.identity")

_KEY_ID_LENGTH = 32
_NOT_OURS = (
    "people see this device as unverified, as the account has keys that this program does not: "
    "set MATRIX_RECOVERY_KEY_FILE (another app of the account can reset its identity and show a "
    "recovery key), then debug restart matrix"
)
_DOES_NOT_OPEN = (
    "the recovery key in MATRIX_RECOVERY_KEY_FILE does not open the account's keys, "
    "so people see this device as unverified: put the right one there, then debug restart matrix"
)
_OTHER_DEVICE = (
    "the homeserver has other keys of this device: stop the program, then debug matrix-login"
)


@define
class CrossSigning:
    """The account's identity: made once, kept, published, and put on our device.

    Everything that is there already stays as it is, so that each step may be the last one of a
    life. Keys of the account that are not ours are never replaced.

    Args:
        sign_as_device: Gives a value with the signature of our device's own key; with it the
            device vouches for the master key too.
    """

    server: Requests
    settings: MatrixSettings
    status: Status
    sign_as_device: Callable[[Json], Json] | None = None
    in_thread: InThread = trio.to_thread.run_sync
    _files: IdentityFiles = field(init=False)

    def __attrs_post_init__(self) -> None:
        """The keys lie in the folder for secrets."""
        self._files = IdentityFiles(self.settings.store_path)

    async def ensure(self, device_keys: Json) -> None:
        """See to it that the account has keys and that our device is signed by them.

        Waits for the server as long as it takes; what cannot be done is said in the log and in
        the tree, and raises nothing.

        Args:
            device_keys: Our own, signed, as they were uploaded before.
        """
        try:
            trouble = await self._ensure(device_keys)
        except StepRefusedError as error:
            trouble = f"people see this device as unverified: {error}"
        except OSError as error:
            trouble = f"cannot keep the account's keys ({error.strerror}): mend MATRIX_STORE_PATH"
        if trouble:
            log.warning("identity.incomplete", reason=trouble)
        self.status.remark(trouble)  # or none: a session before this one may have had some

    async def _ensure(self, device_keys: Json) -> str:
        """Do all of it; what a person has to mend, or nothing."""
        own = OwnKeys(self.server, self.status, device_keys["user_id"], device_keys["device_id"])
        given, trouble = await self._given_key()
        published = await own.published()
        if published.device.get("keys") != device_keys["keys"]:
            raise StepRefusedError(_OTHER_DEVICE)
        identity = await self._identity(own, published, given)
        if identity is None:
            return trouble or (_DOES_NOT_OPEN if given else _NOT_OURS)
        if missing := published.missing(identity):
            await own.publish(identity, missing, self.settings.password)
            log.info("identity.published", usages=missing)
        await self._sign(own, identity, published=published, device_keys=device_keys)
        await self._store(own, identity)
        return trouble

    async def _given_key(self) -> tuple[bytes | None, str]:
        """The recovery key that we were given, and what is wrong with it."""
        path = self.settings.recovery_key_file
        if path is None:
            return None, ""
        try:
            key = await self.in_thread(given_recovery_key, path)
        except OSError as error:
            return None, f"cannot read MATRIX_RECOVERY_KEY_FILE ({error.strerror}): mend it"
        return key, "" if key else "MATRIX_RECOVERY_KEY_FILE holds no recovery key: mend it"

    async def _identity(
        self, own: OwnKeys, published: Published, given: bytes | None
    ) -> Identity | None:
        """The account's keys: kept, new, or restored with the *given* recovery key."""
        kept = await self.in_thread(self._files.identity, own.user_id)
        if kept is not None and published.is_of(kept):
            return kept
        if not published.has_any:
            return await self._made(own.user_id)
        restored = await restored_identity(own, given, published) if given else None
        if restored is not None:
            await self.in_thread(self._files.keep_restored, restored)
            log.info("identity.restored")
        return restored

    async def _made(self, user_id: str) -> Identity:
        """New keys and a recovery key, on the disk before anybody hears of them."""
        letters = string.ascii_letters + string.digits
        key_id = "".join(secrets.choice(letters) for _ in range(_KEY_ID_LENGTH))
        keys = [SigningKey(os.urandom(SEED_BYTES)) for _ in USAGES]
        identity = Identity(user_id, keys[0], keys[1], keys[2], key_id)
        await self.in_thread(self._files.keep_made, identity, os.urandom(KEY_BYTES))
        log.info("identity.made")
        return identity

    async def _sign(
        self, own: OwnKeys, identity: Identity, *, published: Published, device_keys: Json
    ) -> None:
        """Sign our device by the account, and the account's master key by our device."""
        user_id, device_id, signed = own.user_id, own.device_id, dict[str, Json]()
        signer = identity.self_signing
        if not is_signed(published.device, user_id=user_id, public=signer.public):
            signed[device_id] = signer.signed(device_keys, user_id)
        master = published.keys.get("master", {})
        public = device_keys["keys"][f"ed25519:{device_id}"]
        is_vouched_for = is_signed(master, user_id=user_id, public=public, signer=device_id)
        if self.sign_as_device is not None and not is_vouched_for:
            form = identity.published_form("master")
            signed[identity.master.public] = self.sign_as_device(form)
        if signed:
            await own.add_signatures(signed)
            log.info("device.signed", device_id=device_id)

    async def _store(self, own: OwnKeys, identity: Identity) -> None:
        """Bring what the recovery key opens onto the server, if that is still to be done."""
        recovery_key = await self.in_thread(self._files.pending_recovery_key)
        if recovery_key is None:
            return
        await store_identity(own, identity, StorageKey(identity.storage_key_id, recovery_key))
        await self.in_thread(self._files.recovery_key_is_whole)
        log.info("recovery_key.stored", to_print="python supervisor.py debug matrix-recovery-key")
