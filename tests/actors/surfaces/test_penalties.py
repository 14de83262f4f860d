import pytest

from actors.surfaces.penalties import penalty_left, penalty_text


def test_a_penalty_is_remembered() -> None:
    text = penalty_text(1000.0, 30.0)

    assert penalty_left(text, 1010.0) == 20.0
    assert penalty_left(text, 1031.0) == 0.0


def test_a_clock_that_was_put_back_makes_no_penalty_longer() -> None:
    assert penalty_left(penalty_text(1000.0, 30.0), 5.0) == 30.0


@pytest.mark.parametrize("text", [None, "{}", "7", '{"until": "x", "wait": 1}'])
def test_what_remembers_no_penalty_is_none(text: str | None) -> None:
    assert penalty_left(text, 0.0) == 0.0
