"""Ids of one and the same chat."""

from hypothesis import given
from hypothesis import strategies as st

from actors.telegram.incoming.aliases import Aliases

IDS = st.integers(-6, -1)


def test_a_chat_that_moved_keeps_the_id_it_began_with() -> None:
    aliases = Aliases().after(-100, -1001).after(-1001, -1002)

    assert [aliases.oldest(one) for one in (-100, -1001, -1002, -5)] == [-100, -100, -100, -5]
    assert [aliases.has_moved(one) for one in (-100, -1001, -1002, -5)] == [
        True,
        True,
        False,
        False,
    ]


def test_it_does_not_matter_which_move_is_known_first() -> None:
    assert Aliases().after(-1001, -1002).after(-100, -1001).oldest(-1002) == -100


def test_what_was_said_first_of_an_id_stands() -> None:
    aliases = Aliases().after(-100, -1001)

    assert aliases.after(-200, -1001) == aliases
    assert aliases.after(-100, -1001) == aliases
    assert aliases.after(-1001, -100) == aliases
    assert aliases.after(-100, -100) == aliases


@given(st.lists(st.tuples(IDS, IDS)), IDS)
def test_no_moves_lead_in_a_circle(moves: list[tuple[int, int]], chat_id: int) -> None:
    aliases = Aliases()
    for old, new in moves:
        aliases = aliases.after(old, new)

    oldest = aliases.oldest(chat_id)

    assert aliases.oldest(oldest) == oldest
