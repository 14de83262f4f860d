import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.words.sizes import count_text, size_text
from protocols.ids import Language

KIB, MIB, GIB = 2**10, 2**20, 2**30


@pytest.mark.parametrize(
    ("size_bytes", "english", "russian"),
    [
        (0, "0 B", "0 Б"),
        (1023, "1023 B", "1023 Б"),
        (1024, "1 KB", "1 КБ"),
        (1025, "1.1 KB", "1,1 КБ"),
        (10 * KIB + 1, "11 KB", "11 КБ"),
        (MIB - 1, "1 MB", "1 МБ"),
        (20 * MIB, "20 MB", "20 МБ"),
        (50 * MIB + 1, "51 MB", "51 МБ"),
        (5 * MIB // 2, "2.5 MB", "2,5 МБ"),
        (GIB, "1 GB", "1 ГБ"),
        (5000 * GIB, "5000 GB", "5000 ГБ"),
    ],
)
def test_a_size_is_said_in_the_unit_that_makes_it_short(
    size_bytes: int, english: str, russian: str
) -> None:
    assert size_text(size_bytes, Language("en")) == english
    assert size_text(size_bytes, Language("ru-RU")) == russian


@pytest.mark.parametrize(
    ("count", "english", "russian"),
    [(0, "0", "0"), (999, "999", "999"), (1_234_567, "1,234,567", "1\xa0234\xa0567")],
)
def test_thousands_stand_apart(count: int, english: str, russian: str) -> None:
    assert count_text(count, Language("en")) == english
    assert count_text(count, Language("ru-RU")) == russian


@given(limit=st.integers(1, 1023), over=st.integers(1, GIB))
def test_what_is_over_a_limit_never_looks_like_the_limit(limit: int, over: int) -> None:
    limit_bytes = limit * MIB

    assert size_text(limit_bytes + over, Language("en")) != size_text(limit_bytes, Language("en"))
