import trio
import trio.testing

from actors.kernel.letters import DeadLetters


async def test_the_newest_two_hundred_are_kept(autojump_clock: trio.testing.MockClock) -> None:
    letters = DeadLetters()
    for number in range(250):
        letters.add("store", f"K{number}", "stopped", "")
    await trio.sleep(3)

    newest = letters.newest()

    assert [newest[0].kind, newest[-1].kind, len(newest)] == ["K249", "K50", 200]
    assert newest[0].age == autojump_clock.current_time()
