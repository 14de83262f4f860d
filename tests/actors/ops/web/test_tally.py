"""The census added up by actor."""

from actors.ops.web.tally import Tally
from protocols.lifecycle import ActorView
from tests.actors.ops.rig import actor


def pool(**handled: int) -> tuple[ActorView, ...]:
    """A pool whose children have handled so many."""
    children = (actor(f"sessions/{name}", handled=n, restarts=n) for name, n in handled.items())
    return (actor("sessions", handled=0), *children)


async def test_what_a_child_has_counted_stays_when_it_has_gone() -> None:
    tally = Tally()
    sums = []

    for views in (pool(a=5, b=1), pool(a=6), pool(a=6, b=2), pool(b=3), pool()):
        totals = (await tally.take(views))["sessions"]
        sums.append((totals.handled, totals.restarts))

    # b came back as a new child with counts of its own.
    assert sums == [(6, 6), (7, 7), (9, 9), (10, 10), (10, 10)]


async def test_a_child_that_was_replaced_between_two_looks_counts_from_zero() -> None:
    tally = Tally()
    await tally.take(pool(a=50))

    assert (await tally.take(pool(a=3)))["sessions"].handled == 53


async def test_the_totals_come_in_start_order() -> None:
    views = [actor("store"), *pool(a=1), actor("chats")]

    assert [*await Tally().take(views)] == ["store", "sessions", "chats"]


async def test_ten_thousand_actors_are_counted() -> None:
    views = pool(**{f"r{number}": 1 for number in range(10_000)})

    assert (await Tally().take(views))["sessions"].handled == 10_000
