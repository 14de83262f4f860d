import pytest

from actors.ops.units import age, count, duration, plain, size


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-3.0, "0 ms"),
        (0.0, "0 ms"),
        (0.34, "340 ms"),
        (1.0, "1 s"),
        (59.9, "59 s"),
        (60.0, "1 m"),
        (200.0, "3 m 20 s"),
        (3600.0, "1 h"),
        (12_000.0, "3 h 20 m"),
        (86_400.0, "1 d"),
        (190_800.0, "2 d 5 h"),
        (31_536_000.0, "365 d"),
    ],
)
def test_a_duration_has_at_most_two_units(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_no_age_is_a_dash() -> None:
    assert age(None) == "-"
    assert age(4.0) == "4 s"


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (0, "0"),
        (1204, "1,204"),
        (99_999, "99,999"),
        (120_400, "120 k"),
        (3_400_000, "3.4 M"),
        (3_400_000_000, "3.4 G"),
    ],
)
def test_a_large_count_is_rounded(number: int, words: str) -> None:
    assert count(number) == words


@pytest.mark.parametrize(
    ("size_bytes", "words"),
    [(0, "0 B"), (999, "999 B"), (96_256, "96 kB"), (3_400_000, "3.4 MB"), (2 * 10**9, "2.0 GB")],
)
def test_a_size_has_one_unit(size_bytes: int, words: str) -> None:
    assert size(size_bytes) == words


@pytest.mark.parametrize("bad", ["\x1b[2J", "a\nb", "\u202ea", "\udcff", "\x9b1m", "\x00"])
def test_no_name_can_steer_the_terminal(bad: str) -> None:
    assert plain(bad).isprintable()


def test_ordinary_names_stay_as_they_are() -> None:
    assert plain("matrix/!ä b:例え.org") == "matrix/!ä b:例え.org"
