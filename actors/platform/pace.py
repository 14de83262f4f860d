"""How fast streams are read: many at once are each read less often, and more at a time."""

import random
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import trio
from attrs import define, field

READS_A_SECOND = 400
"""Of all streams together: a read costs as much as several more events that come with it."""

LONGEST_PAUSE = 0.5
"""Seconds; an answer on a screen changes no more often than that."""

FIRST_READS = 8
"""Of a stream, without a pause: somebody waits for the first word."""

_SHORTEST_PAUSE = 0.01


def pause_between(streams: int) -> float:
    """Seconds between two reads of one stream while so many *streams* are read."""
    pause = min(streams / READS_A_SECOND, LONGEST_PAUSE)
    return pause if pause >= _SHORTEST_PAUSE else 0.0


@define
class Pace:
    """Of one agent's streams: lets what comes gather in the socket, and others have their turn.

    Args:
        random: Spreads the pauses. Streams that began together would else be read together for
            ever, and whoever comes then waits for all of them.
    """

    _random: random.Random = field(factory=random.Random)
    _streams: int = field(init=False, default=0)

    @contextmanager
    def stream(self) -> Iterator[Callable[[], Awaitable[None]]]:
        """Count one more stream for the block; gives what its reader awaits after each read."""
        reads = 0

        async def pause() -> None:
            nonlocal reads
            reads += 1
            seconds = pause_between(self._streams)
            if seconds and reads > FIRST_READS:
                await trio.sleep(seconds * (0.5 + self._random.random()))

        self._streams += 1
        try:
            yield pause
        finally:
            self._streams -= 1
