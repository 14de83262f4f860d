import json

import pytest
from Crypto.PublicKey import ECC
from Crypto.Signature import eddsa
from hypothesis import given
from hypothesis import strategies as st

from actors.matrix.crypto.signing import (
    SigningKey,
    canonical,
    decoded,
    is_signed,
    unpadded,
)

# Matrix specification, appendices, "Cryptographic Test Vectors".
SEED = decoded("YJDBA9Xnr2sVqXD9Vj7XVUnmFZcZrlw8Md7kMW+3XA1")
KEY = SigningKey(SEED or b"")

VALUES = st.dictionaries(st.text(max_size=8), st.text(max_size=8) | st.integers() | st.none())


@pytest.mark.parametrize(
    ("value", "signature"),
    [
        (
            {},
            "K8280/U9SSy9IVtjBuVeLr+HpOB4BQFWbg+UZaADMtTdGYI7Geitb76LTrr5QV/7Xg4ahLwYGYZzuHGZKM5ZAQ",
        ),
        (
            {"one": 1, "two": "Two"},
            "KqmLSbO39/Bzb0QIYE82zqLwsA+PDzYIpIRA2sRQ4sL53+sN6/fpNSoqE7BP7vBZhG6kYdD13EIMJpvhJI+6Bw",
        ),
    ],
)
def test_a_signature_is_the_one_of_the_specification(
    value: dict[str, object], signature: str
) -> None:
    assert KEY.signature_of(value) == signature


# Appendices, "Canonical JSON".
@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("{}", "{}"),
        ('{"one": 1, "two": "Two"}', '{"one":1,"two":"Two"}'),
        ('{"b": "2", "a": "1"}', '{"a":"1","b":"2"}'),
        ('{"a": "日本語"}', '{"a":"日本語"}'),
        ('{"本": 2, "日": 1}', '{"日":1,"本":2}'),
        ('{"a": "\\u65E5"}', '{"a":"日"}'),
        ('{"a": null}', '{"a":null}'),
        ('{"a": 1, "signatures": {"b": {}}, "unsigned": {"c": 1}}', '{"a":1}'),
    ],
)
def test_what_is_signed_has_one_form(text: str, form: str) -> None:
    assert canonical(json.loads(text)) == form.encode()


@pytest.mark.parametrize(
    ("data", "text"),
    [(b"", ""), (b"f", "Zg"), (b"fo", "Zm8"), (b"foo", "Zm9v"), (b"fooba", "Zm9vYmE")],
)
def test_base64_goes_without_padding_and_is_read_with_it_too(data: bytes, text: str) -> None:
    assert unpadded(data) == text
    assert decoded(text) == decoded(text + "=" * (-len(text) % 4)) == data


@pytest.mark.parametrize("text", ["Z", "Zg-_", "Z g", "ü", "Zm9v\n", 7, None, b"Zg"])
def test_what_is_no_base64_is_nothing(text: object) -> None:
    assert decoded(text) is None


@given(VALUES, VALUES)
def test_a_signature_is_of_one_value_only(
    value: dict[str, object], other: dict[str, object]
) -> None:
    signed = KEY.signed(value, "@a:b")

    assert is_signed(signed, user_id="@a:b", public=KEY.public)
    taken_over = {**other, "signatures": signed["signatures"]}
    assert is_signed(taken_over, user_id="@a:b", public=KEY.public) == (
        canonical(value) == canonical(other)
    )


def test_a_signature_is_of_one_user_key_and_name_only() -> None:
    signed = KEY.signed({"a": 1}, "@a:b")
    other = SigningKey(bytes(32))

    assert not is_signed(signed, user_id="@b:b", public=KEY.public)
    assert not is_signed(signed, user_id="@a:b", public=other.public)
    assert not is_signed(signed, user_id="@a:b", public=KEY.public, signer="DEVICE")
    stolen = {"a": 1, "signatures": {"@a:b": {KEY.key_id: other.signature_of({"a": 1})}}}
    assert not is_signed(stolen, user_id="@a:b", public=KEY.public)


def test_a_device_signs_under_its_own_name() -> None:
    signed = {"signatures": {"@a:b": {"ed25519:DEVICE": KEY.signature_of({})}}}

    assert is_signed(signed, user_id="@a:b", public=KEY.public, signer="DEVICE")


@pytest.mark.parametrize(
    "signatures",
    [
        None,
        [],
        {"@a:b": 7},
        {"@a:b": {KEY.key_id: None}},
        {"@a:b": {KEY.key_id: "no base64"}},
        {"@a:b": {KEY.key_id: "Zm9v"}},
    ],
)
def test_nonsense_is_no_signature(signatures: object) -> None:
    assert not is_signed({"signatures": signatures}, user_id="@a:b", public=KEY.public)


@pytest.mark.parametrize("public", ["", "Zm9v", "no base64"])
def test_nonsense_is_no_key(public: str) -> None:
    value = {"signatures": {"@a:b": {f"ed25519:{public}": KEY.signature_of({})}}}

    assert not is_signed(value, user_id="@a:b", public=public)


def test_a_text_that_is_no_unicode_is_not_signed() -> None:
    value = {"a": "\ud800", **KEY.signed({}, "@a:b")}

    assert not is_signed(value, user_id="@a:b", public=KEY.public)


def test_another_library_accepts_the_signature_under_the_public_key() -> None:
    key = ECC.construct(curve="Ed25519", seed=KEY.seed)
    verifier = eddsa.new(key.public_key(), "rfc8032")

    verifier.verify(b'{"a":1}', decoded(KEY.signature_of({"a": 1})) or b"")
    assert unpadded(key.public_key().export_key(format="raw")) == KEY.public


def test_a_seed_is_in_no_repr() -> None:
    assert repr(KEY) == "SigningKey()"
