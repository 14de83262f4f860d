"""Signed JSON of the Matrix specification, and whether a device is signed by its owner."""

import json
from base64 import b64decode, b64encode
from typing import Any

from Crypto.PublicKey import ECC
from Crypto.PublicKey.ECC import EccKey
from Crypto.Signature import eddsa

Json = dict[str, Any]


def unpadded(data: bytes) -> str:
    """Unpadded Base64, as the specification writes bytes."""
    return b64encode(data).decode().rstrip("=")


def from_unpadded(text: str) -> bytes:
    """The bytes of *text*, padded or not."""
    return b64decode(text + "=" * (-len(text) % 4))


def canonical(value: Json) -> bytes:
    """Canonical JSON of what is signed: without the signatures and what is unsigned."""
    signed = {name: part for name, part in value.items() if name not in {"signatures", "unsigned"}}
    return json.dumps(signed, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def is_signed(value: Json, *, by: str, key_id: str, key: str) -> bool:
    """Whether user *by* signed *value* with the Ed25519 key *key*, which they call *key_id*."""
    signature = value.get("signatures", {}).get(by, {}).get(f"ed25519:{key_id}")
    if not isinstance(signature, str):
        return False
    public: EccKey = eddsa.import_public_key(from_unpadded(key))
    try:
        eddsa.new(public, "rfc8032").verify(canonical(value), from_unpadded(signature))
    except ValueError:
        return False
    return True


class Signer:
    """A key of a person's own, such as a master key."""

    def __init__(self) -> None:
        self._key: EccKey = ECC.generate(curve="Ed25519")
        self.public = unpadded(self._key.public_key().export_key(format="raw"))

    def signed(self, value: Json, user_id: str) -> Json:
        """*value* with one signature more."""
        signature = unpadded(eddsa.new(self._key, "rfc8032").sign(canonical(value)))
        signatures = {name: dict(those) for name, those in value.get("signatures", {}).items()}
        signatures.setdefault(user_id, {})[f"ed25519:{self.public}"] = signature
        return {**value, "signatures": signatures}

    def published(self, user_id: str, usage: str) -> Json:
        """This key as its owner publishes it for *usage*."""
        return {
            "user_id": user_id,
            "usage": [usage],
            "keys": {f"ed25519:{self.public}": self.public},
        }


def is_genuine(device: Json, user_id: str, device_id: str) -> bool:
    """Whether *device*, an entry of ``device_keys``, is that device's and signed by itself."""
    if (device.get("user_id"), device.get("device_id")) != (user_id, device_id):
        return False
    key = device["keys"].get(f"ed25519:{device_id}", "")
    return bool(key) and is_signed(device, by=user_id, key_id=device_id, key=key)


def is_cross_signed(answer: Json, user_id: str, device_id: str) -> bool:
    """Whether *answer* of ``/keys/query`` shows that the owner vouches for the device.

    Source:
        Client-Server API, "Cross-signing": the master key signs the self-signing key, and that
        one signs the device.
    """
    master = answer.get("master_keys", {}).get(user_id, {})
    signing = answer.get("self_signing_keys", {}).get(user_id, {})
    device = answer.get("device_keys", {}).get(user_id, {}).get(device_id, {})
    master_key = _only_key(master, user_id, "master")
    signing_key = _only_key(signing, user_id, "self_signing")
    if not master_key or not signing_key or not device:
        return False
    return (
        is_signed(signing, by=user_id, key_id=master_key, key=master_key)
        and is_genuine(device, user_id, device_id)
        and is_signed(device, by=user_id, key_id=signing_key, key=signing_key)
    )


def _only_key(published: Json, user_id: str, usage: str) -> str:
    """The public key in *published*, where it is that user's for that *usage*; else empty."""
    if published.get("user_id") != user_id or usage not in published.get("usage", ()):
        return ""
    names = [(name, key) for name, key in published.get("keys", {}).items()]
    if len(names) != 1 or names[0][0] != f"ed25519:{names[0][1]}":
        return ""
    return str(names[0][1])
