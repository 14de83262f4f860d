"""How fast one turn's stream is read: many at once are each read less often, and more at a time."""

from collections.abc import Callable

import trio
from attrs import define, field

READS_A_SECOND = 500
"""Of all turns together: a read costs as much as several more parts that come with it."""

LONGEST_PAUSE = 0.5
"""Seconds; an answer on a screen changes no more often than that."""

_SHORTEST_PAUSE = 0.01
_AT_ONCE = 0.005
"""Seconds within which a part comes that had gathered before."""

MOST_AT_ONCE = 10


def pause_between(turns: int) -> float:
    """Seconds between two reads of one stream while so many *turns* run."""
    pause = min(turns / READS_A_SECOND, LONGEST_PAUSE)
    return pause if pause >= _SHORTEST_PAUSE else 0.0


@define
class Pace:
    """Of one stream: lets what comes gather in the socket, and others have their turn.

    Args:
        roll: From 0 up to 1. Streams that began together would else be read together for ever,
            and whoever comes then waits for all of them.
    """

    _roll: Callable[[], float]
    _since: float = field(init=False, default=float("-inf"))
    """When the part before was done with."""
    _parts: int = field(init=False, default=0)

    async def keep(self, pause: float) -> None:
        """Wait *pause* seconds, half of it more or less, if what had gathered is read.

        Else return at once, most often.

        A client with a full buffer hands over part after part without waiting.
        """
        self._parts += 1
        if trio.current_time() - self._since >= _AT_ONCE:
            await trio.sleep(pause * (0.5 + self._roll()))
        elif self._parts % MOST_AT_ONCE == 0:
            await trio.lowlevel.checkpoint()
        self._since = trio.current_time()
