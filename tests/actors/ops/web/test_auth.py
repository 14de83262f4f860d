"""Who may see the page."""

from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.ops.web.auth import Allowed, NotFromHere, TokenNeeded, access

TOKEN = "let-me-in"


def basic(user: str, password: str) -> str:
    return "Basic " + b64encode(f"{user}:{password}".encode()).decode()


@pytest.mark.parametrize(
    "host", ["localhost", "LocalHost:8088", "127.0.0.1:1", "[::1]:8088", "[::1]"]
)
@pytest.mark.parametrize("peer", ["127.0.0.1", "::1", "127.8.8.8"])
def test_who_sits_at_this_machine_needs_no_token(peer: str, host: str) -> None:
    assert access(peer, {"host": host}, "") == Allowed()
    assert access(peer, {"host": host}, TOKEN) == Allowed()


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "127.0.0.1.evil.example",
        "localhost.evil.example:8088",
        "",
        "[::1",
        "127.0.0.1:x",
    ],
)
def test_a_site_whose_name_was_made_to_point_here_is_not_let_in(host: str) -> None:
    assert access("127.0.0.1", {"host": host}, "") == NotFromHere()
    assert access("127.0.0.1", {"host": host}, TOKEN) == TokenNeeded()


@pytest.mark.parametrize(
    "name",
    ["x-forwarded-for", "forwarded", "x-real-ip", "x-forwarded-proto", "cf-connecting-ip", "via"],
)
def test_what_a_proxy_passes_on_does_not_come_from_this_machine(name: str) -> None:
    headers = {"host": "localhost", name: "203.0.113.7"}

    assert access("127.0.0.1", headers, "") == NotFromHere()


@pytest.mark.parametrize("peer", ["203.0.113.7", "10.0.0.1", "", "unix", "::ffff:203.0.113.7"])
def test_from_elsewhere_the_token_opens_and_nothing_else_does(peer: str) -> None:
    headers = {"host": "localhost"}

    assert access(peer, headers, TOKEN) == TokenNeeded()
    for value in (
        f"Bearer {TOKEN}",
        f"bearer  {TOKEN} ",
        basic("anybody", TOKEN),
        basic("", TOKEN),
    ):
        assert access(peer, headers | {"authorization": value}, TOKEN) == Allowed()
    for value in ("Bearer", "Bearer x", TOKEN, basic(TOKEN, ""), "Basic !", "Basic", "Digest a=b"):
        assert access(peer, headers | {"authorization": value}, TOKEN) == TokenNeeded()


def test_a_password_may_hold_a_colon() -> None:
    headers = {"authorization": basic("me", "a:b")}

    assert access("203.0.113.7", headers, "a:b") == Allowed()


@given(st.text(max_size=60), st.text(alphabet=st.characters(max_codepoint=255), max_size=60))
def test_whatever_a_request_presents_is_read_without_a_crash(peer: str, value: str) -> None:
    headers = {"host": value, "authorization": value}

    assert access(peer, headers, TOKEN) in {TokenNeeded(), Allowed()}
    assert access("203.0.113.7", headers, TOKEN) == TokenNeeded()
