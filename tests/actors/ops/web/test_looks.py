"""Looks that are shared by all who ask at the same time."""

import trio
from trio.testing import MockClock

from actors.ops.web.looks import Shared, summary_of
from protocols.journal import RowState
from tests.actors.ops.rig import DyingStoreAddress, actor
from tests.fakes import MemoryStoreAddress


async def test_many_who_ask_at_once_are_shown_one_look(autojump_clock: MockClock) -> None:
    looks = 0

    async def look() -> int:
        nonlocal looks
        await trio.sleep(0.3)
        looks += 1
        return looks

    shared = Shared(look, every=1.0)
    seen: list[int] = []

    async def ask(after: float) -> None:
        await trio.sleep(after)
        seen.append(await shared.get())

    async with trio.open_nursery() as nursery:
        for after in (0.0, 0.0, 0.1, 0.9, 1.0):
            nursery.start_soon(ask, after)

    assert sorted(seen) == [1, 1, 1, 1, 2]
    assert autojump_clock.current_time() == 1.3


async def test_a_look_that_fails_is_not_remembered() -> None:
    attempts: list[int] = []

    async def look() -> str:
        await trio.lowlevel.checkpoint()
        attempts.append(1)
        if len(attempts) == 1:
            raise ValueError
        return "seen"

    shared = Shared(look, every=100.0)
    try:
        await shared.get()
    except ValueError:
        assert await shared.get() == "seen"

    assert len(attempts) == 2


async def test_the_journal_is_asked_only_where_the_store_works() -> None:
    store = MemoryStoreAddress()
    slow = actor("store", oldest_age=5.0)

    assert (await summary_of(store, [slow])) is None
    assert (await summary_of(DyingStoreAddress(), [])) is None
    found = await summary_of(store, [actor("store")])
    assert found is not None
    assert found.rows.get(RowState.RECEIVED, 0) == 0
