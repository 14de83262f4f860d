from hypothesis import given
from hypothesis import strategies as st

from actors.kernel.backoff import Backoff


def test_the_first_failure_after_a_stable_life_waits_for_nothing() -> None:
    assert Backoff().delay_before(1, draw=1.0) == 0.0


def test_delays_double_up_to_the_longest() -> None:
    backoff = Backoff(first=1.0, longest=5.0, jitter=0.0)

    assert [backoff.delay_before(n, draw=0.5) for n in range(1, 7)] == [0, 1, 2, 4, 5, 5]


@given(st.integers(1, 10**6), st.floats(0, 1))
def test_no_delay_is_longer_than_the_longest_and_its_jitter(streak: int, draw: float) -> None:
    backoff = Backoff()

    assert 0 <= backoff.delay_before(streak, draw=draw) <= 30.0 * 1.2
