"""Files in encrypted rooms."""

from base64 import b64decode
from typing import Any

import pytest

from actors.matrix.crypto.attachments import decrypted, encrypted


@pytest.mark.parametrize("data", [b"", b"a", bytes(range(256)) * 5000])
def test_what_was_encrypted_is_decrypted(data: bytes) -> None:
    sealed, file = encrypted(data)

    assert decrypted(sealed, file) == data
    assert len(data) < 16 or sealed != data  # a single byte may come out the same


def test_the_file_is_described_as_the_specification_wants() -> None:
    _, file = encrypted(b"x")

    assert file["v"] == "v2"
    assert file["key"]["alg"] == "A256CTR"
    assert file["key"]["kty"] == "oct"
    assert set(file["hashes"]) == {"sha256"}
    assert "url" not in file


def test_a_file_of_another_client_is_decrypted() -> None:
    # Source: the test vectors of matrix-encrypt-attachment.
    file = {
        "v": "v1",
        "key": {"alg": "A256CTR", "k": "_" * 42 + "8", "kty": "oct"},
        "iv": "//////////8AAAAAAAAAAA",
        "hashes": {"sha256": "YzF08lARDdOCzJpzuSwsjTNlQc4pHxpdHcXiD/wpK6k"},
    }

    assert decrypted(b64decode("5xJZTt5cQicm+9f4"), file) == b"Hello, World"


def test_a_file_that_was_changed_on_its_way_is_none() -> None:
    sealed, file = encrypted(b"words")

    assert decrypted(sealed + b"x", file) is None
    assert decrypted(b"", file) is None


@pytest.mark.parametrize(
    "change",
    [
        {"key": None},
        {"key": {"k": "AAAA"}},
        {"key": {"k": "é"}},
        {"key": {"k": 7}},
        {"iv": ""},
        {"iv": "AAAA"},
        {"iv": None},
        {"hashes": {}},
        {"hashes": {"sha256": "AAAA"}},
        {"hashes": {"sha256": 7}},
        {"hashes": []},
    ],
)
def test_a_description_that_is_none_opens_nothing(change: dict[str, Any]) -> None:
    sealed, file = encrypted(b"words")

    assert decrypted(sealed, file | change) is None
