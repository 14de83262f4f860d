from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from actors.matrix.crypto.identity import USAGES, Identity, Published
from actors.matrix.crypto.signing import SigningKey, unpadded

ME = "@bot:here"
MINE = Identity(ME, SigningKey(b"m" * 32), SigningKey(b"s" * 32), SigningKey(b"u" * 32), "id")
OTHERS = Identity(ME, SigningKey(b"x" * 32), SigningKey(b"y" * 32), SigningKey(b"z" * 32))

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from([ME, "D", "keys", "signatures", "ed25519:D", *USAGES])
            | st.text(max_size=3),
            inner,
            max_size=3,
        )
    ),
    max_leaves=12,
)


def shown(identity: Identity, *usages: str) -> Published:
    """What the server says once *identity*'s keys for *usages* are there."""
    answer = {f"{usage}_keys": {ME: identity.published_form(usage)} for usage in usages}
    return Published.of(answer, ME, "DEVICE")


def test_an_identity_is_the_same_after_it_was_kept_as_secrets() -> None:
    assert Identity.of_secrets(ME, MINE.secrets()) == evolve(MINE, storage_key_id="")


@pytest.mark.parametrize(
    "wrong", [{"master": None}, {"master": "Zm9v"}, {"self_signing": 7}, {"user_signing": "ü"}]
)
def test_secrets_that_are_no_seeds_are_no_identity(wrong: dict[str, object]) -> None:
    assert Identity.of_secrets(ME, MINE.secrets() | wrong) is None


def test_an_account_without_keys_has_nobodys() -> None:
    nothing = Published.of({}, ME, "DEVICE")

    assert not nothing.has_any
    assert nothing.missing(MINE) == list(USAGES)


@pytest.mark.parametrize("usage", USAGES)
def test_one_key_of_another_identity_makes_the_account_not_ours(usage: str) -> None:
    mixed = shown(MINE, *USAGES).keys | shown(OTHERS, usage).keys

    assert shown(MINE, *USAGES).is_of(MINE)
    assert not Published(mixed).is_of(MINE)
    assert not shown(OTHERS, usage).is_of(MINE)


def test_what_is_there_and_signed_is_not_missing() -> None:
    assert shown(MINE, *USAGES).missing(MINE) == []
    assert shown(MINE, "master", "user_signing").missing(MINE) == ["self_signing"]


def test_a_key_that_the_master_key_has_not_signed_is_missing() -> None:
    form = MINE.published_form("self_signing")
    forged = SigningKey(b"f" * 32).signed(form, ME)
    keys = shown(MINE, *USAGES).keys

    assert Published(keys | {"self_signing": forged}).missing(MINE) == ["self_signing"]


@given(JSON)
def test_whatever_a_server_shows_is_read_without_a_crash(answer: Any) -> None:
    body = answer if isinstance(answer, dict) else {"master_keys": answer, "device_keys": answer}

    published = Published.of(body, ME, "D")

    assert not (published.has_any and published.is_of(MINE))
    assert set(published.missing(MINE)) | set(published.keys) == set(USAGES)


@given(JSON)
def test_whatever_stands_for_a_key_is_not_ours(key: Any) -> None:
    published = Published.of({"self_signing_keys": {ME: {"keys": key, "a": 1}}}, ME, "D")

    assert not published.is_of(MINE)
    assert "self_signing" in published.missing(MINE)


def test_a_seed_is_in_no_repr() -> None:
    assert unpadded(b"m" * 32) not in repr(MINE)
    assert "mmmm" not in repr(MINE)
