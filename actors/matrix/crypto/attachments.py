"""Files as they stand in encrypted rooms. Everything here blocks: call it in a thread."""

from typing import Any

from nio.crypto.attachments import (  # type: ignore[import-untyped]  # it ships no types
    decrypt_attachment,
    encrypt_attachment,
)
from nio.exceptions import EncryptionError  # type: ignore[import-untyped]

Json = dict[str, Any]


def encrypted(data: bytes) -> tuple[bytes, Json]:
    """*data* under a key of its own, and the ``EncryptedFile`` that opens it, without its ``url``.

    Source:
        Client-server API, "Sending encrypted attachments".
    """
    sealed, file = encrypt_attachment(data)
    return sealed, file


def decrypted(data: bytes, file: Json) -> bytes | None:
    """What is in *data*; None where *file* does not fit it or is none."""
    try:
        key, sha256, iv = file["key"]["k"], file["hashes"]["sha256"], file["iv"]
        opened = decrypt_attachment(data, key, sha256, iv)
    except (EncryptionError, KeyError, TypeError, ValueError, AttributeError, OverflowError):
        return None
    return bytes(opened)
