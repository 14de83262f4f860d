"""The sender is cancelled at every one of its steps; the next life makes it whole."""

import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import trio
from attrs import define, evolve, field
from trio.testing import MockClock

from actors.telegram.settings import Streaming
from protocols.files import FileKind, LocalFile
from protocols.journal import Button, Keyboard
from tests.actors.telegram.fake_bot import EPOCH, GROUP, HERE, SETTINGS, FakeBot, Gateway

THOUGHT = "💭 I think.\n\nlast\n\n56 out"
PARTS = [f"part {number} " + "word " * 700 for number in range(3)]
RETRY: Keyboard = ((Button("🔁 Try again", "retry:1"),),)
FILES = [("doc", FileKind.DOCUMENT), ("p0", FileKind.PHOTO), ("p1", FileKind.PHOTO)]


@define(eq=False)
class CancelAt(trio.abc.Instrument):
    """Cancels a scope at the step *left* of the sender's tasks."""

    left: int
    scope: trio.CancelScope = field(factory=trio.CancelScope)

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        self.left -= task.name.startswith("actors.telegram")
        if self.left == 0 and not self.scope.cancel_called:
            self.scope.cancel(reason=f"in {task.name}")


def made(folder: Path, name: str, kind: FileKind) -> LocalFile:
    path = folder / "made" / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"hello")
    os.utime(path, (EPOCH, EPOCH))
    return LocalFile(kind, name, "text/plain", 5, str(path), "0" * 64)


async def _play(gateway: Gateway) -> None:
    """A turn with drafts, a long answer with buttons, one of which is pressed; a notice; files."""
    row, other = gateway.row(message_id="77"), gateway.row(GROUP, message_id="78")
    await gateway.typing(row)
    await gateway.typing(other)
    for number in range(4):
        await gateway.draft(row, f"so far {number}")
        await trio.sleep(1)
    await gateway.finish(row, "\n\n".join(PARTS), keyboard=RETRY)
    await gateway.finish(other, "to the group")
    await gateway.say("a notice")
    files = [made(gateway.settings.files, name, kind) for name, kind in FILES]
    around: dict[str, Any] = {"footer": "*56 out*", "folded": "I think."}
    await gateway.finish(gateway.row(), "last", files=files, **around)
    await gateway.bot.until(lambda: gateway.outcomes()[0] == "sent")
    # Of an end that may have been sent twice only this one is known to be ours.
    place = next(iter(gateway.journal.outbox.values())).remote_id
    await gateway.amend(row, str(place), "*pressed*")


async def _two_lives(gateway: Gateway, cancel: CancelAt) -> None:
    async with trio.open_nursery() as nursery:
        first = gateway.sender()
        with cancel.scope:
            async with trio.open_nursery() as life:
                life.start_soon(first.run)
                nursery.start_soon(_play, gateway)
                await gateway.bot.until(lambda: len(gateway.outcomes()) == 5)
                await gateway.settled()
                life.cancel_scope.cancel()
        second = gateway.sender()
        nursery.start_soon(second.run)
        await gateway.bot.until(lambda: len(gateway.outcomes()) == 5)
        await gateway.settled()
        nursery.cancel_scope.cancel()


async def _a_life_two_days_later(gateway: Gateway, folder: Path) -> None:
    await trio.sleep(2 * 86_400)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(gateway.sender().run)
        await gateway.bot.until(lambda: list(folder.iterdir()) == [])
        nursery.cancel_scope.cancel()


async def _three_lives(gateway: Gateway, cancel: CancelAt) -> None:
    await _two_lives(gateway, cancel)
    made = gateway.settings.files / "made"
    if list(made.iterdir()):
        # It ended just before it removed them; they go when they are old.
        await _a_life_two_days_later(gateway, made)


def _run(step: int, streaming: Streaming, folder: Path) -> int:
    """One run that is cancelled at *step*; how many steps there were before it."""
    clock, cancel = MockClock(autojump_threshold=0), CancelAt(step)
    settings = evolve(SETTINGS, streaming=streaming, files=folder)
    gateway = Gateway(clock, settings=settings)

    trio.run(_three_lives, gateway, cancel, clock=clock, instruments=[cancel])

    assert gateway.outcomes() == ["sent"] * 5
    _all_is_said_in_order(gateway)
    assert Counter(gateway.bot.shown(GROUP))["to the group"] <= 1 + (streaming is Streaming.OFF)
    _the_end_is_pressed(gateway.bot)
    for sign in ((42, 77), (-100, 78)):
        assert (gateway.bot.reactions[sign] or [""])[-1] == ""
    return step - cancel.left


def _begin(text: str) -> str:
    return text if text == THOUGHT else text[:6]


def _all_is_said_in_order(gateway: Gateway) -> None:
    said = [_begin(text) for text in gateway.bot.shown(HERE) if text != "…"]
    counted = Counter(said)
    again = [words for words, number in counted.items() if number > 1]
    assert list(dict.fromkeys(said)) == [
        "part 0", "part 1", "part 2", "a noti", THOUGHT, "doc", "p0 p1"
    ]  # fmt: skip
    assert len(again) <= 1, "more than the piece in the air"
    assert all(counted[words] <= 2 for words in again)
    if gateway.settings.streaming is Streaming.EDIT:
        assert counted["part 0"] == counted[THOUGHT] == 1


def _the_end_is_pressed(bot: FakeBot) -> None:
    """The message that was pressed says so; the one that nobody knew was sent does not."""
    ends = [shown for shown in bot.seen(HERE) if shown.text.startswith("part 2")]
    assert [shown.text.endswith("pressed") for shown in ends] == [*[False] * len(ends[1:]), True]
    assert ends[-1].keyboard == ()
    whole = [shown for shown in bot.seen(HERE) if shown.text not in {"…", ""}]
    assert {shown.keyboard for shown in whole} <= {(), RETRY}


@pytest.mark.parametrize("stride", [7, pytest.param(1, marks=pytest.mark.full)])
@pytest.mark.parametrize("streaming", Streaming)
def test_wherever_it_is_cancelled_an_answer_is_there_once_and_in_order(
    tmp_path: Path, streaming: Streaming, stride: int
) -> None:
    steps = _run(1_000_000, streaming, tmp_path)

    for step in range(1, steps, stride):
        _run(step, streaming, tmp_path)
