"""A long answer is formatted where it holds nobody up: 200 000 characters take seconds."""

from collections.abc import Callable
from typing import Any

import trio
from attrs import define, field
from trio.testing import MockClock

from tests.actors.telegram.fake_bot import Gateway


@define
class Threads:
    """Notes what is done in a thread."""

    names: list[str] = field(factory=list)

    async def __call__(self, function: Callable[..., Any], /, *args: Any) -> Any:
        await trio.lowlevel.checkpoint()
        self.names.append(function.__name__)
        return function(*args)


async def test_what_is_formatted_holds_no_other_chat_up(autojump_clock: MockClock) -> None:
    threads = Threads()
    gateway = Gateway(autojump_clock, in_thread=threads)
    async with gateway.running():
        row = gateway.row()
        await gateway.finish(row, "**a**")
        await gateway.settled()
        formatted = threads.names.count("contents")
        await gateway.amend(row, "1", "*pressed*")
        await gateway.settled()

    assert formatted == 1
    assert threads.names.count("amended") == 1
    assert gateway.bot.shown()[-1].endswith("pressed")
