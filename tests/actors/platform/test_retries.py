from hypothesis import given
from hypothesis import strategies as st

from actors.platform.retries import HIGHEST_CEILING, delay_before_retry

ROLLS = st.floats(0, 1, exclude_max=True)
WAITS = st.none() | st.floats(allow_nan=True, allow_infinity=True)


def test_the_ceiling_doubles_from_half_a_second() -> None:
    delays = [delay_before_retry(n, roll=1.0, retry_after=None) for n in range(1, 8)]

    assert delays == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 20.0]


def test_the_whole_delay_is_rolled() -> None:
    assert delay_before_retry(3, roll=0.0, retry_after=None) == 0.0


def test_what_the_platform_asks_for_is_the_least_and_nobody_comes_back_with_all_others() -> None:
    assert delay_before_retry(1, roll=0.0, retry_after=7.0) == 7.0
    assert delay_before_retry(1, roll=0.5, retry_after=7.0) == 7.25


@given(attempt=st.integers(1, 10**9), roll=ROLLS, retry_after=WAITS)
def test_a_delay_is_never_negative_and_without_a_wish_never_above_the_ceiling(
    attempt: int, roll: float, retry_after: float | None
) -> None:
    delay = delay_before_retry(attempt, roll=roll, retry_after=retry_after)

    assert delay >= 0
    if retry_after is None or not retry_after > 0:
        assert delay <= HIGHEST_CEILING
