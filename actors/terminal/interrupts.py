"""Ctrl-C in the terminal: it stops the answer; pressed again, the program."""

import math
from collections.abc import Callable
from enum import Enum, auto

import trio
from attrs import Factory, define, field

PRESS_AGAIN_WITHIN = 2.0


class Wish(Enum):
    """What a person wants who pressed Ctrl-C."""

    STOP_ANSWER = auto()
    HOW_TO_END = auto()


@define
class _Wishes:
    """A short queue that outlives its readers."""

    send: trio.MemorySendChannel[Wish]
    receive: trio.MemoryReceiveChannel[Wish]


def _new_wishes() -> _Wishes:
    return _Wishes(*trio.open_memory_channel[Wish](math.inf))


@define
class InterruptSwitch:
    """Decides who takes a Ctrl-C: the chat in the terminal or the supervisor.

    Args:
        is_interactive: False where nobody types; then every Ctrl-C is the supervisor's.
        leave: Leaves the terminal as it was found, before a Ctrl-C becomes the supervisor's:
            at the next one the supervisor ends the process on the spot.
    """

    is_interactive: bool = True
    leave: Callable[[], None] = field(default=lambda: None, repr=False)
    _is_answering: bool = False
    _was_stopped: bool = False
    _armed_until: float = -math.inf
    _wishes: _Wishes = Factory(_new_wishes)

    def pressed(self) -> bool:
        """Whether the terminal takes this Ctrl-C; called in the trio thread on every SIGINT."""
        now = trio.current_time()
        if not self.is_interactive or now < self._armed_until:
            self.leave()
            return False
        if self._is_answering and not self._was_stopped:
            self._was_stopped = True
            self._wishes.send.send_nowait(Wish.STOP_ANSWER)
        else:
            self._armed_until = now + PRESS_AGAIN_WITHIN
            self._wishes.send.send_nowait(Wish.HOW_TO_END)
        return True

    def answering(self, is_answering: bool) -> None:  # noqa: FBT001  # the one thing it tells
        """An answer runs, or none does any more."""
        if is_answering == self._is_answering:
            return
        self._is_answering = is_answering
        self._was_stopped = False
        self._armed_until = -math.inf

    async def next_wish(self) -> Wish:
        """What the person wants; waits for a Ctrl-C."""
        return await self._wishes.receive.receive()
