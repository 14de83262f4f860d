from hypothesis import given
from hypothesis import strategies as st

from actors.matrix.api.limits import LONGEST_DELAY, Penalty, delay_before


@given(st.integers(1, 10_000), st.floats(0, 1))
def test_a_delay_is_never_longer_than_a_minute_and_never_nothing(
    streak: int, spread: float
) -> None:
    assert 0.5 < delay_before(streak, spread=spread) <= LONGEST_DELAY


def test_each_failure_in_a_row_doubles_the_delay() -> None:
    assert [delay_before(streak, spread=1.0) for streak in (1, 2, 3, 4)] == [1, 2, 4, 8]


def test_the_longest_of_two_penalties_holds() -> None:
    penalty = Penalty()

    penalty.extend(100.0, 30.0)
    penalty.extend(101.0, 2.0)

    assert penalty.left(110.0) == 20.0
    assert penalty.left(140.0) == 0.0


def test_drafts_wait_longer_than_answers() -> None:
    penalty = Penalty()

    penalty.extend(100.0, 5.0)

    assert penalty.until == 105.0
    assert penalty.drafts_from == 115.0


def test_without_a_penalty_everything_may_go() -> None:
    penalty = Penalty()

    assert (penalty.left(0.0), penalty.is_recent(0.0)) == (0.0, False)
    assert penalty.drafts_from < 0


def test_a_penalty_stays_recent_for_a_minute() -> None:
    penalty = Penalty()

    penalty.extend(0.0, 5.0)

    assert penalty.is_recent(60.0)
    assert not penalty.is_recent(66.0)
