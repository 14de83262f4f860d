"""The recovery key as people keep it, and the secrets that it opens; pure.

Source: Matrix specification, "Secrets", ``m.secret_storage.v1.aes-hmac-sha2``, and appendices,
"Cryptographic key representation".
"""

import hmac
from typing import Any

from attrs import field, frozen
from Crypto.Cipher import AES
from Crypto.Hash import SHA256
from Crypto.Protocol.KDF import HKDF

from actors.matrix.crypto.signing import decoded, unpadded

Json = dict[str, Any]

ALGORITHM = "m.secret_storage.v1.aes-hmac-sha2"
KEY_BYTES = 32
IV_BYTES = 16

_ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_PREFIX = b"\x8b\x01"
_WHOLE_BYTES = len(_PREFIX) + KEY_BYTES + 1
_GROUP = 4
_MOST_CHARACTERS = 100
"""Of a key without its spaces; it has 48."""


def recovery_key_text(key: bytes) -> str:
    """*key*, 32 bytes, as a person keeps it: base58 in groups of four."""
    whole = _PREFIX + key
    text = _to_base58(whole + bytes([_parity(whole)]))
    return " ".join(text[at : at + _GROUP] for at in range(0, len(text), _GROUP))


def recovery_key_of(text: str) -> bytes | None:
    """The 32 bytes that *text* stands for, whatever its spaces; None if it is no recovery key."""
    plain = "".join(text.split())
    if len(plain) > _MOST_CHARACTERS or not set(plain) <= set(_ALPHABET):
        return None
    whole = _from_base58(plain)
    if whole is None or not whole.startswith(_PREFIX) or _parity(whole):
        return None
    return whole[len(_PREFIX) : -1]


def _to_base58(data: bytes) -> str:
    number, digits = int.from_bytes(data), ""
    while number:
        number, digit = divmod(number, len(_ALPHABET))
        digits = _ALPHABET[digit] + digits
    return digits


def _from_base58(text: str) -> bytes | None:
    number = 0
    for character in text:
        number = number * len(_ALPHABET) + _ALPHABET.index(character)
    # The prefix is no zero byte, so that a whole key has neither more nor fewer bytes.
    return number.to_bytes(_WHOLE_BYTES) if number.bit_length() <= 8 * _WHOLE_BYTES else None


def _parity(data: bytes) -> int:
    parity = 0
    for byte in data:
        parity ^= byte
    return parity


@frozen
class StorageKey:
    """A key of the account's secret storage.

    Args:
        id: Its name in the account data.
        key: The 32 bytes that a recovery key stands for.
    """

    id: str
    key: bytes = field(repr=False)

    def description(self, iv: bytes) -> Json:
        """What the account data says of this key, with which others check that they have it.

        *iv* is 16 fresh bytes.
        """
        iv = _without_bit_63(iv)
        _, mac = self._sealed("", bytes(KEY_BYTES), iv)
        return {"algorithm": ALGORITHM, "iv": unpadded(iv), "mac": unpadded(mac)}

    def fits(self, description: Json) -> bool:
        """Whether *description* is of this key, as far as it says; it need not say anything."""
        if description.get("algorithm") != ALGORITHM:
            return False
        if "iv" not in description and "mac" not in description:
            return True
        iv, mac = decoded(description.get("iv")), decoded(description.get("mac"))
        if iv is None or mac is None or len(iv) != IV_BYTES:
            return False
        return hmac.compare_digest(mac, self._sealed("", bytes(KEY_BYTES), iv)[1])

    def sealed(self, name: str, secret: str, iv: bytes) -> Json:
        """The *secret* called *name*, for nobody without this key; *iv* is 16 fresh bytes."""
        iv = _without_bit_63(iv)
        text, mac = self._sealed(name, secret.encode(), iv)
        return {"iv": unpadded(iv), "ciphertext": unpadded(text), "mac": unpadded(mac)}

    def opened(self, name: str, sealed: object) -> str | None:
        """The secret called *name*; None if this key does not open it."""
        if not isinstance(sealed, dict):
            return None
        iv, text, mac = (decoded(sealed.get(part)) for part in ("iv", "ciphertext", "mac"))
        if iv is None or text is None or mac is None or len(iv) != IV_BYTES:
            return None
        aes_key, mac_key = self._keys(name)
        if not hmac.compare_digest(mac, hmac.digest(mac_key, text, "sha256")):
            return None
        try:
            return _ctr(aes_key, iv, text).decode()
        except UnicodeDecodeError:
            return None

    def _sealed(self, name: str, data: bytes, iv: bytes) -> tuple[bytes, bytes]:
        aes_key, mac_key = self._keys(name)
        text = _ctr(aes_key, iv, data)
        return text, hmac.digest(mac_key, text, "sha256")

    def _keys(self, name: str) -> tuple[bytes, bytes]:
        both = HKDF(self.key, 64, bytes(32), SHA256, 1, name.encode())
        return both[:32], both[32:]


def _ctr(key: bytes, iv: bytes, data: bytes) -> bytes:
    return AES.new(key, AES.MODE_CTR, nonce=b"", initial_value=iv).encrypt(data)


def _without_bit_63(iv: bytes) -> bytes:
    return iv[:8] + bytes([iv[8] & 0x7F]) + iv[9:]
