"""Ed25519 signatures over JSON, as the specification makes and checks them; pure.

Source: Matrix specification, appendices, "Unpadded Base64" and "Signing JSON".
"""

import base64
import binascii
import json
from typing import Any

from attrs import field, frozen
from Crypto.Signature import eddsa

Json = dict[str, Any]

SEED_BYTES = 32


def unpadded(data: bytes) -> str:
    """*data* in unpadded Base64."""
    return base64.b64encode(data).decode().rstrip("=")


def decoded(text: object) -> bytes | None:
    """What *text* holds in Base64, padded or not; None if it is none."""
    if not isinstance(text, str):
        return None
    plain = text.rstrip("=")
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None


def canonical(value: Json) -> bytes:
    """*value* in the one form that is signed, without its signatures and what is unsigned.

    Raises:
        UnicodeEncodeError: A text in it is no Unicode.
    """
    plain = {key: found for key, found in value.items() if key not in {"signatures", "unsigned"}}
    return json.dumps(plain, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()


@frozen
class SigningKey:
    """A private Ed25519 key.

    Args:
        seed: 32 bytes, all there is to the key.
    """

    seed: bytes = field(repr=False)

    @property
    def public(self) -> str:
        """The public key in unpadded Base64."""
        key = eddsa.import_private_key(self.seed).public_key()
        return unpadded(key.export_key(format="raw"))

    @property
    def key_id(self) -> str:
        """The name under which signatures of a cross-signing key stand."""
        return f"ed25519:{self.public}"

    def signature_of(self, value: Json) -> str:
        """The signature of *value*, in unpadded Base64."""
        signer = eddsa.new(eddsa.import_private_key(self.seed), "rfc8032")
        return unpadded(signer.sign(canonical(value)))

    def signed(self, value: Json, user_id: str) -> Json:
        """*value* with the signature that this key of *user_id* adds, and no other."""
        return {**value, "signatures": {user_id: {self.key_id: self.signature_of(value)}}}


def is_signed(value: Json, *, user_id: str, public: str, signer: str = "") -> bool:
    """Whether the key *public* of *user_id* has signed *value*.

    *signer* is the device whose key it is; empty for a cross-signing key, which names itself.
    """
    key_id = f"ed25519:{signer or public}"
    signature = _entry(_entry(value.get("signatures"), user_id), key_id)
    signed, key = decoded(signature), decoded(public)
    if signed is None or key is None:
        return False
    try:
        eddsa.new(eddsa.import_public_key(key), "rfc8032").verify(canonical(value), signed)
    except ValueError:
        return False
    return True


def _entry(found: object, key: str) -> object:
    return found.get(key) if isinstance(found, dict) else None
