from hypothesis import given
from hypothesis import strategies as st

from actors.surfaces.folding import shortened


@given(st.text(max_size=30), st.integers(1, 20))
def test_what_is_folded_is_never_longer_than_there_is_room(text: str, longest: int) -> None:
    found = shortened(text, longest)

    assert len(found) <= longest
    assert found == text.strip() or found.endswith("…")


def test_no_space_stands_before_what_says_that_there_is_more() -> None:
    assert shortened(" one two three ", 5) == "one…"
