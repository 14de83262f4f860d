import trio
import trio.testing

from actors.kernel.mailbox import Latest


async def test_a_new_value_takes_the_place_of_one_that_nobody_took() -> None:
    latest: Latest[str] = Latest()
    latest.put("a")
    latest.put("b")

    assert await latest.get() == "b"


async def test_who_comes_before_the_value_waits_for_it() -> None:
    latest: Latest[str] = Latest()
    taken: list[str] = []

    async with trio.open_nursery() as nursery:

        @nursery.start_soon
        async def take() -> None:
            taken.append(await latest.get())
            taken.append(await latest.get())

        await trio.testing.wait_all_tasks_blocked()
        latest.put("a")
        await trio.testing.wait_all_tasks_blocked()
        assert taken == ["a"]
        latest.put("b")

    assert taken == ["a", "b"]
