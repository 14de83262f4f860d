from urllib.parse import parse_qs, unquote, urlsplit

from hypothesis import given
from hypothesis import strategies as st

from protocols.file_links import PREFIX, FileLinks

LINKS = FileLinks("https://bot.example.org", b"a key of ours")


def _parts(link: str) -> tuple[str, int, str]:
    """The name, the end and the signature in *link*."""
    parts = urlsplit(link)
    asked = parse_qs(parts.query)
    return unquote(parts.path.removeprefix(PREFIX)), int(asked["exp"][0]), asked["sig"][0]


@given(st.text(min_size=1).filter(lambda name: name.isprintable()))
def test_a_link_is_good_until_its_end_and_not_after(name: str) -> None:
    back, end, signature = _parts(LINKS.link(name, expires_at=1000))

    assert (back, end) == (name, 1000)
    assert LINKS.is_good(back, expires_at=end, signature=signature, now=999.9)
    assert not LINKS.is_good(back, expires_at=end, signature=signature, now=1000.0)


def test_a_link_opens_no_other_file_and_lasts_no_longer() -> None:
    _, _, signature = _parts(LINKS.link("made/a", expires_at=1000))

    assert not LINKS.is_good("made/b", expires_at=1000, signature=signature, now=1.0)
    assert not LINKS.is_good("made/a", expires_at=2000, signature=signature, now=1.0)
    assert not LINKS.is_good("made/a", expires_at=1000, signature="", now=1.0)
    assert not LINKS.is_good("made/a", expires_at=1000, signature="é", now=1.0)


def test_another_key_signs_otherwise_and_is_never_shown() -> None:
    other = FileLinks(LINKS.base, b"somebody else's")

    assert other.link("a", expires_at=9) != LINKS.link("a", expires_at=9)
    assert "somebody" not in repr(other)


def test_the_same_file_has_the_same_link_every_time() -> None:
    assert LINKS.link("a b/ü", expires_at=9) == LINKS.link("a b/ü", expires_at=9)
