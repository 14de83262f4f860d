"""Encrypted attachments of the Matrix specification."""

from base64 import urlsafe_b64encode
from hashlib import sha256
from typing import Any

from Crypto.Cipher import AES
from Crypto.Random import get_random_bytes

from tests.rigs.matrix_signatures import from_unpadded, unpadded

Json = dict[str, Any]


class WrongHashError(Exception):
    """The file is not the one that was sent."""


def sealed_file(data: bytes) -> tuple[bytes, Json]:
    """*data* encrypted, and the ``EncryptedFile`` that opens it, without its address."""
    key, start = get_random_bytes(32), get_random_bytes(8) + bytes(8)
    ciphertext = _cipher(key, start).encrypt(data)
    jwk = {
        "kty": "oct",
        "alg": "A256CTR",
        "ext": True,
        "key_ops": ["encrypt", "decrypt"],
        "k": urlsafe_b64encode(key).decode().rstrip("="),
    }
    hashes = {"sha256": unpadded(sha256(ciphertext).digest())}
    return ciphertext, {"v": "v2", "key": jwk, "iv": unpadded(start), "hashes": hashes}


def opened_file(ciphertext: bytes, file: Json) -> bytes:
    """What was in *ciphertext*; raises ``WrongHashError`` where it is another file."""
    if from_unpadded(file["hashes"]["sha256"]) != sha256(ciphertext).digest():
        raise WrongHashError
    key = from_unpadded(file["key"]["k"].replace("-", "+").replace("_", "/"))
    plain: bytes = _cipher(key, from_unpadded(file["iv"])).decrypt(ciphertext)
    return plain


def _cipher(key: bytes, start: bytes) -> Any:
    return AES.new(key, AES.MODE_CTR, nonce=start[:8], initial_value=start[8:])
