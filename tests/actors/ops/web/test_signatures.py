"""Who sent a push."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.ops.web.signatures import SecretError, is_genuine, key_of, read_headers
from tests.actors.ops.web.web_rig import SECRET, signed

NOW = 1_800_000_000.0
OTHER = "whsec_b3RoZXIga2V5"

Headers = list[tuple[bytes, bytes]]


def raw(headers: dict[str, str]) -> Headers:
    return [(name.encode(), value.encode()) for name, value in headers.items()]


def is_taken(headers: Headers, body: bytes, *secrets: str, now: float = NOW) -> bool:
    found = read_headers(headers, now=now)
    return found is not None and is_genuine(found, body, [key_of(one) for one in secrets])


def test_the_example_of_the_specification_is_genuine() -> None:
    # https://github.com/standard-webhooks/standard-webhooks, the libraries' own test.
    headers = [
        (b"webhook-id", b"msg_p5jXN8AQM9LWM0D4loKWxJek"),
        (b"webhook-timestamp", b"1614265330"),
        (b"webhook-signature", b"v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
    ]

    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

    assert is_taken(headers, b'{"test": 2432232314}', secret, now=1614265330)


@given(st.binary(max_size=200))
def test_what_was_signed_is_genuine_and_nothing_else_is(body: bytes) -> None:
    headers = raw(signed(body, at=NOW))

    assert is_taken(headers, body, SECRET)
    assert is_taken(headers, body, OTHER, SECRET)
    assert not is_taken(headers, body + b" ", SECRET)
    assert not is_taken(headers, body, OTHER)
    assert not is_taken(headers, body)


def test_while_a_secret_is_renewed_one_of_several_signatures_is_enough() -> None:
    new, old = signed(b"x", at=NOW), signed(b"x", at=NOW, secret=OTHER)
    both = f"v1a,b29w {old['webhook-signature']} {new['webhook-signature']}"

    assert is_taken(raw(new | {"webhook-signature": both}), b"x", SECRET)


def test_a_secret_without_its_prefix_is_its_own_bytes() -> None:
    assert key_of("plain secret") == b"plain secret"
    assert key_of("whsec_cGxhaW4=") == b"plain"


@pytest.mark.parametrize("secret", ["whsec_!", "whsec_", "whsec_abc"])
def test_a_secret_that_was_cut_off_is_told_from_a_good_one(secret: str) -> None:
    with pytest.raises(SecretError):
        key_of(secret)


@pytest.mark.parametrize("off", [-301, 301, 10_000, -1e9])
def test_a_push_of_another_time_is_refused(off: float) -> None:
    assert not is_taken(raw(signed(b"x", at=NOW + off)), b"x", SECRET)


@pytest.mark.parametrize("off", [-299, 0, 299])
def test_clocks_may_differ_by_five_minutes(off: float) -> None:
    assert is_taken(raw(signed(b"x", at=NOW + off)), b"x", SECRET)


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_a_header_that_is_missing_or_stands_twice_is_refused(name: str) -> None:
    headers = raw(signed(b"x", at=NOW))
    without = [pair for pair in headers if pair[0] != name.encode()]
    twice = [*headers, *(pair for pair in headers if pair[0] == name.encode())]

    assert not is_taken(without, b"x", SECRET)
    assert not is_taken(twice, b"x", SECRET)


def test_a_body_cannot_be_moved_into_the_id() -> None:
    later = f'{{"text": "x.{NOW:.0f}.{{}}"}}'.encode()
    genuine = signed(later, at=NOW)
    start, _, _ = later.partition(b".")
    moved = genuine | {"webhook-id": f"msg_1.{NOW:.0f}.{start.decode()}"}

    assert is_taken(raw(genuine), later, SECRET)
    assert not is_taken(raw(moved), b"{}" + b'"}', SECRET)


HEADER = st.binary(max_size=40) | st.sampled_from([b"1800000000", b"v1,", b",", b"v1"])


@given(HEADER, HEADER, HEADER, st.binary(max_size=40))
def test_whatever_comes_is_read_without_a_crash_and_never_taken(
    id_: bytes, timestamp: bytes, signature: bytes, body: bytes
) -> None:
    headers = [
        (b"webhook-id", id_),
        (b"Webhook-Timestamp", timestamp),
        (b"webhook-signature", signature),
    ]

    assert not is_taken(headers, body, SECRET)
