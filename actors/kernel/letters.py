"""Mail that no actor handled, the newest of it, for the operator to see."""

from collections import deque

import trio
from attrs import define, field

from protocols.lifecycle import UndeliveredMail


@define(eq=False)
class DeadLetters:
    """The newest undelivered messages: their kind and the reason, never the message itself."""

    _kept: deque[tuple[float, str, str, str, str]] = field(
        init=False, factory=lambda: deque(maxlen=200)
    )

    def add(self, reader: str, kind: str, reason: str, trace: str) -> None:
        """Keep one; the oldest makes room."""
        self._kept.appendleft((trio.current_time(), reader, kind, reason, trace))

    def newest(self) -> tuple[UndeliveredMail, ...]:
        """All that is kept, newest first."""
        now = trio.current_time()
        return tuple(
            UndeliveredMail(reader, kind, reason, trace, now - at)
            for at, reader, kind, reason, trace in self._kept
        )
