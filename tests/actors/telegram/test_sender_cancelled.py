"""The sender is cancelled at every one of its steps; the next life makes it whole."""

from collections import Counter

import pytest
import trio
from attrs import define, field
from trio.testing import MockClock

from tests.actors.telegram.fake_bot import GROUP, HERE, Gateway

PARTS = [f"part {number} " + "word " * 700 for number in range(3)]


@define(eq=False)
class CancelAt(trio.abc.Instrument):
    """Cancels a scope at the step *left* of the whole run."""

    left: int
    scope: trio.CancelScope = field(factory=trio.CancelScope)

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        self.left -= 1
        if self.left == 0:
            self.scope.cancel(reason=f"in {task.name}")


async def _play(gateway: Gateway) -> None:
    """A turn with drafts, a long answer, a notice, another answer; and a group beside it."""
    row, other = gateway.row(), gateway.row(GROUP)
    await gateway.typing(row)
    await gateway.typing(other)
    for number in range(4):
        await gateway.draft(row, f"so far {number}")
        await trio.sleep(1)
    await gateway.finish(row, "\n\n".join(PARTS))
    await gateway.finish(other, "to the group")
    await gateway.say("a notice")
    await gateway.finish(gateway.row(), "last")


async def _two_lives(clock: MockClock, cancel: CancelAt) -> Gateway:
    gateway = Gateway(clock)
    async with trio.open_nursery() as nursery:
        first = gateway.sender()
        with cancel.scope:
            async with trio.open_nursery() as life:
                life.start_soon(first.run)
                nursery.start_soon(_play, gateway)
                await trio.sleep(8)
                await gateway.settled()
                life.cancel_scope.cancel()
        second = gateway.sender()
        nursery.start_soon(second.run)
        await gateway.bot.until(lambda: len(gateway.outcomes()) == 4)
        await gateway.settled()
        nursery.cancel_scope.cancel()
    return gateway


def _run(step: int) -> int:
    """One run that is cancelled at *step*; how many steps there were before it."""
    clock, cancel = MockClock(autojump_threshold=0), CancelAt(step)

    gateway = trio.run(_two_lives, clock, cancel, clock=clock, instruments=[cancel])

    said = [text[:6] for text in gateway.bot.shown(HERE) if text != "…"]
    counted = Counter(said)
    assert gateway.outcomes() == ["sent"] * 4
    assert counted["part 0"] == counted["last"] == 1
    assert Counter(gateway.bot.shown(GROUP))["to the group"] == 1
    again = [words for words, number in counted.items() if number > 1]
    assert len(again) <= 1, "more than the piece in the air"
    assert all(counted[words] <= 2 for words in again)
    assert list(dict.fromkeys(said)) == ["part 0", "part 1", "part 2", "a noti", "last"]
    return step - cancel.left


@pytest.mark.parametrize("stride", [3, pytest.param(1, marks=pytest.mark.full)])
def test_wherever_it_is_cancelled_an_answer_is_there_once_and_in_order(stride: int) -> None:
    steps = _run(1_000_000)

    for step in range(1, steps, stride):
        _run(step)
