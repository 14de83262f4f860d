import hashlib
import hmac
from typing import Any

import pytest
from Crypto.Cipher import AES
from Crypto.Util import Counter
from hypothesis import given
from hypothesis import strategies as st

from actors.matrix.crypto.recovery import (
    ALGORITHM,
    StorageKey,
    recovery_key_of,
    recovery_key_text,
)
from actors.matrix.crypto.signing import decoded, unpadded

KEY = StorageKey("id", bytes(range(32)))
IV = bytes(range(16))

KEYS = st.binary(min_size=32, max_size=32)
IVS = st.binary(min_size=16, max_size=16)

# A key as another implementation made it, with what it wrote of it into the account data.
TEXT = "EsTj 3yST y93F SLpB jJsz eAXc 2XzA ygD3 w69H fGaN TKBj jXEd"
DESCRIPTION = {
    "algorithm": "m.secret_storage.v1.aes-hmac-sha2",
    "iv": "xv5b6/p3ExEw++wTyfSHEg==",
    "mac": "ujBBbXahnTAMkmPUX2/0+VTfUh63pGyVRuBcDMgmJC8=",
}


def hkdf(key: bytes, info: bytes) -> tuple[bytes, bytes]:
    """RFC 5869 with SHA-256, in its own words."""
    extracted = hmac.digest(bytes(32), key, hashlib.sha256)
    first = hmac.digest(extracted, info + b"\x01", hashlib.sha256)
    return first, hmac.digest(extracted, first + info + b"\x02", hashlib.sha256)


def ctr(key: bytes, iv: bytes, data: bytes) -> bytes:
    counter = Counter.new(128, initial_value=int.from_bytes(iv))
    return AES.new(key, AES.MODE_CTR, counter=counter).decrypt(data)


@given(KEYS)
def test_a_recovery_key_is_read_as_it_was_written(key: bytes) -> None:
    text = recovery_key_text(key)

    assert recovery_key_of(text) == key
    assert recovery_key_of("".join(text.split())) == key
    assert recovery_key_of(f"\n\t {text.replace(' ', chr(10))} \r\n") == key
    assert [len(group) for group in text.split(" ")] == [4] * 12


def test_a_recovery_key_of_another_implementation_is_read() -> None:
    key = recovery_key_of("EsT           pRvZTnjck8    YrhRAtw XLS84Nr2r9S9LGAWDaExVAPBvLRK   ")

    assert key == bytes.fromhex("9fbd46bb345171c6f6022c9a25d5681ba54eec6a6c4953f3adc0b96e9d91ada3")


@given(KEYS, st.data())
def test_a_recovery_key_with_one_wrong_character_is_none(key: bytes, data: st.DataObject) -> None:
    text = recovery_key_text(key).replace(" ", "")
    at = data.draw(st.integers(0, len(text) - 1))
    wrong = data.draw(st.sampled_from(sorted(set("23456789ABCDEFGHJKLMNPQRSTUVWXYZ") - {text[at]})))

    read = recovery_key_of(text[:at] + wrong + text[at + 1 :])

    # One byte of parity finds 255 of 256; what it lets through is another key.
    assert read is None or read != key


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        "EsTpRvZTnjck8YrhRAtwXLS84Nr2r9S9LGAWDaExVAPBvLRk",  # its parity
        "AATpRvZTnjck8YrhRAtwXLS84Nr2r9S9LGAWDaExVAPBvLRk",  # its prefix
        "EsTpRvZTnjck8YrhRAtwXLS84Nr2r9S9",  # too short
        "EsTpRvZTnjck8YrhRAtwXLS84Nr0OIl",  # no base58
        "z" * 60,
        "z" * 100_000,
        "ключ",
    ],
)
def test_what_is_no_recovery_key_is_none(text: str) -> None:
    assert recovery_key_of(text) is None


def test_a_recovery_key_fits_the_description_that_another_implementation_wrote() -> None:
    key = recovery_key_of(TEXT)
    assert key is not None

    assert StorageKey("id", key).fits(DESCRIPTION)
    assert not KEY.fits(DESCRIPTION)


@pytest.mark.parametrize(
    ("description", "fits"),
    [
        ({"algorithm": ALGORITHM}, True),
        ({}, False),
        ({"algorithm": "other"}, False),
        ({"algorithm": ALGORITHM, "iv": "AAAA", "mac": DESCRIPTION["mac"]}, False),
        ({"algorithm": ALGORITHM, "mac": DESCRIPTION["mac"]}, False),
        ({"algorithm": ALGORITHM, "iv": DESCRIPTION["iv"], "mac": "AAAA"}, False),
        ({"algorithm": ALGORITHM, "iv": 7, "mac": []}, False),
    ],
)
def test_a_description_that_says_nothing_fits_and_nonsense_does_not(
    description: dict[str, Any], *, fits: bool
) -> None:
    assert KEY.fits(description) is fits


@given(KEYS, KEYS, IVS)
def test_a_description_fits_its_own_key_only(key: bytes, other: bytes, iv: bytes) -> None:
    description = StorageKey("id", key).description(iv)

    assert StorageKey("id", key).fits(description)
    assert StorageKey("id", other).fits(description) is (key == other)


def test_a_description_is_what_the_specification_says() -> None:
    description = KEY.description(b"\xff" * 16)

    aes, mac = hkdf(KEY.key, b"")
    iv = decoded(description["iv"])
    assert iv == b"\xff" * 8 + b"\x7f" + b"\xff" * 7
    expected = hmac.digest(mac, ctr(aes, iv, bytes(32)), hashlib.sha256)
    assert decoded(description["mac"]) == expected
    assert description["algorithm"] == "m.secret_storage.v1.aes-hmac-sha2"
    assert all("=" not in value for value in description.values())


@given(KEYS, IVS, st.text())
def test_a_secret_is_opened_as_it_was_sealed(key: bytes, iv: bytes, secret: str) -> None:
    storage_key = StorageKey("id", key)

    assert storage_key.opened("name", storage_key.sealed("name", secret, iv)) == secret


def test_a_sealed_secret_is_what_the_specification_says() -> None:
    sealed = KEY.sealed("m.cross_signing.master", "the seed", IV)

    aes, mac = hkdf(KEY.key, b"m.cross_signing.master")
    text = decoded(sealed["ciphertext"])
    assert text is not None
    assert ctr(aes, decoded(sealed["iv"]) or b"", text) == b"the seed"
    assert decoded(sealed["mac"]) == hmac.digest(mac, text, hashlib.sha256)


def test_a_secret_opens_with_its_key_under_its_name_only() -> None:
    sealed = KEY.sealed("name", "secret", IV)

    assert KEY.opened("other", sealed) is None
    assert StorageKey("id", bytes(32)).opened("name", sealed) is None
    assert KEY.opened("name", {**sealed, "ciphertext": "AAAAAAAA"}) is None


@pytest.mark.parametrize(
    "sealed",
    [None, [], {}, {"iv": 1, "ciphertext": 2, "mac": 3}, {"iv": "A", "ciphertext": "", "mac": ""}],
)
def test_nonsense_opens_nothing(sealed: object) -> None:
    assert KEY.opened("name", sealed) is None


def test_bytes_that_are_no_text_are_no_secret() -> None:
    aes, mac = hkdf(KEY.key, b"name")
    text = ctr(aes, IV, b"\xff")
    sealed = {
        "iv": unpadded(IV),
        "ciphertext": unpadded(text),
        "mac": unpadded(hmac.digest(mac, text, hashlib.sha256)),
    }

    assert KEY.opened("name", sealed) is None


def test_a_storage_key_is_in_no_repr() -> None:
    assert repr(KEY) == "StorageKey(id='id')"
